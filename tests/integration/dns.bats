#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2154 # bats sets stderr
# larshm-dns on the command line; what its server does is in unit/dns/serve_test.c and push_test.c.

bats_require_minimum_version 1.5.0

setup() {
    cd "$BATS_TEST_TMPDIR" || return 1
}

teardown() {
    if [ -n "${server:-}" ]; then
        kill "$server" 2>/dev/null || true
        wait "$server" || true
    fi
}

dns() {
    "$BIN/larshm-dns" --db routes.db "$@"
}

sql() {
    sqlite3 routes.db "$1"
}

@test "route add makes the database and list shows tab separated lines" {
    dns route add 1 2 10.0.0.1:8080 200.0.0.1:65535
    dns route add 4294967295 0 10.0.0.1:1
    run -0 --separate-stderr dns route list
    [ "$output" = "$(printf '1\t2\t10.0.0.1\t8080\n1\t2\t200.0.0.1\t65535\n4294967295\t0\t10.0.0.1\t1')" ]
    [ "$stderr" = "" ]
    run -0 dns route list 1 2
    [ "${#lines[@]}" -eq 2 ]
    run -0 dns route list 4294967295
    [ "${#lines[@]}" -eq 1 ]
}

@test "programs that make the database at the same time do not take it for another program's" {
    for i in {1..25}; do
        "$BIN/larshm-dns" --db "new$i.db" route add 1 1 10.0.0.1:1 3>&- &
        one=$!
        "$BIN/larshm-dns" --db "new$i.db" route add 1 2 10.0.0.1:1 3>&- &
        other=$!
        wait "$one"
        wait "$other"
    done
}

@test "a command that makes a file says so, once" {
    for command in schema 'route add 1 2 10.0.0.1:80' 'route set 1 2 10.0.0.1:80'; do
        # shellcheck disable=SC2086
        run -0 "$BIN/larshm-dns" --db localhost $command
        [[ "$output" == *"made the file localhost"* ]]
        # shellcheck disable=SC2086
        run -0 "$BIN/larshm-dns" --db localhost $command
        [[ "$output" != *"made the file"* ]]
        rm localhost*
    done
}

@test "schema makes a database that is missing, and leaves one that is there as it is" {
    run -0 dns schema
    [[ "$output" == *"routes.db has all tables"* ]]
    dns route add 1 2 10.0.0.1:80
    dns schema
    [ "$(dns route list)" = "$(printf '1\t2\t10.0.0.1\t80')" ]
}

@test "route list on a terminal is a table with a header" {
    dns route add 1 2 10.0.0.1:8080
    run -0 script -qec "$BIN/larshm-dns --db routes.db route list" /dev/null
    [[ "${lines[0]}" =~ ^MODID\ +CMDID\ +IP\ +PORT ]]
    [[ "${lines[1]}" =~ 1\ +2\ +10.0.0.1\ +8080 ]]
}

@test "addresses are kept in host order" {
    dns route add 1 2 10.0.0.1:8080
    [ "$(sql 'SELECT serverip FROM RouteData')" = 167772161 ]
}

@test "adding what is there says that nothing changed and keeps the version" {
    dns route add 1 2 10.0.0.1:8080
    version=$(sql 'SELECT version FROM RouteVersion')
    run -0 dns route add 1 2 10.0.0.1:8080
    [[ "$output" == *"nothing changed"* ]]
    [ "$(sql 'SELECT version FROM RouteVersion')" = "$version" ]
    [ "$(sql 'SELECT count(*) FROM RouteChange')" = 1 ]
}

@test "route del deletes named hosts, then the whole route, then exits with 2" {
    dns route add 1 2 10.0.0.1:1 10.0.0.2:2 10.0.0.3:3
    dns route del 1 2 10.0.0.2:2
    run -0 dns route list 1 2
    [ "${#lines[@]}" -eq 2 ]
    run -0 dns route del 1 2 10.0.0.2:2
    [[ "$output" == *"nothing changed"* ]]
    dns route del 1 2
    run -2 dns route del 1 2
    [[ "$output" == *"no route 1 2"* ]]
}

