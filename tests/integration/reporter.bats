#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2154 # bats sets stderr
# larshm-reporter on the command line; what its server stores is in unit/reporter/serve_test.c.

bats_require_minimum_version 1.5.0

setup() {
    cd "$BATS_TEST_TMPDIR" || return 1
    export TZ=UTC
}

teardown() {
    for server in "${servers[@]}"; do
        kill "$server" 2>/dev/null || true
        wait "$server" || true
    done
}

reporter() {
    "$BIN/larshm-reporter" --db routes.db "$@"
}

sql() {
    sqlite3 routes.db "$1"
}

# serve PROGRAM NAME: sets $server, and $address to where it listens.
serve() {
    "$BIN/$1" --db routes.db serve --create --listen 127.0.0.1:0 >"$2.out" 2>"$2.log" 3>&- &
    server=$!
    servers+=("$server")
    until [ -s "$2.out" ]; do sleep 0.02; done
    address=$(sed 's/listening on //' "$2.out")
}

# A database with some results.
results() {
    serve larshm-reporter first
    kill "$server"
    wait "$server"
    sql "INSERT INTO ServerCallStatus VALUES
        (1, 2, 167772161, 8080, 167772417, 180, 20, 1700000000, '1'),
        (1, 2, 3355443201, 65535, 167772417, 0, 0, 0, '0'),
        (1, 10, 167772161, 80, 0, 2, 1, 1700000060, '0'),
        (4294967295, 0, 167772161, 1, 1, 1, 0, 1, '0')"
}

@test "list shows sorted tab separated lines" {
    results
    run -0 --separate-stderr reporter list
    [ "$output" = "$(printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n' \
        1 2 10.0.0.1:8080 10.0.1.1 180 20 10.0 overloaded 1700000000 \
        1 2 200.0.0.1:65535 10.0.1.1 0 0 - idle 0 \
        1 10 10.0.0.1:80 0.0.0.0 2 1 33.3 idle 1700000060 \
        4294967295 0 10.0.0.1:1 0.0.0.1 1 0 0.0 idle 1)" ]
    [ "$stderr" = "" ]
}

@test "list on a terminal is a table with a header and times that people read" {
    results
    run -0 script -qec "NO_COLOR=1 $BIN/larshm-reporter --db routes.db list 1 2" /dev/null
    [[ "${lines[0]}" =~ ^MODID\ +CMDID\ +HOST\ +CALLER\ +SUCCESSES\ +FAILURES\ +FAIL%\ +STATE\ +TIME ]]
    [[ "${lines[1]}" =~ 1\ +2\ +10.0.0.1:8080\ +10.0.1.1\ +180\ +20\ +10.0\ +overloaded\ +2023-11-14\ 22:13:20 ]]
    [ "${#lines[@]}" -eq 3 ]
}

@test "list can be narrowed, and exits with 2 when there is nothing of a named route" {
    results
    run -0 reporter list 1
    [ "${#lines[@]}" -eq 3 ]
    run -0 reporter list 1 10
    [ "${#lines[@]}" -eq 1 ]
    run -2 --separate-stderr reporter list 1 3
    [ "$output" = "" ]
    [[ "$stderr" == *"no results of 1 3: see 'list'" ]]
    run -2 reporter list 7
    sql 'DELETE FROM ServerCallStatus'
    run -0 --separate-stderr reporter list
    [ "$output" = "" ]
    [[ "$stderr" == *"no results yet"* ]]
}

@test "wrong arguments exit with 1, those of a service with 78, say what is allowed, and make no database" {
    for words in "" "explode" "list 1 2 3" "list -1" "list 4294967296" "list 1 2x" "list"; do
        # shellcheck disable=SC2086
        run -1 reporter $words
    done
    for words in now "--listen localhost:1" "--listen 127.0.0.1" "--listen 127.0.0.1:65536" "--allow 10.0.0.5/8"; do
        # shellcheck disable=SC2086
        run -78 reporter serve $words
    done
    [ ! -e routes.db ]
    run -1 reporter list 4294967296
    [[ "$output" == *"MODID '4294967296' is not a decimal number from 0 to 4294967295"* ]]
    run -1 reporter list
    [[ "$output" == *"does it exist"*"'serve --create' makes a new one"* ]]
    run -1 reporter explode
    [[ "$output" == *"unknown command 'explode': see 'larshm-reporter --help'" ]]
    run -1 "$BIN/larshm-reporter" list
    [[ "$output" == *"--db FILE"* ]]
    run -78 "$BIN/larshm-reporter" serve
    [[ "$output" == *"--db FILE"* ]]
}

