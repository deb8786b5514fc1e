#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# larshm top on a real terminal, that of tmux.
# shellcheck disable=SC2030,SC2031,SC2154 # each test is a subshell of its own; bats sets stderr

bats_require_minimum_version 1.5.0
load live

eval "live_$(declare -f teardown)"

teardown() {
    terminal kill-server 2>/dev/null || true
    live_teardown
}

terminal() {
    TMUX='' command tmux -L "$instance" -f /dev/null "$@" 3>&-
}

# terminal_start COLUMNS ROWS: a terminal with a shell.
terminal_start() {
    terminal new-session -d -x "$1" -y "$2" "PS1='ready ' HISTFILE='' exec bash --norc --noprofile"
    eventually on_screen ready
}

# What stands on the screen.
screen() {
    terminal capture-pane -p "$@"
}

on_screen() {
    screen | grep -qE -- "$1"
}

not_on_screen() {
    ! on_screen "$1"
}

# expect PATTERN...: the screen comes to show each of these.
expect() {
    for pattern; do
        eventually on_screen "$pattern" || {
            screen
            return 1
        }
    done
}

press() {
    terminal send-keys "$@"
}

# top OPTION...: starts it in the terminal's shell.
top() {
    press "clear; '$BIN/larshm' -n $instance top $*; echo ended with \$?" Enter
}

# The terminal is the shell's again, as it was before.
expect_restored() {
    expect '^ready'
    [ "$(terminal display -p '#{alternate_on} #{cursor_flag}')" = "0 1" ]
    press "clear; stty" Enter
    expect 'speed'
    not_on_screen '-echo|-icanon'
}

# calls MODID CMDID FAILURES: a program that makes 1000 calls a second, of which so many in ten fail.
calls() {
    larshm simulate "$@" 1000000 >/dev/null 3>&- &
    pids+=("$!")
}

lookups() {
    larshm -j show >"$BATS_TEST_TMPDIR/json"
    "$BUILD/tests/json" lookups total <"$BATS_TEST_TMPDIR/json"
}

more_lookups_than() {
    [ "$(lookups)" -gt "$1" ]
}

@test "top shows fetcher, directory, memory, rates and hosts that are out, and q restores the terminal" {
    route add 1 2 10.0.0.1:80 10.0.0.2:80
    live
    larshm wait 1 2
    larshm host drain 1 2 10.0.0.1:80
    calls 1 2 0
    terminal_start 100 30
    top
    expect "larshm $instance .* every 1 s, by rate" "fetcher +alive, pid $fetcher, for" \
        'directory +127.0.0.1:[0-9]+, connected for' 'memory .* of at most 256 MiB' 'routes +1 with hosts' \
        'per s +lookups [1-9][0-9,]*, missed 0, expired' 'successes [1-9][0-9,]*, failures 0 \(0.0 %\), ejections 0' \
        '1 +2 +10.0.0.1:80 +- +drained by an operator' 'q quit'
    press q
    expect 'ended with 0'
    expect_restored
}

@test "top ends on SIGINT and SIGTERM, and stops and goes on, with the terminal as it was" {
    live
    terminal_start 100 30
    top
    expect 'alive, pid'
    press C-c
    expect 'ended with 0'
    expect_restored
    top
    expect 'alive, pid'
    pkill -TERM -P "$(terminal display -p '#{pane_pid}')"
    expect 'ended with 0'
    expect_restored
    top
    expect 'alive, pid'
    press C-z
    expect 'Stopped'
    expect_restored
    press 'clear; fg' Enter
    expect 'alive, pid'
    press q
    expect_restored
}

@test "p stops the numbers and lets them go on, h shows help and hides it" {
    route add 1 2 10.0.0.1:80
    live
    calls 1 2 0
    terminal_start 100 30
    top
    expect 'lookups [1-9]'
    press p
    expect PAUSED
    paused=$(screen)
    eventually more_lookups_than "$(($(lookups) + 500))"
    [ "$(screen)" = "$paused" ]
    press p
    eventually not_on_screen PAUSED
    [ "$(screen)" != "$paused" ]
    press h
    expect '^p +pause' '^LOOKUPS/S'
    not_on_screen 'alive, pid'
    press h
    expect 'alive, pid'
}