@test "route del says when machines show that a route is gone, and is silent while it has hosts" {
    hold=$("$BIN/larshm-fetcher" --print-config | sed -n 's/^empty_hold = //p')
    dns route add 1 2 10.0.0.1:1 10.0.0.2:2
    run -0 dns route del 1 2 10.0.0.2:2
    [[ "$output" != *empty_hold* ]]
    run -0 dns route del 1 2 10.0.0.1:1
    [[ "$output" == *"for the empty_hold of their fetcher, $hold s by default; \`larshm route accept 1 2\`"* ]]
}

@test "listing: no routes at all is fine and said on stderr, a missing named route exits with 2" {
    dns route add 1 2 10.0.0.1:1
    run -2 dns route list 1 3
    [[ "$output" == *"no route 1 3"* ]]
    run -2 dns route list 7
    dns route del 1 2
    run -0 --separate-stderr dns route list
    [ "$output" = "" ]
    [[ "$stderr" == *"no routes yet"* ]]
}

@test "wrong arguments exit with 1, say what is allowed, and change nothing" {
    for words in "add 1 2" "add -1 2 10.0.0.1:1" "add 4294967296 2 10.0.0.1:1" "add 1 2x 10.0.0.1:1" \
        "add 1 2 0.0.0.0:1" "add 1 2 10.0.0.1:0" "add 1 2 10.0.0.1:65536" "add 1 2 10.0.0.1:1 10.0.0.1" \
        "set 1 2" "set 1 2 10.0.0.1" "del 1" "list 1 2 3" "import" "log 1 2 3" "undo" "undo x" "undo 1 2" "explode"; do
        # shellcheck disable=SC2086
        run -1 dns route $words
    done
    [ ! -e routes.db ]
    run -1 dns route add 1 2 10.0.0.1:65536
    [[ "$output" == *"port from 1 to 65535"* ]]
    run -1 dns
    run -1 "$BIN/larshm-dns" route list
    [[ "$output" == *"--db FILE"* ]]
}

@test "list and del do not make a database" {
    run -1 dns route list
    [[ "$output" == *"does it exist"* ]]
    run -1 dns route del 1 2
    [ ! -e routes.db ]
}

@test "route lists its commands: when asked on stdout, when none is given on stderr with exit 1" {
    run -0 --separate-stderr "$BIN/larshm-dns" route --help
    [ "$stderr" = "" ]
    help=$output
    run -1 --separate-stderr dns route
    [ "$output" = "" ]
    [[ "$stderr" == "larshm-dns route: a command is missing"* ]]
    for command in add set del list import log undo; do
        grep -qE "^ +$command +[a-z]" <<<"$help"
        grep -qE "^ +$command +[a-z]" <<<"$stderr"
    done
    run -1 dns route explode
    [[ "$output" == *"unknown command 'explode': see 'larshm-dns route --help'" ]]
    run -1 dns explode
    [[ "$output" == *"unknown command 'explode': see 'larshm-dns --help'" ]]
    run -1 dns import x.csv
    [[ "$output" == *"unknown command 'import': did you mean 'route import'?" ]]
}

@test "the key that larshm reserves cannot be added, but deleted when another program added it" {
    run -1 dns route add 4294967295 4294967295 10.0.0.1:1
    [[ "$output" == *"route 4294967295 4294967295 cannot be looked up: larshm reserves this key"* ]]
    [ ! -e routes.db ]
    dns route add 4294967295 4294967294 10.0.0.1:1
    dns route add 4294967294 4294967295 10.0.0.1:1
    sql 'INSERT INTO RouteData (modid, cmdid, serverip, serverport) VALUES (4294967295, 4294967295, 1, 1)'
    run -0 dns route list 4294967295 4294967295
    run -0 dns route del 4294967295 4294967295
    run -2 dns route list 4294967295 4294967295
}

@test "help teaches each command with an example" {
    for words in "" serve route "route add" "route set" "route del" "route list" "route import" "route log" "route undo"; do
        # shellcheck disable=SC2086
        run -0 "$BIN/larshm-dns" $words --help
        [[ "$output" == *"larshm-dns --db routes.db"* ]]
    done
    run -0 "$BIN/larshm-dns" --version
    [[ "$output" == larshm-dns\ [0-9]* ]]
}

