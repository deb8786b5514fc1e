#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# larshm, on objects that a fetcher without a directory writes (publish.c).
# shellcheck disable=SC2030,SC2031,SC2154 # each test is a subshell of its own; bats sets stderr

bats_require_minimum_version 1.5.0

setup() {
    instance="cli-$$-$BATS_TEST_NUMBER"
    object="/dev/shm/larshm.$instance"
    export TZ=UTC
}

teardown() {
    for pid in ${watcher:-} ${fetcher:-}; do
        kill "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    rm -f "$object" "$object".*
}

larshm() {
    "$BIN/larshm" -n "$instance" "$@"
}

json() {
    "$BUILD/tests/json" "$@" <<<"$output"
}

# A fetcher that obeys send(). Bats waits for every process that holds its descriptor 3.
start() {
    mkfifo -m 600 "$BATS_TEST_TMPDIR/to" "$BATS_TEST_TMPDIR/from" 2>/dev/null || true
    "$BUILD/tests/publish" "$instance" <"$BATS_TEST_TMPDIR/to" >"$BATS_TEST_TMPDIR/from" 3>&- &
    fetcher=$!
    exec {to}>"$BATS_TEST_TMPDIR/to" {from}<"$BATS_TEST_TMPDIR/from"
    answered
}

answered() {
    read -r -t 20 answer <&"$from"
    [ "$answer" = ok ]
}

send() {
    echo "$*" >&"$to"
    answered
}

# Ends it, with "stop" or "abort".
finish() {
    send "$1"
    wait "$fetcher"
    fetcher=
    exec {to}>&- {from}<&-
}

# Waits until `grep` finds the pattern in a file; for what other processes print.
until_in() {
    for _ in {1..500}; do
        if grep -q -e "$2" "$1" 2>/dev/null; then
            return 0
        fi
        sleep 0.02
    done
    cat "$1"
    return 1
}

# What `run` left: one JSON document with the exit code, and the error that stderr has.
json_error() {
    [ "$(json version)" = 1 ]
    [ "$(json instance)" = "$instance" ]
    [ "$(json exit_code)" = "$status" ]
    [ "larshm: $(json error)" = "${stderr##*$'\n'}" ]
}

as_other_user() {
    [ "$(id -u)" -eq 0 ] || skip "needs root, to become another user"
    setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
}

@test "show prints fetcher, directory, routes, memory and limits" {
    start
    send put 1 2 10.0.0.1:80 10.0.0.2:80
    send put 1 3 10.0.0.1:80
    send pulling 1 3
    send none 4 4
    send ttl 0
    send put 5 5 10.0.0.5:80
    send connection 2
    run -0 --separate-stderr larshm show
    [ "$stderr" = "" ]
    [[ "$output" =~ instance\ +$instance ]]
    [[ "$output" =~ generation\ +[0-9]+,\ made\ 2[0-9-]+\ [0-9:]+\ \(.*\ ago\) ]]
    [[ "$output" =~ fetcher\ +alive,\ pid\ $fetcher, ]]
    [[ "$output" =~ directory\ +directory.example:7778,\ connected\ for ]]
    [[ "$output" == *"3 with hosts: 1 new, 1 pulling, 1 expired; 1 known not to exist"* ]]
    [[ "$output" =~ memory\ +324\ KiB\ of\ at\ most\ 64\ MiB ]]
    [[ "$output" == *"4 of 2,048 slots in use"* ]]
    [[ "$output" =~ arena\ +[0-9]+\ B\ live,\ [0-9]+\ B\ retired,\ .*\ free ]]
    [[ "$output" =~ limits\ +none\ reached ]]
    [[ "$output" == *"4 tables published"* ]]
    [[ "$output" =~ troubles\ +none ]]
    [ "${#lines[@]}" -le 24 ]
    show=$output
    run -0 larshm
    [ "${lines[0]}" = "${show%%$'\n'*}" ]
}

@test "show prints each state of the connection" {
    start
    for state in "0 not tried yet" "1 connecting for" "2 connected for" "3 NOT CONNECTED for" "77 not tried yet"; do
        send connection "${state%% *}"
        run -0 larshm show
        [[ "$output" == *"directory.example:7778, ${state#* }"* ]]
    done
}

# refusing WHY PATTERN WORD...: `larshm WORD...` shows it. The fetcher, which has room, takes it back at its next
# heartbeat: it is stopped as soon as it has answered, and sent the command again if it was faster.
refusing() {
    for _ in {1..100}; do
        send refusing "$1"
        kill -STOP "$fetcher"
        run larshm "${@:3}"
        kill -CONT "$fetcher"
        [ "$status" -eq 0 ]
        if [[ "$output" =~ $2 ]]; then
            return 0
        fi
    done
    return 1
}

