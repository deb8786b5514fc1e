#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2154 # bats sets stderr
# larshm-bench on tiny sizes: what it prints, and that it leaves nothing behind. The times themselves are not judged.

bats_require_minimum_version 1.5.0

setup() {
    cd "$BATS_TEST_TMPDIR" || return 1
    export TMPDIR=$BATS_TEST_TMPDIR
}

teardown() {
    [ -z "${bench:-}" ] || kill -9 "$bench" 2>/dev/null || true
}

bench() {
    "$BIN/larshm-bench" "$@"
}

json() {
    "$BUILD/tests/json" "$@" <bench.json
}

# Objects in shared memory that process $1 and its children have made.
objects_of() {
    find /dev/shm -maxdepth 1 -name "*bench-$1-*"
}

# Likewise, and files.
left_by() {
    objects_of "$1"
    find . -name "larshm-bench-*"
}

# Until the process that runs in the background has objects in shared memory.
until_busy() {
    for _ in {1..500}; do
        [ -z "$(objects_of "$bench")" ] || return 0
        sleep 0.02
    done
    return 1
}

# Another build: the library that programs run with, and its fetcher, elsewhere.
another_build() {
    mkdir -p other/lib other/bin
    cp "$BUILD/lib/liblarshm.so" other/lib
    cp "$BIN/larshm-fetcher" other/bin
}

@test "every suite but the slow ones measures, and the JSON says what, where and beside which peer" {
    "$BIN/larshm-bench" -j --rounds 1 --routes 1000 >bench.json &
    bench=$!
    wait "$bench"
    [ -z "$(left_by "$bench")" ]
    bench=
    [ "$(json version)" = 1 ]
    for member in cpu cores load_average kernel compiler flags commit lmdb dpdk ck; do
        [ -n "$(json machine "$member")" ]
    done
    count=$(json figures)
    [ "$count" -ge 50 ]
    seen=
    for ((i = 0; i < count; i++)); do
        suite=$(json figures "$i" suite)
        [[ " $seen " == *" $suite "* ]] || seen+=" $suite"
        [ -n "$(json figures "$i" name)" ]
        [ -n "$(json figures "$i" unit)" ]
        for member in median min max spread; do
            [[ "$(json figures "$i" "$member")" =~ ^[0-9.e+]+$ ]]
        done
        for member in parameters peer ratio target; do
            json figures "$i" "$member" >/dev/null
        done
    done
    [ "$seen" = " $(bench --list | grep -v '(slow)$' | awk '{ print $1 }' | paste -sd ' ')" ]
}

@test "a figure with a target says whether it is met" {
    bench -j --rounds 1 --routes 1 lookup >bench.json
    [ "$(json figures 0 name)" = get_host ]
    [ "$(json figures 0 parameters routes)" = 1 ]
    [ "$(json figures 0 peer name)" = cds_lfht ]
    [[ "$(json figures 0 target at_most)" =~ ^0\.[67] ]]
    [[ "$(json figures 0 target met)" =~ ^(true|false)$ ]]
}

@test "CSV has a header, and as many fields in each line" {
    run -0 --separate-stderr bench --csv --rounds 1 --routes 100 report
    [ "$stderr" = "" ]
    [[ "${lines[0]}" == "# "*"commit "* ]]
    [ "${lines[1]}" = suite,name,parameters,unit,median,min,max,peer,ratio,at_most,at_least,met ]
    [[ "${lines[2]}" == report,* ]]
    fields=$(sed 's/"[^"]*"//g; /^#/d' <<<"$output" | awk -F, '{ print NF }' | sort -u)
    [ "$fields" = 12 ]
}

@test "the table begins with the machine" {
    run -0 bench --rounds 1 --routes 100 report
    [[ "${lines[0]}" =~ ^cpu\ +.*core.*load\ average ]]
    [[ "$output" =~ SUITE\ +FIGURE\ +AT\ +MEDIAN ]]
    [[ "$output" =~ report\ +report\ +routes=100 ]]
}

@test "a plot is an SVG, or the error says what to install" {
    if command -v gnuplot >/dev/null; then
        bench --rounds 1 --routes 1 lookup --plot plot.svg >/dev/null
        grep -q '<svg' plot.svg
        run -1 --separate-stderr bench --rounds 1 --routes 1 report --plot other.svg
        [[ "$stderr" == *"suite lookup"* ]]
        [ ! -e other.svg ]
    fi
    mkdir empty
    run -1 --separate-stderr env PATH="$PWD/empty" "$BIN/larshm-bench" --plot plot.svg
    [[ "$stderr" == *"apt-get install gnuplot"* ]]
}

@test "a restart of the fetcher fails no lookup, and adopts every route" {
    bench -j --rounds 1 --routes 2000 load >bench.json
    count=$(json figures)
    for ((i = 0; i < count; i++)); do
        case "$(json figures "$i" name)" in
        "failed meanwhile")
            [ "$(json figures "$i" max)" = 0.0 ]
            [ "$(json figures "$i" target met)" = true ]
            failed=yes
            ;;
        "lookups meanwhile")
            [ "$(json figures "$i" median)" != 0.0 ]
            lookups=yes
            ;;
        esac
    done
    [ "$failed$lookups" = yesyes ]
}