@test "a route that is set has these hosts and no others" {
    dns route set 1 2 10.0.0.1:1 10.0.0.2:2
    run -0 dns route set 1 2 10.0.0.2:2 10.0.0.3:3
    [[ "$output" == *"route 1 2: 2 hosts added or deleted, version"* ]]
    [ "$(dns route list 1 2)" = "$(printf '1\t2\t10.0.0.2\t2\n1\t2\t10.0.0.3\t3')" ]
    run -0 dns route set 1 2 10.0.0.3:3 10.0.0.2:2
    [[ "$output" == *"nothing changed"* ]]
}

@test "the broadcast address is refused where it is entered, and can be deleted" {
    for words in "add 1 2 10.0.0.1:1 255.255.255.255:1" "set 1 2 255.255.255.255:1"; do
        # shellcheck disable=SC2086
        run -1 dns route $words
        [[ "$output" == *"255.255.255.255 is the broadcast address and no host's"* ]]
    done
    [ ! -e routes.db ]
    dns route add 1 2 10.0.0.1:1
    sql 'INSERT INTO RouteData (modid, cmdid, serverip, serverport) VALUES (1, 2, 4294967295, 1)'
    run -0 dns route del 1 2 255.255.255.255:1
    [[ "$output" == *"1 host deleted"* ]]
}

@test "log shows who changed what, and undo takes it back" {
    run -1 dns route log
    dns route add 1 2 10.0.0.1:1
    dns route set 1 2 10.0.0.2:2
    dns route add 3 4 10.0.0.1:1
    dns route del 1 2
    run -0 --separate-stderr dns route log
    [ "$(cut -f 1,4- <<<"$output")" = "$(printf '%s\t%s\t%s\t%s\t%s\n' \
        1 1 2 - 10.0.0.1:1 \
        2 1 2 10.0.0.1:1 10.0.0.2:2 \
        3 3 4 - 10.0.0.1:1 \
        4 1 2 10.0.0.2:2 -)" ]
    [[ "$(cut -f 2,3 <<<"${lines[0]}")" =~ ^[0-9]+$'\t'[^[:space:]]+$ ]]
    run -0 dns route log 3 4
    [ "${#lines[@]}" -eq 1 ]
    run -2 dns route log 9
    run -0 dns route undo 4
    [[ "$output" == *"edit 4 undone by edit 5: 1 route changed, version"* ]]
    [ "$(dns route list 1 2)" = "$(printf '1\t2\t10.0.0.2\t2')" ]
    run -1 dns route undo 1
    [[ "$output" == *"route 1 2 has changed since edit 1: see 'route log 1 2'"* ]]
    run -0 dns route undo 1 --force
    run -2 dns route list 1 2
    run -2 dns route undo 99
    [[ "$output" == *"no edit 99: see 'route log'"* ]]
}

@test "list --csv leaves out what import refuses, and says so" {
    dns route add 1 2 10.0.0.1:80
    sqlite3 routes.db "INSERT INTO RouteData (modid, cmdid, serverip, serverport)
        VALUES (1, 2, 4294967295, 80), (4294967295, 4294967295, 167772161, 80)"
    run -0 --separate-stderr dns route list --csv
    [ "$output" = $'modid,cmdid,ip,port\n1,2,10.0.0.1,80' ]
    [[ "$stderr" == *"2 hosts are left out"*"1 2 255.255.255.255:80"*"route del"* ]]
    run -0 --separate-stderr dns route list
    [ "${#lines[@]}" -eq 3 ]
    [ -z "$stderr" ]
    dns route list --csv >out.csv
    "$BIN/larshm-dns" --db other.db route import out.csv
    "$BIN/larshm-dns" --db other.db route list --csv | cmp - out.csv
}

@test "list --csv of a route whose hosts are all left out is a header, not a route that is missing" {
    dns route add 1 2 10.0.0.1:80
    sqlite3 routes.db "UPDATE RouteData SET serverip = 4294967295"
    for words in "1 2" "1" ""; do
        # shellcheck disable=SC2086
        run -0 --separate-stderr dns route list $words --csv
        [ "$output" = modid,cmdid,ip,port ]
        [[ "$stderr" == *"1 host is left out"* ]]
        [[ "$stderr" != *"no route"* ]]
    done
    run -2 dns route list 1 3 --csv
}