@test "show names the limit that is reached and its remedy" {
    start
    refusing 1 'limits +REFUSING.*max_bytes' show
    refusing 1 '"refusing": "max_bytes"' -j show
    refusing 2 'limits +REFUSING.*max_unknown' show
    refusing 2 '"refusing": "max_unknown"' -j show
    refusing 3 'limits +REFUSING.*shared memory \(/dev/shm\) has no room, or no inodes: free some' show
    refusing 3 '"refusing": "no_space"' -j show
    refusing 4 'limits +REFUSING.*control group is reached: raise it' show
    refusing 4 '"refusing": "memory_limit"' -j show
    refusing 5 'limits +REFUSING.*see the fetcher.s log' show
    refusing 5 '"refusing": "system"' -j show
    refusing 6 '"refusing": "nothing"' -j show
}

shows() {
    for _ in {1..500}; do
        if [[ "$(larshm show)" =~ $1 ]]; then
            return 0
        fi
        sleep 0.02
    done
    larshm show
    return 1
}

@test "g10: what programs hold of replaced objects is shown, in text and JSON" {
    start
    send put 1 1 10.0.0.1:80
    shows 'replaced  no program holds what was replaced'
    exec {held}<"$object"
    send many 2000
    shows 'replaced  1 object, 324 KiB, still held by programs'
    run -0 larshm -j show
    [ "$(json counters replaced_objects)" = 1 ]
    [ "$(json counters replaced_bytes)" = $((324 * 1024)) ]
    exec {held}<&-
    shows 'replaced  no program holds what was replaced'
}

@test "show counts lookups before and after the fetcher has taken them" {
    start
    send put 1 2 10.0.0.1:80
    finish stop
    larshm get 1 2 --pick 1000
    run -3 larshm get 7 7
    run -0 larshm -j show
    [ "$(json counters lookups)" = 0 ]
    [ "$(json lookups total)" -ge 1000 ]
    [ "$(json lookups missed)" -ge 1 ]
    start
    for _ in {1..100}; do
        run -0 larshm -j show
        [ "$(json counters lookups)" -lt 1000 ] || break
        larshm get 1 2 --pick 1000
        sleep 0.05
    done
    [ "$(json counters lookups)" -ge 1000 ]
}

@test "show -j carries a version, every section, and every counter by its name" {
    start
    send put 1 2 10.0.0.1:80
    run -0 larshm -j show
    [ "$(json version)" = 1 ]
    [ "$(json instance)" = "$instance" ]
    [ "$(json object)" = "/larshm.$instance" ]
    [ "$(json fetcher alive)" = true ]
    [ "$(json fetcher pid)" = "$fetcher" ]
    [ "$(json directory address)" = directory.example:7778 ]
    [ "$(json routes new)" = 1 ]
    [ "$(json routes damaged)" = 0 ]
    [ "$(json index slots)" = 2048 ]
    [ "$(json arena bytes)" = 262144 ]
    [ "$(json settings max_bytes)" = 67108864 ]
    [ "$(json counters publishes)" = 1 ]
    [ "$(json counters)" -eq "$(grep -c '^ *X(' "$SOURCE/shm/counters.h")" ]
    generation=$(json generation)
    run -0 larshm show -j
    [ "$(json generation)" = "$generation" ]
}

@test "a fetcher that was killed is not taken for one that stopped cleanly" {
    start
    send put 1 2 10.0.0.1:80
    finish stop
    run -0 larshm show
    [[ "$output" =~ NOT\ ALIVE:\ stopped\ cleanly\ at\ 2 ]]
    [[ "$output" == *"start larshm-fetcher"* ]]
    run -0 larshm -j show
    [ "$(json fetcher alive)" = false ]
    [ "$(json fetcher state)" = stopped ]
    start
    finish abort
    run -0 larshm show
    [[ "$output" =~ NOT\ ALIVE:\ silent\ for\ 1[0-9]\ s,\ was\ pid\ [0-9]+ ]]
    [[ "$output" == *"not connected: the fetcher is not alive"* ]]
    run -0 larshm -j show
    [ "$(json fetcher state)" = silent ]
    [ "$(json fetcher silent_ms)" -ge 10000 ]
    [ "$(json routes new)" = 1 ]
}

