#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What larshm shows on a terminal.
# shellcheck disable=SC2030,SC2031,SC2154 # each test is a subshell of its own; bats sets stderr

bats_require_minimum_version 1.5.0
load live

# on_terminal WIDTH COMMAND...: what it prints on a terminal that is so wide.
on_terminal() {
    local width=$1
    shift
    TERM=xterm script -qec "stty cols $width; $*" /dev/null | tr -d '\r'
}

red=$'\033[1;31m' yellow=$'\033[33m' green=$'\033[32m' off=$'\033[0m'

# A route with a drained host.
drained() {
    route add 1 2 10.0.0.1:80 10.0.0.2:80 10.0.0.3:80 10.0.0.4:80
    live
    larshm wait 1 2
    larshm host drain 1 2 10.0.0.1:80
    eventually prints drained larshm get 1 2
}

@test "on a terminal trouble is red, warnings are yellow, and elsewhere nothing is coloured" {
    drained
    larshm="$BIN/larshm -n $instance"
    run -0 on_terminal 200 "$larshm show"
    [[ "$output" == *"fetcher     ${green}alive$off, pid"* ]]
    [[ "$output" == *", ${green}connected$off for"* ]]
    run -0 on_terminal 200 "$larshm list"
    [[ "$output" == *"${yellow}drained by an operator$off"* ]]
    end_fetcher KILL
    eventually prints 'NOT ALIVE' larshm show
    run -0 on_terminal 200 "$larshm show"
    [[ "$output" == *"${red}NOT ALIVE$off: silent for"* ]]
    for command in show list; do
        for plain in NO_COLOR=1 TERM=dumb; do
            run -0 on_terminal 200 "$plain $larshm $command"
            [[ "$output" != *$'\033'* ]]
        done
        run -0 larshm $command
        [[ "$output" != *$'\033'* ]]
    done
}

@test "tables fit the terminal's width, and lines are whole elsewhere" {
    drained
    run -0 on_terminal 60 "NO_COLOR=1 $BIN/larshm -n $instance list"
    for line in "${lines[@]}"; do
        [ "${#line}" -le 60 ]
    done
    [ "$(grep -c '10.0.0.1:80' <<<"$output")" -eq 2 ]
    run -0 larshm list
    [[ "${lines[1]}" == *"10.0.0.3:80 ... 4 in all" ]]
}