@test "s sorts the routes by rate, failures and age" {
    route add 1 1 10.0.0.1:80
    route add 1 2 10.0.0.1:80 10.0.0.2:80
    live
    calls 1 1 0
    calls 1 1 0
    calls 1 1 0
    calls 1 2 2
    terminal_start 100 30
    top
    # first_route CMDID: it stands first.
    first_route() {
        screen | grep -A 1 'LOOKUPS/S' | tail -n 1 | grep -qE "^ +1 +$1 "
    }
    eventually first_route 1
    expect '1 +2 +[1-9][0-9,]+ +[1-9][0-9]?\.[0-9] +2 '
    press s
    expect 'by failures'
    eventually first_route 2
    press s
    expect 'by age'
    press s
    expect 'by rate'
    eventually first_route 1
    press q
    expect_restored
}

@test "a screen of any size shows what it can, and all of it by scrolling" {
    live
    terminal_start 100 30
    top
    expect 'ejections' 'MODID +CMDID +LOOKUPS/S' 'no host is ejected'
    terminal resize-window -x 40 -y 8
    expect '^directory +127' 'MODID +CMDID +LOOKUPS/S' '^q quit'
    [ "$(screen | wc -l)" -eq 8 ]
    terminal resize-window -x 20 -y 5
    expect '^fetcher +alive'
    press NPage
    eventually not_on_screen fetcher
    press Up Up
    expect '^fetcher +alive'
    terminal resize-window -x 1 -y 1
    terminal resize-window -x 100 -y 30
    expect 'ejections' 'no host is ejected'
    press q
    expect_restored
}

@test "top waits for an instance, and shows a fetcher that dies, that comes back, and objects that are recreated" {
    terminal_start 100 30
    top
    expect "no routes object /larshm.$instance in /dev/shm: waiting for larshm-fetcher"
    live
    expect "alive, pid $fetcher"
    end_fetcher KILL
    expect 'NOT ALIVE: silent for' 'not connected for'
    screen -e | grep 'NOT ALIVE' | grep -qE $'\033\\[([0-9]+;)*31[;m]'
    start_fetcher
    expect "alive, pid $fetcher" ', connected for'
    end_fetcher TERM
    expect 'NOT ALIVE: stopped cleanly'
    rm "$object" "$object".*
    expect "no routes object"
    start_fetcher
    expect "alive, pid $fetcher"
    press q
    expect_restored
}

@test "where standard output is no terminal, and with --once, top prints real rates once and ends" {
    route add 1 2 10.0.0.1:80
    live
    larshm wait 1 2
    calls 1 2 0
    run -0 --separate-stderr larshm top
    [ "$stderr" = "" ]
    [[ "$output" =~ per\ s\ +lookups\ [1-9][0-9,]*,\ missed ]]
    [[ "$output" =~ successes\ [1-9] ]]
    [[ "$output" != *$'\033'* ]]
    terminal_start 100 40
    top --once
    expect "per s +lookups [1-9]" 'ended with 0'
    top '</dev/null'
    expect 'q quit'
    press q
    expect_restored
}

@test "top refuses what it cannot do, and says why" {
    run -3 --separate-stderr larshm top --once
    [[ "$stderr" == *"no routes object /larshm.$instance"* ]]
    run -1 --separate-stderr larshm top -d 0
    [[ "$stderr" == *"-d '0' is not a decimal number from 1 to 3600"* ]]
    run -1 --separate-stderr "$BIN/larshm" -n no/instance top
    [[ "$stderr" == *'"no/instance" is no instance'* ]]
    run -1 --separate-stderr larshm -j top
    [[ "$stderr" == *"prints no JSON"* ]]
    terminal_start 100 30
    press "TERM=no-such '$BIN/larshm' -n $instance top; echo ended with \$?" Enter
    expect 'the terminal "no-such" is not known' 'ended with 1'
    press "clear; TERM=dumb '$BIN/larshm' -n $instance top; echo ended with \$?" Enter
    expect 'the terminal "dumb" is not known, or has no cursor to move' 'ended with 1'
}