@test "an empty instance: show counts none, list explains, dump prints nothing, JSON is whole" {
    start
    run -0 larshm show
    [[ "$output" == *"0 with hosts"* ]]
    run -0 --separate-stderr larshm list
    [ "$output" = "" ]
    [[ "$stderr" == *"no routes yet"*"larshm wait"* ]]
    run -0 --separate-stderr larshm -j list
    [ "$stderr" = "" ]
    [ "$(json version)" = 1 ]
    [ "$(json routes)" = 0 ]
    run -0 larshm dump
    [ "$output" = "" ]
    run -0 larshm check
    [[ "$output" == "ok: 0 routes, "* ]]
}

@test "list shows routes in the order of their keys, with state and first hosts" {
    start
    send put 10 1 10.0.0.1:1 10.0.0.2:2 10.0.0.3:3 10.0.0.4:4
    send put 9 4294967295 200.0.0.1:65535
    send pulling 9 4294967295
    send none 9 1
    send ttl 0
    send put 11 0 10.0.0.5:5
    run -0 --separate-stderr larshm list
    [ "$stderr" = "" ]
    [ "${#lines[@]}" -eq 5 ]
    [[ "${lines[0]}" =~ ^MODID\ +CMDID\ +HOSTS\ +STATE\ +AGE\ +VERSION\ +ADDRESSES$ ]]
    [[ "${lines[1]}" =~ ^\ +9\ +1\ +0\ none\ .*-$ ]]
    [[ "${lines[2]}" =~ ^\ +9\ +4294967295\ +1\ pulling\ .*\ 200.0.0.1:65535$ ]]
    [[ "${lines[3]}" =~ ^\ +10\ +1\ +4\ new\ .*\ 10.0.0.1:1\ 10.0.0.2:2\ 10.0.0.3:3\ \.\.\.\ 4\ in\ all$ ]]
    [[ "${lines[4]}" =~ ^\ +11\ +0\ +1\ expired\ .*\ 10.0.0.5:5$ ]]
    run -0 larshm list 9
    [ "${#lines[@]}" -eq 3 ]
    run -2 --separate-stderr larshm list 8
    [ "$output" = "" ]
    [[ "$stderr" == *"no routes of modid 8"* ]]
}

@test "list -j has all hosts, with numbers as numbers" {
    start
    send put 1 2 10.0.0.1:1 10.0.0.2:2 10.0.0.3:3 10.0.0.4:4 200.0.0.5:65535
    send none 3 4
    run -0 larshm -j list
    [ "$(json routes)" = 2 ]
    [ "$(json routes 0 hosts)" = 5 ]
    [ "$(json routes 0 hosts 4 ip)" = 200.0.0.5 ]
    [ "$(json routes 0 hosts 4 port)" = 65535 ]
    [ "$(json routes 0 state)" = new ]
    [ "$(json routes 0 update_timeout_s)" = 15 ]
    [ "$(json routes 1 hosts)" = 0 ]
    [ "$(json routes 1 state)" = none ]
    run -0 larshm -j list 3
    [ "$(json routes)" = 1 ]
    run -2 --separate-stderr larshm -j list 77
    [ "$(json routes)" = 0 ]
}

@test "dump is tab separated, sorted, and as its help says" {
    start
    send put 10 1 10.0.0.1:1 200.0.0.2:65535
    send none 9 1
    run -0 larshm dump
    [ "${#lines[@]}" -eq 2 ]
    without_age=$(cut -f 1-4,6- <<<"$output")
    [ "$without_age" = "$(printf '9\t1\t2\tnone\t15\t0\t-\n10\t1\t1\tnew\t15\t2\t10.0.0.1:1,200.0.0.2:65535')" ]
    [[ "$(cut -f 5 <<<"$output")" =~ ^[0-9]+$'\n'[0-9]+$ ]]
    run -0 larshm dump --help
    for field in modid cmdid version state age_ms update_timeout_s host_count hosts; do
        [[ "$output" == *" $field"* ]]
    done
    run -1 --separate-stderr larshm -j dump
    [ "$output" = "" ]
    [[ "$stderr" == *"larshm -j list"* ]]
}

@test "get shows a route's hosts, its state and its age" {
    start
    send connection 2
    send put 1 2 10.0.0.1:80 200.0.0.2:65535
    run -0 --separate-stderr larshm get 1 2
    [ "$stderr" = "" ]
    [[ "${lines[0]}" =~ ^route\ 1/2:\ 2\ hosts,\ new,\ confirmed\ .*\ ago,\ version\ 1$ ]]
    [ "${lines[1]}" = "  10.0.0.1:80" ]
    [ "${lines[2]}" = "  200.0.0.2:65535" ]
    run -0 larshm -j get 1 2
    [ "$(json version)" = 1 ]
    [ "$(json fetcher_alive)" = true ]
    [ "$(json route hosts 1 ip)" = 200.0.0.2 ]
    [ "$(json route version)" = 1 ]
}

