#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What larshm says of the fetcher's snapshot.
# shellcheck disable=SC2030,SC2031,SC2154 # each test is a subshell of its own; live.bash sets what it uses

bats_require_minimum_version 1.5.0

load live

@test "show says where the snapshot is, and of when" {
    route add 1 1 10.0.0.1:80
    local path="$BATS_TEST_TMPDIR/snapshot"
    live "snapshot = $path" "snapshot_interval = 0"
    larshm wait 1 1
    run -0 larshm show
    [[ "$output" == *"snapshot    $path, not written so far"* ]]
    end_fetcher TERM
    run -0 larshm show
    [[ "$output" == *"snapshot    $path, of 20"*" ago)"* ]]
    run -0 larshm -j show
    [ "$(json snapshot path)" = "$path" ]
    [ "$(json snapshot none_because)" = null ]
    [ "$(json snapshot written_unix_ms)" -gt 0 ]
    rm "$object" "$object".*
    start_fetcher
    run -0 larshm show
    [[ "$output" == *"snapshot    $path, of 20"*" ago)"* ]]
}

@test "show says why there is no snapshot" {
    live "snapshot ="
    run -0 larshm show
    [[ "$output" == *"snapshot    none: [fetcher] snapshot is empty, so a reboot takes all routes"* ]]
    run -0 larshm -j show
    [ "$(json snapshot path)" = null ]
    [ "$(json snapshot none_because)" = "[fetcher] snapshot is empty" ]
    [ "$(json snapshot written_unix_ms)" -eq 0 ]
}