@test "nothing is measured with programs that are not there" {
    cp "$BIN/larshm-bench" .
    ./larshm-bench --rounds 1 --routes 1000 bridge >out 2>err 3>&- &
    bench=$!
    status=0
    wait "$bench" || status=$?
    [ "$status" -eq 1 ]
    [[ "$(<err)" == *"larshm-bridge is not here: build or install"* ]]
    [ -z "$(left_by "$bench")" ]
}

@test "SIGINT ends it by that signal and leaves nothing in shared memory" {
    another_build
    for suite in lookup processes writer publish poll bridge load "lookup --against other/lib/liblarshm.so"; do
        read -ra arguments <<<"$suite"
        "$BIN/larshm-bench" --routes 1000 --rounds 99 "${arguments[@]}" >out 2>err 3>&- &
        bench=$!
        until_busy
        # Shells start what is in the background deaf to SIGINT; the bench listens all the same.
        kill -INT "$bench"
        status=0
        wait "$bench" || status=$?
        [ "$status" -eq 130 ]
        [ -z "$(left_by "$bench")" ]
        [ ! -s out ]
        [ ! -s err ]
    done
}

@test "another library does the same lookups in the same rounds, and the ratio is to it" {
    another_build
    "$BIN/larshm-bench" -j --rounds 1 --routes 1000 lookup --against other/lib/liblarshm.so >bench.json &
    bench=$!
    wait "$bench"
    [ -z "$(left_by "$bench")" ]
    bench=
    count=$(json figures)
    for ((i = 0; i < count; i++)); do
        name=$(json figures "$i" name)
        [ "$name" != "memory read" ] || continue
        [[ "$name" != *", other" ]] || continue
        [ "$(json figures "$i" peer name)" = "$name, other" ]
        [[ "$(json figures "$i" ratio)" =~ ^[0-9.]+$ ]]
        names+="$(json figures "$i" parameters routes) $name"$'\n'
    done
    for name in "1 get_host" "1000 get_host" "1000 get_host, dependent keys" "1000 get_host_batch of 100" \
        "1000 route_begin/end" "1 route_pick" "1000 route_pick" "1000 get_host, known not to exist" "1000 get_host, miss" "1000 get_host, expired" \
        "1000 get_host, one host ejected" "1000 get_host and report"; do
        grep -qx "$name" <<<"$names"
    done
}

# The three of a few fetchers: what a figure must be on any machine.
@test "storms: all fetchers become whole, none is dropped, and the answers that are sent arrive" {
    local name
    "$BIN/larshm-bench" -j --rounds 1 --fetchers 10 fleet >bench.json 3>&- &
    bench=$!
    wait "$bench"
    [ -z "$(left_by "$bench")" ]
    bench=
    figures=$(jq -r '.figures[] | select(.parameters.fetchers == 10) | "\(.name)=\(.median)"' bench.json)
    for name in "restart: peak of refreshes" "restart: peak of requests" "5 % of a core: until all are whole" \
        "3 s away: until all are whole"; do
        grep -q "^$name=[0-9.]*[1-9]" <<<"$figures"
    done
    grep -qxE "5 % of a core: useful answers=100(\.0+)?" <<<"$figures"
    grep -qxE "5 % of a core: connections dropped=0(\.0+)?" <<<"$figures"
    grep -qxE "3 s away: connections dropped=0(\.0+)?" <<<"$figures"
    grep -qxE "3 s away: requests too many=0(\.0+)?" <<<"$figures"
}

@test "a library that cannot be measured is named, with a remedy" {
    run -1 --separate-stderr bench lookup --against missing.so
    [[ "$stderr" == *"missing.so: No such file"* ]]
    another_build
    run -1 --separate-stderr bench --against other/lib/liblarshm.so
    [[ "$stderr" == *"larshm bench lookup --against other/lib/liblarshm.so"* ]]
    rm other/bin/larshm-fetcher
    run -1 --separate-stderr bench lookup --against other/lib/liblarshm.so
    [[ "$stderr" == *"other/lib/liblarshm.so: no larshm-fetcher in the bin beside it"* ]]
    touch other/lib/text.so
    run -1 --separate-stderr bench lookup --against other/lib/text.so
    [[ "$stderr" == *"text.so"* ]]
}

@test "what it does not know it names, with a remedy" {
    run -1 --separate-stderr bench lokup
    [[ "$stderr" == *"did you mean lookup?"* ]]
    run -1 --separate-stderr bench --rounds 0
    [[ "$stderr" == *"from 1 to 99"* ]]
    run -1 --separate-stderr bench --fetchers 0 fleet
    [[ "$stderr" == *"from 1 to 10000"* ]]
    run -1 --separate-stderr bench --cpu 1023
    [[ "$stderr" == *"processor 1023"* ]]
}

@test "the manual page has the suites of --list, and says which are slow" {
    diff <(bench --list | awk '{ print $1 ($NF == "(slow)" ? " (slow)" : "") }' | sort) \
        <(sed -n '/^# SUITES$/,/^# /s/^\*\(.*\)/\1/p' "$SOURCE/tools/bench/larshm-bench.1.scd" |
            sed 's/, /\n/g' | tr -d '*' | sort)
}