@test "get --pick spreads evenly over the hosts" {
    start
    send put 1 2 10.0.0.1:80 10.0.0.2:80 10.0.0.3:80 10.0.0.4:80
    run -0 larshm get 1 2 --pick 1000
    [[ "${lines[0]}" =~ ^HOST\ +PICKS\ +SHARE ]]
    [ "${#lines[@]}" -eq 5 ]
    run -0 larshm -j get 1 2 --pick 1000
    [ "$(json picks)" = 1000 ]
    sum=0
    for i in 0 1 2 3; do
        picks=$(json hosts "$i" picks)
        [ "$picks" -ge 200 ]
        sum=$((sum + picks))
    done
    [ "$sum" -eq 1000 ]
}

@test "get exits with 2 for a route that the directory does not have, and for one that is requested" {
    start
    send none 1 2
    run -2 --separate-stderr larshm get 1 2
    [ "$output" = "" ]
    [[ "$stderr" == "larshm: route 1/2: the directory has no such route"* ]]
    run -2 --separate-stderr larshm get 3 4
    [ "$output" = "" ]
    [[ "$stderr" == *"requested, not cached yet: try \`larshm wait 3 4\`"* ]]
    run -2 larshm get 3 4 --pick 3
    run -2 larshm get 4294967295 4294967295
    for words in "get 1 2" "get 3 4" "get 3 4 --pick 3"; do
        # shellcheck disable=SC2086
        run -2 --separate-stderr larshm -j $words
        json_error
    done
}

@test "get of an expired route: fine while the fetcher refreshes it, exit 4 and its age when it does not" {
    start
    send ttl 0
    send put 1 2 10.0.0.1:80
    sleep 0.01
    send connection 2
    run -0 --separate-stderr larshm get 1 2
    [ "$stderr" = "" ]
    send connection 3
    run -4 --separate-stderr larshm get 1 2
    [[ "$output" == *"10.0.0.1:80"* ]]
    [[ "$stderr" =~ these\ hosts\ are\ .*\ old.*not\ connected ]]
    send connection 2
    finish abort
    run -4 --separate-stderr larshm get 1 2
    [[ "$output" == *"1 host, expired"*"10.0.0.1:80"* ]]
    [[ "$stderr" =~ these\ hosts\ are\ .*\ old.*not\ alive ]]
    run -4 larshm get 1 2 --pick 3
    run -4 --separate-stderr larshm -j get 1 2
    [ "$(json fetcher_alive)" = false ]
    [ "$(json expired)" = true ]
    run -2 json error
}

@test "a route that is young is served without a warning though the fetcher is dead" {
    start
    send put 1 2 10.0.0.1:80
    finish abort
    run -0 --separate-stderr larshm get 1 2
    [ "$stderr" = "" ]
    run -0 larshm dump
    [ "${#lines[@]}" -eq 1 ]
    run -0 larshm check
}

@test "wait returns when the route comes, with 2 when there is none, with 124 when nothing comes" {
    start
    send none 3 4
    run -2 larshm wait 3 4
    [[ "$output" == *"no such route"* ]]
    run -124 --separate-stderr larshm wait 5 6 -t 30
    [ "$output" = "" ]
    [[ "$stderr" == "larshm: route 5/6: timed out"* ]]
    run -124 --separate-stderr larshm -j wait 5 6 -t 30
    json_error
    run -2 --separate-stderr larshm -j wait 3 4
    json_error
    larshm wait 1 2 -t 20000 >"$BATS_TEST_TMPDIR/out" 3>&- &
    watcher=$!
    send put 1 2 10.0.0.1:80
    wait "$watcher"
    watcher=
    [[ "$(cat "$BATS_TEST_TMPDIR/out")" =~ ^route\ 1/2:\ 1\ host\ after ]]
    run -0 larshm -j wait 1 2
    [ "$(json hosts)" = 1 ]
}

@test "wait at boot waits for the first fetcher, and then for the route" {
    larshm wait 1 2 -t 20000 >"$BATS_TEST_TMPDIR/out" 3>&- &
    watcher=$!
    sleep 0.1
    start
    send put 1 2 10.0.0.1:80
    wait "$watcher"
    watcher=
    [[ "$(cat "$BATS_TEST_TMPDIR/out")" =~ ^route\ 1/2:\ 1\ host\ after ]]
}

