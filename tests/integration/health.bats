#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016,SC2154 # other shells expand; live.bash sets them
# larshm health as monitoring, systemd and those who run containers call it, beside a real fetcher.

bats_require_minimum_version 1.5.0
load live

# probe CODE PROBE: as users of it have it, and again until it is so.
probe() {
    eventually exits "$1" larshm health --probe "$2"
}

# A fetcher whose directory is away.
live_without_directory() {
    printf '%s\n' "[reporter]" "ip =" "[fetcher]" "admin_socket = $LARSHM_ADMIN_SOCKET" "snapshot =" >"$BATS_TEST_TMPDIR/conf"
    "$BIN/larshm-fetcher" -n "$instance" -c "$BATS_TEST_TMPDIR/conf" --dns 127.0.0.1:9 2>/dev/null 3>&- &
    fetcher=$!
    pids+=("$fetcher")
    probe 0 live
}

@test "live is about the fetcher alone: it fails while that stands still, and not for a directory that is away" {
    run -3 larshm health --probe live
    [[ "$output" == *"no routes object"* ]]
    live
    run -0 larshm health --probe live
    [[ "$output" == "ok: fetcher alive, 127.0.0.1:"*" connected for "* ]]
    kill "${pids[0]}"
    eventually exits 8 larshm health
    run -0 larshm health --probe live
    [[ "$output" == "ok: fetcher alive, 127.0.0.1:"*" not connected for "* ]]
    run -0 larshm health --probe ready
    kill -STOP "$fetcher"
    probe 3 live
    run -3 larshm health --probe live
    [[ "$output" == "fetcher: not alive: silent for "* ]]
    run -3 larshm health --probe ready
    kill -CONT "$fetcher"
    probe 0 live
    end_fetcher TERM
    run -3 larshm health --probe live
}

@test "ready is a fetcher that was connected once, or has routes of the one before" {
    live_without_directory
    run -8 larshm health --probe ready
    [[ "$output" == "directory: 127.0.0.1:9 not connected for "* ]]
    end_fetcher TERM
    live
    run -0 larshm health --probe ready
    larshm wait 9 9
    end_fetcher KILL
    live_without_directory
    run -0 larshm health --probe ready
}

@test "serving: routes are looked up here, also while the fetcher is dead" {
    run -3 larshm health --probe serving
    live
    run -0 larshm health --probe serving
    end_fetcher TERM
    run -3 larshm health --probe serving
    [[ "$output" == "fetcher: not alive: "* ]]
    start_fetcher
    larshm wait 9 9
    end_fetcher KILL
    run -0 larshm health --probe serving
    kill -0 "$fetcher" 2>/dev/null && return 1
    eventually prints "^ok: 1 route cached and served, and no fetcher is alive" larshm health --probe serving
    run -0 larshm -j health --probe serving
    [ "$(json probe)" = serving ]
    [ "$(json ok)" = true ]
}

@test "serving says to whom the right to request is missing, and how to get it" {
    live
    as_other_user true
    local other=(as_other_user "$BIN/larshm" -n "$instance" health)
    as_other_user "$BIN/larshm" --version || skip "other users cannot reach the programs"
    run -6 "${other[@]}" --probe serving
    [[ "$output" == "permission: this user may look up cached routes, and neither request"*"join the group"* ]]
    run -0 "${other[@]}" --probe serving --ignore permission
    run -0 "${other[@]}"
    run -6 unshare -m sh -c 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"' /dev/shm \
        "$BIN/larshm" -n "$instance" health --probe serving
    [[ "$output" == *"mount that for writing"* ]]
}

@test "findings that are ignored are not said, and what is no finding is refused" {
    live_without_directory
    run -8 larshm health
    run -0 larshm health --ignore directory
    [[ "$output" == "ok: fetcher alive, 127.0.0.1:9 not connected for "* ]]
    end_fetcher TERM
    run -3 larshm health --ignore rotation,directory
    run -0 larshm -j health --ignore rotation,fetcher
    [ "$(json findings)" = 0 ]
    run -1 larshm health --ignore fetchers
    [[ "$output" == *"--ignore: no 'fetchers': did you mean fetcher?"* ]]
    run -1 larshm health --ignore limit,,
    [[ "$output" == *"--ignore: no '': known are fetcher, damage, directory, limit, rotation, permission"* ]]
    run -1 larshm health --probe alive
    [[ "$output" == *"--probe: no 'alive': did you mean live?"* ]]
    run -1 larshm health --probe health
    run -1 larshm health --probe ""
}

@test "with --nagios health is a plugin: one line, performance data, its exit codes" {
    run -2 --separate-stderr larshm health --nagios
    [[ "$output" == "LARSHM CRITICAL - no routes object /larshm.$instance:"* ]]
    [ "$stderr" = "" ]
    live
    larshm wait 9 9
    run -0 larshm health --nagios
    local value='[0-9]+;;;0'
    [[ "$output" =~ ^LARSHM\ OK\ -\ fetcher\ alive,\ 127.0.0.1:[0-9]+\ connected\ for\ .*\ \|\ routes=1\;\;\;0\ expired=$value\ none=$value ]]
    [[ "$output" =~ \ without_host=$value\ overloaded=$value\ bytes=[0-9]+B\;\;\;0\;268435456\ lookups=[0-9]+c\ missed=[0-9]+c\ reports=0c\ ejections=0c$ ]]
    kill "${pids[0]}"
    eventually exits 1 larshm health --nagios
    run -1 larshm health --nagios
    [[ "$output" == "LARSHM WARNING - directory: 127.0.0.1:"*" not connected for "*" | routes=1;"* ]]
    [ "${#lines[@]}" -eq 1 ]
    run -0 larshm health --nagios --ignore directory
    run -0 larshm health --nagios --probe live
    end_fetcher TERM
    run -2 larshm health --nagios
    [[ "$output" == "LARSHM CRITICAL - fetcher: not alive: stopped cleanly"*" | "* ]]
    chmod 0666 "$object"
    run -3 --separate-stderr larshm health --nagios
    [[ "$output" == "LARSHM UNKNOWN - /larshm.$instance: "* ]]
    for wrong in "--nagios --no-such" "--ignore none --nagios" "--nagios -j" "-q --nagios" "word --nagios"; do
        # shellcheck disable=SC2086
        run -3 larshm health $wrong
    done
    run -3 eval "larshm health --nagios >/dev/full"
}

@test "with -q health prints what is wrong and nothing else" {
    live
    run -0 larshm health -q
    [ "$output" = "" ]
    run -0 larshm -j health -q
    [ "$output" = "" ]
    kill "${pids[0]}"
    eventually exits 8 larshm health -q
    run -8 larshm health -q
    [[ "$output" == "directory: "* ]]
    run -8 larshm -j health -q
    [ "$(json ok)" = false ]
}

@test "health ends in time, also where its answer is not read" {
    live
    mkfifo "$BATS_TEST_TMPDIR/full"
    exec 8<>"$BATS_TEST_TMPDIR/full"
    timeout 1 cat /dev/zero >&8 || true
    local status=0 nagios=0
    timeout 60 "$BIN/larshm" -n "$instance" health --nagios >&8 2>/dev/null 3>&- &
    timeout 60 "$BIN/larshm" -n "$instance" health >&8 2>"$BATS_TEST_TMPDIR/why" 3>&- || status=$?
    wait "$!" || nagios=$?
    exec 8>&-
    [ "$status" -eq 124 ]
    [ "$nagios" -eq 3 ]
    grep -q "no answer within 5 seconds" "$BATS_TEST_TMPDIR/why"
}
