#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Objects that the programs of 0.1.0 wrote, and their fetchers left when they were killed: see released/README.md.
# shellcheck disable=SC2154 # bats and live.bash set them

bats_require_minimum_version 1.5.0
load live

# All of them, as this instance's.
unpack() {
    local kept name
    for kept in "$BATS_TEST_DIRNAME"/released/object*.gz; do
        name=$(basename "$kept" .gz)
        (umask 022 && gzip -dc "$kept" >"$object${name#object}")
    done
    chmod 660 "$object".control*
}

# start_alone [LINE...]: a fetcher whose directory does not answer, and whose configuration has these lines.
start_alone() {
    printf '%s\n' "[shm]" "group =" "[reporter]" "ip =" "[fetcher]" "admin_socket = $LARSHM_ADMIN_SOCKET" "$@" \
        >"$BATS_TEST_TMPDIR/conf"
    "$BIN/larshm-fetcher" -n "$instance" -c "$BATS_TEST_TMPDIR/conf" --dns 127.0.0.1:1 2>>"$BATS_TEST_TMPDIR/log" 3>&- &
    fetcher=$!
    pids+=("$fetcher")
    eventually prints "alive, pid $fetcher," larshm show
}

# expect ROUTE HOST-NUMBER MEMBER VALUE...: members of a host as `larshm -j get` prints them.
expect() {
    local route=$1 at=$2
    shift 2
    output=$(larshm -j get 1 "$route" 2>/dev/null) || true # 4: no directory refreshes it
    while [ $# -gt 0 ]; do
        [ "$(json route hosts "$at" "$1")" = "$2" ] || {
            echo "route 1/$route, host $at: $1 is $(json route hosts "$at" "$1"), not $2"
            return 1
        }
        shift 2
    done
}

expect_all() {
    expect 1 0 ip 10.0.0.1 total_succ 18 total_err 0 state idle
    expect 1 1 ip 10.0.0.2 total_err 20 state overloaded in_turn false reason err_streak
    expect 1 2 ip 10.0.0.3 hold drained in_turn false probed false
    expect 1 3 ip 10.0.0.4 hold none in_turn true
    expect 2 0 ip 10.0.1.1 total_succ 8
    expect 2 1 ip 10.0.1.2 hold pinned in_turn true
    expect 3 0 ip 10.0.2.3 total_succ 2
}

@test "g5, g11: routes, totals, overrides, ejections and uncollected results of 0.1.0 are adopted" {
    unpack
    start_alone
    eventually grep -q "adopted 40 routes" "$BATS_TEST_TMPDIR/log"
    for route in {4..40}; do
        expect "$route" 0 ip "10.0.2.$route" port 80
    done
    eventually expect_all
    run -0 larshm list 1
    [ "$(grep -c ' 10\.0\.' <<<"$output")" -ge 40 ]
    run ! ls "$object".control.*
}

@test "g9: routes of another boot are expired, and served; ejections of another boot begin again and end" {
    unpack
    start_alone
    expect 4 0 ip 10.0.2.4
    run -4 larshm get 1 4
    [[ "$output" == *"not being refreshed"* ]]
    expect 1 1 in_turn false
    [ "$(json route hosts 1 since_unix_ms)" -le "$(date +%s%3N)" ]
    end_fetcher TERM
    start_alone "[loadbalance]" "overload_timeout = 1"
    eventually expect 1 1 in_turn true reason timeout
}

@test "g11: what this version keeps of hosts is in a layout that 0.1.0 reads" {
    unpack
    first=$(od -An -tu4 -j8 -N8 "$object.hosts")
    start_alone
    eventually expect_all
    end_fetcher KILL
    [ "$(od -An -tu4 -j8 -N8 "$object.hosts")" = "$first" ]
    start_alone
    expect_all
}