# limited CODE PATTERN [OPTION]: health while unknown keys are refused.
limited() {
    for _ in {1..100}; do
        send refusing 2
        run larshm health "${@:3}"
        if [ "$status" -eq "$1" ] && [[ "$output" == *"$2"* && "$output" == *limit* ]]; then
            return 0
        fi
    done
    echo "$status: $output"
    return 1
}

@test "health is 0 when all is well, and has a code for each kind of finding" {
    start
    run -8 larshm health
    [[ "$output" == "directory: directory.example:7778 not connected for "* ]]
    send connection 2
    run -0 larshm health
    [[ "$output" =~ ^ok:\ fetcher\ alive,\ directory.example:7778\ connected\ for ]]
    run -0 larshm -j health
    [ "$(json ok)" = true ]
    [ "$(json exit_code)" = 0 ]
    # The fetcher takes back what it did not refuse itself.
    limited 9 "limit: REFUSING unknown keys: "
    send connection 3
    limited 8 "directory: "
    [ "${#lines[@]}" -eq 2 ]
    limited 8 '"finding": "limit"' -j
    [ "$(json ok)" = false ]
    [ "$(json exit_code)" = 8 ]
    [ "$(json findings 1 exit_code)" = 9 ]
    send connection 2
    send put 1 2 10.0.0.1:80
    send damage 1 2
    run -5 larshm health
    [[ "$output" == "damage: 1 damaged route:"* ]]
}

@test "health of a fetcher that is dead is 3, however it ended, and so is that of none" {
    run -3 larshm health
    [[ "$output" == *"no routes object"* ]]
    start
    send connection 2
    send refusing 1
    finish abort
    run -3 larshm health
    [ "${#lines[@]}" -eq 1 ]
    [[ "$output" == "fetcher: not alive: silent for 10 s, was pid"*"start larshm-fetcher" ]]
    start
    finish stop
    run -3 larshm health
    [[ "$output" == "fetcher: not alive: stopped cleanly at"* ]]
}

@test "health -j has ok and findings also where the instance cannot be opened" {
    run -3 --separate-stderr larshm -j health
    [ "$(json ok)" = false ]
    [ "$(json exit_code)" = 3 ]
    [ "$(json findings 0 finding)" = instance ]
    [ "$(json findings 0 exit_code)" = 3 ]
    [[ "$(json findings 0 text)" == "no routes object"* ]]
    [ "$(json error)" = "$(json findings 0 text)" ]
    [[ "$stderr" == "larshm: no routes object"* ]]
    start
    chmod 0666 "/dev/shm/larshm.$instance"
    run -6 --separate-stderr larshm -j health
    [ "$(json ok)" = false ]
    [ "$(json findings 0 exit_code)" = 6 ]
}

# fails_to_open REASON: every command that opens an instance says so, and with -j its document does.
fails_to_open() {
    local command
    for command in show list "get 1 1" "get 1 1 --pick 2" "wait 1 1" watch check stats "stats 1 1" \
        "report 1 1 10.0.0.1:80 0" "simulate 1 1" "qps -s 1" "health"; do
        # shellcheck disable=SC2086
        run -1 --separate-stderr larshm -j $command
        echo "$command: $output $stderr"
        [[ "$(json error)" == *"$1"* ]]
        [[ "$stderr" == "larshm: "*"$1"* ]]
    done
    [ "$(json ok)" = false ]
    [ "$(json findings 0 finding)" = instance ]
    [[ "$(json findings 0 text)" == *"$1"* ]]
}

@test "with -j every command has a document that says why the instance cannot be opened" {
    LARSHM_DIRECTORY=relative fails_to_open "LARSHM_DIRECTORY is no absolute path"
    LARSHM_DIRECTORY=/$(printf 'x%.0s' {1..300}) fails_to_open "LARSHM_DIRECTORY is no absolute path"
    instance=$(printf 'x%.0s' {1..300}) fails_to_open "is no instance: its name is"
    instance=$'\xff' fails_to_open "is no instance: its name is"
}

@test "no connection is shown of a fetcher that is dead" {
    start
    send connection 2
    send put 1 2 10.0.0.1:80
    run -0 larshm -j show
    [ "$(json directory connection)" = up ]
    run -0 larshm -j get 1 2
    [ "$(json connected)" = true ]
    finish abort
    run -0 larshm -j show
    [ "$(json fetcher alive)" = false ]
    [ "$(json directory connection)" = none ]
    run -0 larshm -j get 1 2
    [ "$(json connected)" = false ]
}