@test "what list --csv writes is what import reads, whatever the routes are" {
    awk 'BEGIN { srand(7); for (i = 0; i < 500; i++) printf "%d,%d,%d.%d.%d.%d,%d\n", rand() * 4, rand() * 4294967295,
        1 + rand() * 254, rand() * 256, rand() * 256, rand() * 256, 1 + rand() * 65535 }' >in.csv
    dns route import in.csv
    dns route list --csv >out.csv
    [ "$(head -n 1 out.csv)" = modid,cmdid,ip,port ]
    [ "$(wc -l <out.csv)" -eq 501 ]
    "$BIN/larshm-dns" --db other.db route import out.csv
    "$BIN/larshm-dns" --db other.db route list --csv | cmp - out.csv
    run -0 dns route import --replace out.csv
    [[ "$output" == *"0 routes and 0 hosts added, 0 hosts deleted, 0 routes changed"* ]]
    dns route list | "$BIN/larshm-dns" --db third.db route import -
    "$BIN/larshm-dns" --db third.db route list --csv | cmp - out.csv
    run -0 dns route list --csv 1
    run -2 dns route list --csv 7
}

@test "import --replace changes the routes of the file in one version" {
    dns route add 1 2 10.0.0.1:1 10.0.0.2:2
    dns route add 3 4 10.0.0.1:1
    run -0 dns route import --replace - <<<"1,2,10.0.0.3,3"
    [[ "$output" == *"0 routes and 1 host added, 2 hosts deleted, 1 route changed"* ]]
    [ "$(dns route list)" = "$(printf '1\t2\t10.0.0.3\t3\n3\t4\t10.0.0.1\t1')" ]
}

@test "import takes a header, blank lines, CRLF and a last line without its end, and counts what it added" {
    dns route add 1 2 10.0.0.1:1
    printf 'modid,cmdid,ip,port\r\n\n1,2,10.0.0.1,1\r\n1,2,10.0.0.2,2\r\n\r\n3,4,10.0.0.3,3\n3,4,10.0.0.3,3\n5,6,250.0.0.1,4' >in.csv
    run -0 dns route import in.csv
    [[ "$output" == *"2 routes and 3 hosts added, 3 routes changed"* ]]
    run -0 dns route list
    [ "${#lines[@]}" -eq 4 ]
    run -0 dns route import - <in.csv
    [[ "$output" == *"0 routes and 0 hosts added, 0 routes changed"* ]]
    run -0 dns route import - <<<"7,8,10.0.0.1,1"
    [[ "$output" == *"1 route and 1 host added, 1 route changed"* ]]
}

@test "import is all or nothing, and an error names file, line and what is allowed" {
    dns route add 9 9 10.0.0.1:1
    before=$(sql .dump)
    check() {
        printf '1,2,10.0.0.1,1\n\n%b\n1,2,10.0.0.3,3\n' "$1" >in.csv
        run -1 dns route import in.csv
        [[ "$output" == *"in.csv:3: "*"$2"* ]]
        [ "$(sql .dump)" = "$before" ]
    }
    check 'x,2,10.0.0.1,1' 'from 0 to 4294967295'
    check '1,4294967296,10.0.0.1,1' 'from 0 to 4294967295'
    check '4294967295,4294967295,10.0.0.1,1' 'larshm reserves this key'
    check '1,2,10.0.0,1' 'dotted IPv4'
    check '1,2,0.0.0.0,1' 'dotted IPv4'
    check '1,2,10.0.0.1,0' 'from 1 to 65535'
    check '1,2,10.0.0.1,65536' 'from 1 to 65535'
    check '1,2,10.0.0.1' 'modid,cmdid,ip,port'
    check '1,2,10.0.0.1,1,1' 'modid,cmdid,ip,port'
    check 'modid,cmdid,ip,port' 'from 0 to 4294967295'
    check '1,2,10.0.0.1,1\0000' 'not text'
    check "$(printf '1%.0s' {1..300})" 'too long'
    run -1 dns route import missing.csv
    [[ "$output" == *"missing.csv: No such file"* ]]
    run -1 dns route import .
}

