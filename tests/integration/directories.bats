#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Several directories of different age, each a larshm-dns with a database of its own, and a fetcher.
# shellcheck disable=SC2030,SC2031,SC2154 # each test is a subshell of its own; live.bash sets what it uses

bats_require_minimum_version 1.5.0

load live

# directory NAME: serves NAME.db; its address is in the file NAME then.
directory() {
    "$BIN/larshm-dns" --db "$1.db" serve --create --listen "${2:-127.0.0.1:0}" >"$1.out" 2>"$1.log" 3>&- &
    pids+=("$!")
    eventually test -s "$1.out"
    sed 's/listening on //' "$1.out" >"$1"
}

configure() {
    printf '%s\n' "[dnsserver]" "servers = $1" "[reporter]" "ip =" "[fetcher]" \
        "admin_socket = $LARSHM_ADMIN_SOCKET" "empty_hold = 0" "behind_hold = $2" >conf
}

fetch() {
    "$BIN/larshm-fetcher" -n "$instance" -c conf 2>>log 3>&- &
    fetcher=$!
    pids+=("$fetcher")
    eventually fetcher_connected
}

has_hosts() {
    [ "$(larshm get 1 1 | grep -c ':80')" -eq "$1" ]
}

# The fetcher has three hosts of the newest directory, and knows an older one and an empty one.
fetch_from_the_newest_of_three() {
    "$BIN/larshm-dns" --db older.db route add 1 1 10.0.0.1:80
    "$BIN/larshm-dns" --db newest.db route add 1 1 10.0.0.1:80 10.0.0.2:80
    "$BIN/larshm-dns" --db newest.db route add 1 1 10.0.0.3:80
    "$BIN/larshm-dns" --db newest.db route add 2 2 10.0.0.3:80
    directory older
    directory empty
    directory newest
    newest=${pids[-1]}
    configure "$(cat newest)" "$1"
    fetch
    larshm wait 1 1
    eventually has_hosts 3
    configure "$(cat older), $(cat empty), $(cat newest)" "$1"
    larshm reload
}

two_versions_are_known() {
    [ "$(larshm servers | awk '$3 ~ /^[0-9]+$/' | wc -l)" -ge 2 ]
}

@test "the newest directory is killed beside an older and an empty one: hosts stay, and the newest that is left counts in the end" {
    cd "$BATS_TEST_TMPDIR"
    fetch_from_the_newest_of_three 3600
    kill -KILL "$newest"
    eventually grep -q "holding: the directory is behind" log
    eventually two_versions_are_known
    for _ in {1..30}; do
        has_hosts 3
        sleep 0.1
    done
    run -0 larshm show
    [[ "$output" == *"holding: the directory is behind"* ]]
    configure "$(cat older), $(cat empty), $(cat newest)" 1
    larshm reload
    eventually has_hosts 1
    [ "$(grep -c "holding: the directory is behind" log)" -eq 1 ]
    grep -q "no directory is newer: going back from version [0-9]* to [0-9]*, which $(cat older) has" log
    run -0 larshm -j servers
    grep -q "$(cat older)" <<<"$output"
    run -0 larshm show
    [[ "$output" != *"holding"* ]]
}

@test "a directory that is behind and catches up ends the hold" {
    cd "$BATS_TEST_TMPDIR"
    fetch_from_the_newest_of_three 3600
    kill -KILL "$newest"
    eventually grep -q "holding: the directory is behind" log
    run -0 larshm list
    directory newest "$(cat newest)"
    eventually grep -q "has caught up" log
    has_hosts 3
    "$BIN/larshm-dns" --db newest.db route del 1 1 10.0.0.2:80
    eventually has_hosts 2
}