@test "help teaches each command with an example" {
    for words in "" serve list; do
        # shellcheck disable=SC2086
        run -0 "$BIN/larshm-reporter" $words --help
        [[ "$output" == *"larshm-reporter --db routes.db"* ]]
    done
    [[ "$("$BIN/larshm-reporter" serve --help | tr -s ' \n' ' ')" == *"(default 127.0.0.1:7779)"* ]]
    run -0 "$BIN/larshm-reporter" --version
    [[ "$output" == larshm-reporter\ [0-9]* ]]
}

@test "serve says where it listens in one line, names a port in use, and ends with 0 on SIGTERM and SIGINT" {
    for signal in TERM INT; do
        serve larshm-reporter "$signal"
        [[ "$(cat "$signal.out")" =~ ^listening\ on\ 127\.0\.0\.1:[0-9]+$ ]]
        run -1 reporter serve --create --listen "$address"
        [[ "$output" == *"cannot listen on $address: address already in use; is a report service running there?"* ]]
        [ "${#lines[@]}" -eq 1 ]
        kill -"$signal" "$server"
        wait "$server"
        grep -q "stopped after 0 connections, 0 reports, 0 results, 0 rows written" "$signal.log"
    done
}

@test "a file that is no database, or that of another program, is refused and left alone" {
    head -c 4096 /dev/zero | tr '\0' x >routes.db
    before=$(cksum routes.db)
    run -1 reporter serve
    [[ "$output" == *"not a SQLite database"* ]]
    [ "$(cksum routes.db)" = "$before" ]
    rm routes.db
    sql 'CREATE TABLE diary (day, words)'
    run -1 reporter serve
    [[ "$output" == *"another program"* ]]
    run -1 reporter list
}

@test "serve makes no database that it is not told to make" {
    run -1 reporter serve --listen 127.0.0.1:0
    [[ "$output" == *"does it exist"*"'serve --create' makes a new one"* ]]
    [ ! -e routes.db ]
}

@test "directory and report service work on one database at the same time" {
    serve larshm-dns directory
    serve larshm-reporter reporter
    port=${address#*:}
    exec 5<>"/dev/tcp/127.0.0.1/$port"
    # Route 1 2, caller 10.0.1.1, host 10.0.0.1:8080 with 7 successes and 3 failures.
    printf '\x03\0\0\0\x17\0\0\0\x08\x01\x10\x02\x18\x81\x82\x80\x50\x22\x0C' >&5
    printf '\x08\x81\x80\x80\x50\x10\x90\x3F\x18\x07\x20\x03' >&5
    for i in 1 2 3 4 5; do
        "$BIN/larshm-dns" --db routes.db route add 1 2 "10.0.0.$i:8080"
    done
    for _ in $(seq 500); do
        [ "$(sql 'SELECT count(*) FROM ServerCallStatus')" = 1 ] && break
        sleep 0.02
    done
    exec 5>&-
    run -0 reporter list 1 2
    [ "$output" = "$(printf '1\t2\t10.0.0.1:8080\t10.0.1.1\t7\t3\t30.0\tidle\t0')" ]
    run -0 "$BIN/larshm-dns" --db routes.db route list 1 2
    [ "${#lines[@]}" -eq 5 ]
}

@test "the man page knows every column" {
    for word in MODID CMDID HOST CALLER SUCCESSES FAILURES FAIL% STATE TIME; do
        mandoc -T utf8 "$BUILD/man/larshm-reporter.1" | col -b | grep -q -e "$word"
    done
}
