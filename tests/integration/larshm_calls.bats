#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The tools that make calls, or lookups, in numbers: simulate and qps, beside a real fetcher and a real directory.
# shellcheck disable=SC2030,SC2031,SC2154 # each test is a subshell of its own; bats sets stderr

bats_require_minimum_version 1.5.0
load live

@test "simulate shows every host, and its counts add up to the calls and to what stats shows" {
    live
    route add 1 2 10.0.0.1:80 10.0.0.2:80 200.0.0.3:65535
    larshm wait 1 2
    run -0 --separate-stderr larshm simulate 1 2 0 300
    [ "$stderr" = "" ]
    [ "${#lines[@]}" -eq 5 ]
    [[ "${lines[0]}" =~ ^HOST\ +SUCCESSES\ FAILURES\ +SHARE$ ]]
    [[ "${lines[1]}" =~ ^10.0.0.1:80\ +[0-9]+\ +0\ +3[0-9.]+\ %$ ]]
    [[ "${lines[3]}" =~ ^200.0.0.3:65535\ +[0-9]+\ +0\ +3[0-9.]+\ %$ ]]
    [ "${lines[4]}" = "300 calls, 0 answered with OVERLOAD" ]
    eventually prints 'all +300 +0 ' larshm stats 1 2
    larshm host drain 1 2 10.0.0.1:80
    run -0 --separate-stderr larshm -j simulate 1 2 3 200
    [ "$(json version)" = 1 ]
    [ "$(json calls)" = 200 ]
    [ "$(json hosts)" = 3 ]
    [ "$(json hosts 0 succ)" = 0 ]
    sum=$(($(json overloaded) + $(json failed)))
    err=0
    for i in 0 1 2; do
        sum=$((sum + $(json hosts "$i" succ) + $(json hosts "$i" err)))
        err=$((err + $(json hosts "$i" err)))
    done
    [ "$sum" -eq 200 ]
    [ "$err" -gt 0 ]
    eventually prints "all +[0-9]+ +$err " larshm stats 1 2
}

@test "a program whose calls fail takes no route away from the others" {
    live
    route add 1 2 10.0.0.1:80 10.0.0.2:80 10.0.0.3:80
    larshm wait 1 2
    larshm simulate 1 2 5 2000 >/dev/null
    larshm simulate 1 2 10 2000 >/dev/null
    eventually prints 'idle since .*: spared after ' larshm get 1 2
    eventually prints '^ +1 route with SPARED hosts, .*: see .larshm list 1' larshm show
    run -0 larshm get 1 2 --pick 1000
    [[ "$output" != *"there was no host"* ]]
    run -0 larshm -j get 1 2
    [ "$(jq '[.route.hosts[] | select(.in_turn)] | length' <<<"$output")" = 2 ]
    [ "$(jq '[.route.hosts[] | select(.spared)] | length' <<<"$output")" -ge 1 ]
    log=$BATS_TEST_TMPDIR/log
    eventually grep -qE 'route 1/2: 10.0.0.[123]:80 ejected for 15 s \(number 1 in a row\): [0-9.]+ .*failures' "$log"
    eventually grep -qE 'route 1/2: 10.0.0.[123]:80 spared, because max_ejected allows no more hosts of the route to be out: .*failures' "$log"
}

@test "rules of Lars: calls that all fail eject all hosts: OVERLOAD is counted, by simulate and by get --pick" {
    live '[loadbalance]' 'rules = lars' 'probe_num = 4' 'overload_timeout = 600'
    route add 1 2 10.0.0.1:80 10.0.0.2:80
    run -0 larshm simulate 1 2 10 400
    [[ "${lines[3]}" =~ ^400\ calls,\ ([0-9]+)\ answered\ with\ OVERLOAD$ ]]
    [ "${BASH_REMATCH[1]}" -gt 0 ]
    eventually prints '10.0.0.1:80 .* overloaded' larshm get 1 2
    eventually prints '10.0.0.2:80 .* overloaded' larshm get 1 2
    run -0 larshm get 1 2 --pick 100
    [[ "${lines[3]}" == "80 of 100 times there was no host: all are overloaded" ]]
    run -0 larshm -j get 1 2 --pick 100
    eventually grep -q 'route 1/2: no host is in rotation' "$BATS_TEST_TMPDIR/log"
    [ "$(json picks)" = 20 ]
    [ "$(json overloaded)" = 80 ]
}

@test "simulate requests a route that is not cached, and ends with 2 when there is none" {
    live
    route add 1 2 10.0.0.1:80
    run -0 larshm simulate 1 2 0 1
    [ "${lines[2]}" = "1 call, 0 answered with OVERLOAD" ]
    run -2 --separate-stderr larshm simulate 3 4
    [ "$output" = "" ]
    [[ "$stderr" == *"the directory has no such route"* ]]
}