@test "a backup that is restored counts after behind_hold, or at once by an operator" {
    cd "$BATS_TEST_TMPDIR"
    for seconds in 1 3600; do
        rm -f newest.db* backup.db*
        "$BIN/larshm-dns" --db newest.db route add 1 1 10.0.0.1:80
        sqlite3 newest.db ".backup backup.db"
        "$BIN/larshm-dns" --db newest.db route add 1 1 10.0.0.2:80
        "$BIN/larshm-dns" --db newest.db route add 1 1 10.0.0.3:80
        directory newest
        configure "$(cat newest)" "$seconds"
        fetch
        larshm wait 1 1
        eventually has_hosts 3
        sqlite3 newest.db ".restore backup.db"
        eventually grep -q "holding: the directory is behind" log
        if [ "$seconds" -eq 3600 ]; then
            has_hosts 3
            run -0 larshm show
            [[ "$output" == *"holding: the directory is behind"* ]]
            [[ "$output" == *"1 HELD: the directory's last answer is held back, \`larshm list\` says why"* ]]
            run -0 larshm list
            [[ "$output" == *"the directory's last answer differs, and the directory is behind what was seen"* ]]
            run -0 larshm route accept --all
            [[ "$output" == "the answers that were held back are published, of 1 route" ]]
            run -2 larshm route accept --all
            [[ "$output" == *"no answer is held back"* ]]
        fi
        eventually has_hosts 1
        kill "$fetcher" "${pids[0]}"
        wait "$fetcher" || true
        pids=()
        rm -f "/dev/shm/larshm.$instance"*
        rm -f newest.out log
    done
    run -1 larshm route accept --all 1 1
    run -1 larshm route accept
}

@test "a directory that comes back with an empty database takes nothing away before behind_hold" {
    cd "$BATS_TEST_TMPDIR"
    "$BIN/larshm-dns" --db newest.db route add 1 1 10.0.0.1:80 10.0.0.2:80 10.0.0.3:80
    directory newest
    local only=${pids[-1]}
    configure "$(cat newest)" 3600
    fetch
    larshm wait 1 1
    eventually has_hosts 3
    kill "$only"
    wait "$only" || true
    rm newest.db*
    directory newest "$(cat newest)"
    eventually grep -q "holding: the directory is behind: .* has version 0" log
    has_hosts 3
    configure "$(cat newest)" 1
    larshm reload
    eventually has_hosts 0
    grep -q "no directory is newer: going back from version [0-9]* to 0" log
    run -0 larshm show
    [[ "$output" != *"holding"* ]]
}

@test "all rows are deleted and inserted again half a second later: no lookup finds no route" {
    cd "$BATS_TEST_TMPDIR"
    "$BIN/larshm-dns" --db newest.db route add 1 1 10.0.0.1:80 10.0.0.2:80 10.0.0.3:80
    directory newest
    configure "$(cat newest)" 60
    sed -i "/empty_hold/d" conf
    fetch
    larshm wait 1 1
    sqlite3 newest.db "CREATE TABLE kept AS SELECT * FROM RouteData;"
    local touch="UPDATE RouteVersion SET version = version + 1;
        INSERT INTO RouteChange (modid, cmdid, version) SELECT 1, 1, version FROM RouteVersion;"
    sqlite3 newest.db "BEGIN; DELETE FROM RouteData; $touch COMMIT;"
    (sleep 0.5 && eventually grep -q "held back" log && sqlite3 newest.db "BEGIN; INSERT INTO RouteData SELECT * FROM kept; $touch COMMIT;") 3>&- &
    pids+=("$!")
    for _ in {1..100}; do
        has_hosts 3
        sleep 0.02
    done
    grep -q "route 1/1: an answer without hosts is held back" log
    grep -q "route 1/1: an answer of 3 hosts ends the hold" log
}

@test "health finds servers that take connections and are no directories" {
    cd "$BATS_TEST_TMPDIR"
    for name in one other; do
        "$BIN/larshm-reporter" --db "$name.db" serve --create --listen 127.0.0.1:0 >"$name" 2>/dev/null 3>&- &
        pids+=("$!")
        eventually test -s "$name"
        sed -i 's/listening on //' "$name"
    done
    configure "$(cat one), $(cat other)" 60
    echo "request_timeout_ms = 200" >>conf
    "$BIN/larshm-fetcher" -n "$instance" -c conf 2>>log 3>&- &
    pids+=("$!")
    eventually prints "takes connections and does not answer: is it a directory" larshm health
    eventually prints "it DOES NOT ANSWER" larshm show
    run -8 larshm health
}