@test "a large import is one version with one change for each route" {
    seq 1 50000 | sed 's/.*/&,1,10.0.0.1,80\n&,1,10.0.0.2,80/' >in.csv
    run -0 dns route import in.csv
    [[ "$output" == *"50000 routes and 100000 hosts added"* ]]
    [ "$(sql 'SELECT count(*), count(DISTINCT version) FROM RouteChange')" = "50000|1" ]
    [ "$(sql 'SELECT count(*) FROM RouteChange, RouteVersion v WHERE RouteChange.version = v.version')" = 50000 ]
}

@test "two processes editing at once lose nothing" {
    dns route add 1 1 10.0.0.1:1
    for i in $(seq 1 10); do dns route add 2 "$i" 10.0.0.1:1; done &
    for i in $(seq 1 10); do dns route add 3 "$i" 10.0.0.1:1; done
    wait
    [ "$(sql 'SELECT count(*) FROM RouteData')" = 21 ]
    [ "$(sql 'SELECT count(DISTINCT version) FROM RouteChange')" = 21 ]
}

@test "a file that is no database is refused" {
    head -c 4096 /dev/zero | tr '\0' x >routes.db
    run -1 dns route list
    [[ "$output" == *"not a SQLite database"* ]]
}

@test "an index that another program has dropped is named, with the command that brings it back" {
    dns route add 1 2 10.0.0.1:8080
    sql 'DROP INDEX RouteData_host'
    run -1 dns route add 1 2 10.0.0.2:8080
    [[ "$output" == *"routes.db has lost its index RouteData_host: run sqlite3 "* ]]
    eval "${output#*: run }"
    dns route add 1 2 10.0.0.2:8080
    [ "$(sql 'SELECT count(*) FROM RouteData')" = 2 ]
    sql 'DROP TABLE RouteData'
    run -1 dns route list
    [[ "$output" == *"no such table: RouteData"* ]]
}

@test "serve suspects another directory only where the address is in use" {
    run -1 dns serve --create --listen 203.0.113.1:80
    [[ "$output" == *"cannot listen on 203.0.113.1:80: "*"; choose another address with --listen" ]]
}

@test "serve says where it listens in one line, names a port in use, and ends with 0 on SIGTERM and SIGINT" {
    for signal in TERM INT; do
        "$BIN/larshm-dns" --db routes.db serve --create --listen 127.0.0.1:0 >"$signal.out" 2>"$signal.log" 3>&- &
        server=$!
        until [ -s "$signal.out" ]; do sleep 0.02; done
        [[ "$(cat "$signal.out")" =~ ^listening\ on\ 127\.0\.0\.1:[0-9]+$ ]]
        address=$(sed 's/listening on //' "$signal.out")
        run -1 dns serve --listen "$address"
        [[ "$output" == *"cannot listen on $address: address already in use; is a directory running there? choose"* ]]
        [ "${#lines[@]}" -eq 1 ]
        kill -"$signal" "$server"
        wait "$server"
        server=
        grep -q "stopped after 0 connections, 0 requests, 0 answers" "$signal.log"
    done
}

@test "serve makes no database that it is not told to make" {
    run -1 dns serve --listen 127.0.0.1:0
    [[ "$output" == *"does it exist"*"'serve --create' make a new one"* ]]
    [ ! -e routes.db ]
    touch routes.db
    run -1 dns serve --listen 127.0.0.1:0
    [[ "$output" == *"is empty, without the tables"*"is --db right?"* ]]
    run -1 dns route list
    [ ! -s routes.db ]
}

@test "serve refuses wrong options and databases that cannot be, and exits with 78, which no service manager tries again" {
    run -78 dns serve --listen localhost:1
    run -78 dns serve --listen 127.0.0.1:65536
    run -78 dns serve --max-subscriptions 0
    run -78 dns serve --max-per-address 0
    run -78 dns serve --idle-timeout 1s
    run -78 dns serve --frame-timeout -1
    run -78 dns serve --allow 10.0.0.5/8
    [[ "$output" == *"--allow '10.0.0.5/8' is not a dotted IPv4 address, or a network as in 10.0.0.0/8 without bits behind"* ]]
    [ ! -e routes.db ]
    run -78 "$BIN/larshm-dns" serve
    [[ "$output" == *"--db FILE"* ]]
    run -78 "$BIN/larshm-dns" --db "" serve
    run -78 "$BIN/larshm-dns" --db mysql://lars@/lars_dns serve
    [[ "$output" == *"mysql://"* ]]
}