# Process $1 has come so far that Ctrl-C does not just end it.
catches_sigint() {
    (( 0x$(awk '$1 == "SigCgt:" { print $2 }' "/proc/$1/status") & 2 ))
}

@test "simulate and qps end on Ctrl-C with the result so far" {
    live
    route add 1 2 10.0.0.1:80
    larshm wait 1 2
    for words in "simulate 1 2 0 1000000" "qps --seconds 600"; do
        # A shell starts what it puts behind with SIGINT ignored; env undoes that.
        # shellcheck disable=SC2086
        env --default-signal=INT "$BIN/larshm" -n "$instance" $words >"$BATS_TEST_TMPDIR/out" 3>&- &
        caller=$!
        pids+=("$caller")
        eventually catches_sigint "$caller"
        kill -INT "$caller"
        wait "$caller"
        grep -qE 'answered with OVERLOAD|^ +all' "$BATS_TEST_TMPDIR/out"
    done
}

@test "qps shows lookups a second, of each thread and in all" {
    live
    run -2 --separate-stderr larshm qps --seconds 1
    [[ "$stderr" == *"no route with hosts is cached: \`larshm wait MODID CMDID\` requests one" ]]
    route add 1 2 10.0.0.1:80
    route add 3 4 10.0.0.1:80
    larshm wait 3 4
    larshm wait 1 2
    run -2 larshm wait 1 1
    run -0 --separate-stderr larshm qps 2 --seconds 1
    [ "$stderr" = "" ]
    [[ "${lines[0]}" =~ ^route\ 1/2,\ 2\ threads,\ [1-9] ]]
    [[ "${lines[1]}" =~ ^THREAD\ +CALLS/S$ ]]
    [[ "${lines[2]}" =~ ^\ +1\ +[0-9,]+$ ]]
    [[ "${lines[3]}" =~ ^\ +2\ +[0-9,]+$ ]]
    [[ "${lines[4]}" =~ ^\ +all\ +[0-9,]+$ ]]
    [ "${#lines[@]}" -eq 5 ]
    run -0 larshm -j qps --seconds 1 --route 3/4
    [ "$(json version)" = 1 ]
    [ "$(json modid)" = 3 ]
    [ "$(json threads)" = 1 ]
    [ "$(json calls_per_s)" -gt 0 ]
    [ "$(json threads 0 calls)" = "$(json calls)" ]
    run -2 larshm qps --seconds 1 --route 5/6
}

@test "qps counts all threads over one common time, and sums more than 16 of them up" {
    live
    route add 1 2 10.0.0.1:80
    larshm wait 1 2
    run -0 --separate-stderr larshm qps 17 --seconds 1
    [ "$stderr" = "" ]
    rates=()
    for i in 2:min 3:median 4:max 5:all; do
        [[ "${lines[${i%:*}]//,/}" =~ ^\ *${i#*:}\ +([0-9]+)$ ]]
        rates+=("${BASH_REMATCH[1]}")
    done
    [ "${#lines[@]}" -eq 6 ]
    [ "${rates[0]}" -le "${rates[1]}" ]
    [ "${rates[1]}" -le "${rates[2]}" ]
    [ "${rates[2]}" -lt "${rates[3]}" ]
    run -0 larshm -j qps 3 --seconds 1
    calls=0
    for i in 0 1 2; do
        calls=$((calls + $(json threads "$i" calls)))
        [ "$(json threads "$i" ms)" = "$(json ms)" ]
    done
    [ "$(json ms)" -ge 1000 ]
    [ "$(json calls)" -eq "$calls" ]
    [ "$(json calls_per_s)" -eq $((calls * 1000 / $(json ms))) ]
}

@test "wrong usage of simulate and qps exits with 1 and says what is allowed" {
    for words in "simulate" "simulate 1" "simulate 1 x" "simulate 1 2 11" "simulate 1 2 -1" "simulate 1 2 0 0" \
        "simulate 1 2 0 1 1" "qps 0" "qps 1025" "qps x" "qps 1 2" "qps --seconds 0" "qps --route 1" \
        "qps --route 1/x" "qps --route /1"; do
        # shellcheck disable=SC2086
        run -1 --separate-stderr larshm $words
        [ "$output" = "" ]
        [ "$stderr" != "" ]
    done
    run -1 larshm simulate 1 2 11
    [[ "$output" == *"from 0 to 10"* ]]
    for words in "simulate 1 2" "qps" "qps --route 1/2"; do
        # shellcheck disable=SC2086
        run -3 larshm $words
        [[ "$output" == *"no routes object"* ]]
    done
}