@test "a new route without a fetcher that is alive: exit 3, and why nothing will come" {
    start
    finish abort
    for command in "-3 get 1 2" "-3 get 1 2 --pick 10" "-124 wait 1 2 -t 30"; do
        # shellcheck disable=SC2086
        run "${command%% *}" --separate-stderr larshm ${command#* }
        [[ "$stderr" == "larshm: route 1/2: not cached, and there is no fetcher to request it from: start larshm-fetcher" ]]
    done
    run -3 --separate-stderr larshm -j get 1 2
    json_error
}

# Leaves its lines in $BATS_TEST_TMPDIR/lines.
watch() {
    larshm "$@" >"$BATS_TEST_TMPDIR/lines" 2>"$BATS_TEST_TMPDIR/notes" 3>&- &
    watcher=$!
    until_in "$BATS_TEST_TMPDIR/notes" watching
}

@test "watch prints a line for each change and not for a refresh" {
    start
    send put 1 1 10.0.0.1:80
    watch watch --count 3 --for 20
    send put 1 1 10.0.0.1:80
    send put 1 2 10.0.0.1:80
    until_in "$BATS_TEST_TMPDIR/lines" 1/2
    send put 1 1 10.0.0.2:80
    until_in "$BATS_TEST_TMPDIR/lines" 1/1
    send none 1 2
    wait "$watcher"
    watcher=
    run -0 cat "$BATS_TEST_TMPDIR/lines"
    [ "${#lines[@]}" -eq 3 ]
    [[ "${lines[0]}" =~ ^2[0-9-]+\ [0-9:.]+\ \ 1/2\ \ version\ 2\ \ 10.0.0.1:80$ ]]
    [[ "${lines[1]}" =~ \ 1/1\ \ version\ 3\ \ 10.0.0.2:80$ ]]
    [[ "${lines[2]}" =~ \ 1/2\ \ version\ 4\ \ no\ such\ route$ ]]
}

@test "watch -j prints an object on each line" {
    start
    watch -j watch --count 1 --for 20
    send put 1 2 10.0.0.1:80 10.0.0.2:80 10.0.0.3:80 10.0.0.4:80
    wait "$watcher"
    watcher=
    run -0 cat "$BATS_TEST_TMPDIR/lines"
    [ "${#lines[@]}" -eq 1 ]
    [ "$(json version)" = 1 ]
    [ "$(json route modid)" = 1 ]
    [ "$(json route hosts)" = 4 ]
}

@test "watch follows growth: every route shows once, whatever generation it came in" {
    start
    send put 1 1 10.0.0.1:80
    watch watch --count 2001 --for 60
    send many 2000
    send put 1 1 10.0.0.2:80
    wait "$watcher"
    watcher=
    run -0 cat "$BATS_TEST_TMPDIR/lines"
    [ "${#lines[@]}" -eq 2001 ]
    [ "$(awk '{ print $3 }' "$BATS_TEST_TMPDIR/lines" | sort -u | wc -l)" -eq 2001 ]
    [ "$(grep -c watching "$BATS_TEST_TMPDIR/notes")" -ge 2 ]
}

@test "watch goes on through the death of a fetcher, a hand-over, and an object that was removed" {
    start
    send put 1 1 10.0.0.1:80
    watch watch --count 3 --for 60
    finish abort
    start
    send put 1 2 10.0.0.1:80
    until_in "$BATS_TEST_TMPDIR/lines" 1/2
    finish stop
    rm "$object"
    start
    send put 1 3 10.0.0.1:80
    until_in "$BATS_TEST_TMPDIR/lines" 1/3
    send put 1 4 10.0.0.1:80
    wait "$watcher"
    watcher=
    [ "$(grep -c 1/1 "$BATS_TEST_TMPDIR/lines")" -eq 0 ]
}

@test "watch ends with 0 when its time is over, and with 124 when lines are missing then" {
    start
    run -0 --separate-stderr larshm watch --for 1
    [ "$output" = "" ]
    run -124 --separate-stderr larshm watch --for 1 --count 1
    [ "$output" = "" ]
    [[ "$stderr" == *"larshm: 0 of 1 line within 1 s" ]]
    run -124 --separate-stderr larshm -j watch --for 1 --count 1
    [ "${#lines[@]}" -eq 1 ]
    json_error
}

@test "check finds a sound object sound, beside a fetcher and without" {
    start
    send put 1 2 10.0.0.1:80
    run -0 larshm check
    [[ "$output" =~ ^ok:\ 1\ route,\ 1\ host,\ .*\ live,\ longest\ probe\ 1\ bucket$ ]]
    send many 500
    run -0 larshm check
    [[ "$output" == "ok: 501 routes, 501 hosts, "* ]]
    finish abort
    run -0 larshm -j check
    [ "$(json version)" = 1 ]
    [ "$(json ok)" = true ]
    [ "$(json routes)" = 501 ]
    [ "$(json wrong)" = null ]
}

@test "a damaged slot: check names it, the others show the rest and say what is missing, all exit with 5" {
    start
    send put 1 2 10.0.0.1:80
    send put 3 4 10.0.0.1:80
    send damage 1 2
    run -5 --separate-stderr larshm check
    [[ "$output" == "wrong: "*"1/2"* ]]
    [[ "$stderr" == *"restart larshm-fetcher"* ]]
    run -5 --separate-stderr larshm -j check
    [ "$(json ok)" = false ]
    [[ "$(json wrong)" == *"1/2"* ]]
    run -5 --separate-stderr larshm dump
    [ "${#lines[@]}" -eq 1 ]
    [[ "$stderr" == *"1 damaged route was left out"*"larshm check"* ]]
    run -5 larshm list
    [[ "$output" == *"3     4"* ]]
    run -5 --separate-stderr larshm -j list
    [ "$(json routes)" = 1 ]
    run -5 larshm show
    [[ "$output" == *"1 DAMAGED"* ]]
    run -5 larshm get 1 2
    run -0 larshm get 3 4
}

@test "without an object: exit 3, and who should have made it" {
    for command in "" show health list dump check watch "get 1 2" "wait 1 2 -t 30"; do
        # shellcheck disable=SC2086
        run -3 --separate-stderr larshm $command
        [ "$output" = "" ]
        [[ "$stderr" == "larshm: no routes object /larshm.$instance: is larshm-fetcher running? see \`larshm-fetcher --help\`" ]]
        if [ "$command" != dump ]; then
            # shellcheck disable=SC2086
            run -3 --separate-stderr larshm -j $command
            json_error
        fi
    done
}

# Each way in, all commands: exit code $1, and an error that contains $2.
refused() {
    for command in show health list dump check watch "get 1 2" "wait 1 2"; do
        # shellcheck disable=SC2086
        run "-$1" --separate-stderr larshm $command
        [ "$output" = "" ]
        [[ "$stderr" == "larshm: /larshm.$instance: "*"$2"* ]]
        if [ "$command" != dump ]; then
            # shellcheck disable=SC2086
            run "-$1" --separate-stderr larshm -j $command
            json_error
        fi
    done
}

@test "objects that are short, strange, of another layout or damaged in the header exit with 5 and say which" {
    start
    finish stop
    cp "$object" "$BATS_TEST_TMPDIR/sound"
    truncate -s 100 "$object"
    refused 5 "truncated"
    cp "$BATS_TEST_TMPDIR/sound" "$object"
    truncate -s 8192 "$object"
    refused 5 "truncated"
    head -c 8192 /dev/zero >"$object"
    refused 5 "not a routes object"
    cp "$BATS_TEST_TMPDIR/sound" "$object"
    printf '\x63' | dd of="$object" bs=1 seek=8 conv=notrunc status=none
    refused 5 "another layout"
    cp "$BATS_TEST_TMPDIR/sound" "$object"
    printf '\xff\xff' | dd of="$object" bs=1 seek=32 conv=notrunc status=none
    refused 5 "is damaged"
}

@test "objects that others can write, or that are not where they seem, exit with 6" {
    start
    finish stop
    chmod 0666 "$object"
    refused 6 "written by others"
    chmod 0644 "$object"
    mv "$object" "$object.lock"
    ln -s "$object.lock" "$object"
    refused 6 "is no regular file: remove $object"
}

@test "an object of a user who is not trusted exits with 6" {
    [ "$(id -u)" -eq 0 ] || skip "needs root, to give a file away"
    start
    finish stop
    chown 65533 "$object"
    refused 6 "set LARSHM_TRUST_UID=65533"
}

@test "an object that may not be read exits with 6" {
    start
    finish stop
    chmod 0600 "$object"
    as_other_user test -x "$BIN/larshm" || skip "the program is out of reach for others"
    run -6 as_other_user "$BIN/larshm" -n "$instance" show
    [[ "$output" == *"may not read it"* ]]
    run -6 as_other_user "$BIN/larshm" -n "$instance" get 1 2
}

@test "a user who may not request routes sees all that is cached, and the remedy for the rest" {
    start
    send put 1 2 10.0.0.1:80
    as_other_user test -x "$BIN/larshm" || skip "the program is out of reach for others"
    run -0 as_other_user "$BIN/larshm" -n "$instance" show
    [[ "$output" == *"without those that the fetcher has not collected yet"* ]]
    run -0 as_other_user "$BIN/larshm" -n "$instance" get 1 2
    run -6 as_other_user "$BIN/larshm" -n "$instance" get 3 4
    [[ "$output" == *"no permission"* ]]
}

@test "a header full of noise behind its geometry is shown without harm" {
    start
    finish stop
    head -c 768 /dev/urandom | dd of="$object" bs=1 seek=64 conv=notrunc status=none
    run -0 larshm show
    [[ ! "${output//$'\n'/}" =~ [[:cntrl:]] ]]
    [[ "$output" =~ connections\ that\ ended\ \([0-9,]+\) ]]
    run -0 larshm -j show
    [ "$(json version)" = 1 ]
}

@test "wrong usage exits with 1 and says what is allowed" {
    start
    for words in "get" "get 1" "get 1 2 3" "get -1 2" "get x 2" "get 1 4294967296" "get 1 2 --pick 0" \
        "get 1 2 --pick x" "wait 1" "wait 1 2 -t -1" "wait 1 2 -t 2147483648" "list 1 2" "list x" "show 1" \
        "check 1" "dump 1" "watch 1" "watch --count 0" "watch --for 0" "--nonsense"; do
        # shellcheck disable=SC2086
        run -1 --separate-stderr larshm $words
        [ "$output" = "" ]
        [ "$stderr" != "" ]
    done
    run -1 larshm get 1 4294967296
    [[ "$output" == *"from 0 to 4294967295"* ]]
    run -1 "$BIN/larshm" -n "no/name" show
    [[ "$output" == *"1 to 32 letters"* ]]
    run -1 "$BIN/larshm" -n "" show
    run -1 --separate-stderr "$BIN/larshm" -j -n $'no\xffname' show
    [ "$(json instance)" = 'no?name' ]
    [ "$(json exit_code)" = 1 ]
}

@test "an unknown command is answered with the nearest one" {
    run -1 larshm lst
    [[ "$output" == *"no command 'lst'"*"did you mean list?"* ]]
    run -1 larshm xyzzy
    [[ "$output" == *"known are show, list"* ]]
}

@test "a tool of Lars that has another name here is answered with that name" {
    run -1 larshm get_host 1 2
    [[ "$output" == *"use \`larshm get MODID CMDID --pick 1\`" ]]
    run -1 larshm get_route 1 2
    [[ "$output" == *"use \`larshm get MODID CMDID\`" ]]
    run -1 larshm simulator 1 2
    [[ "$output" == *"use \`larshm simulate MODID CMDID\`" ]]
}

@test "a negative number is answered with what to write instead" {
    for words in "-1" "get -2147483648 1" "get 1 -2" "list -3" "report 1 2 10.0.0.1:80 -1" "host pin -9 2 10.0.0.1:80"; do
        # shellcheck disable=SC2086
        run -1 --separate-stderr larshm $words
        [ "$output" = "" ]
        [[ "$stderr" == *"is negative: ids are unsigned"*"4294967294"*"goes behind \"--\""* ]]
    done
    run -1 larshm get 1 -20
    [[ "$output" == "larshm get: '-20' is negative"* ]]
}

@test "the instance is \$LARSHM_INSTANCE unless it is named" {
    start
    send put 1 2 10.0.0.1:80
    LARSHM_INSTANCE=$instance run -0 "$BIN/larshm" dump
    [ "${#lines[@]}" -eq 1 ]
    LARSHM_INSTANCE=other run -0 larshm dump
    run -0 "$BIN/larshm" dump -n "$instance"
}

@test "help teaches each command with an example and the exit codes" {
    for command in "" show health list get wait watch dump check stats report forget host refresh route servers reload simulate qps; do
        # shellcheck disable=SC2086
        run -0 larshm $command --help
        [[ "$output" == *"Examples:"*"larshm"*"Exit codes: 0 done"* ]]
    done
    run -0 larshm --help
    [[ "${output//$'\n'/ }" == *"None needs a fetcher that is alive, except \`wait\` for a route that is not cached yet, \`host\`, \`forget\`, \`refresh\`, \`route\`, \`servers\` and \`reload\`."* ]]
    run -0 larshm --version
    [[ "$output" == larshm\ [0-9]* ]]
}
