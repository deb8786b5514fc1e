#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What larshm prints about hosts, and what operators do with them, beside a real fetcher and a real directory.
# shellcheck disable=SC2030,SC2031,SC2154 # each test is a subshell of its own; bats sets stderr

bats_require_minimum_version 1.5.0
load live

time_of_day='[0-2][0-9]:[0-5][0-9]:[0-5][0-9]'

@test "failures in a row eject a host, list and get say since when and why, and overload_timeout lets it in again" {
    live '[loadbalance]' 'overload_timeout = 1'
    route add 1 2 10.0.0.1:80 10.0.0.2:80
    larshm wait 1 2
    run -0 larshm list 1
    [ "${#lines[@]}" -eq 2 ]
    run -0 --separate-stderr larshm report 1 2 10.0.0.1:80 1 --count 15
    [ "$output" = "route 1/2: 15 failures of 10.0.0.1:80 reported" ]
    [ "$stderr" = "" ]
    eventually prints overloaded larshm list 1
    run -0 printed
    [ "${#lines[@]}" -eq 5 ]
    [[ "${lines[2]}" =~ ^\ +HOST\ +SUCCESSES\ +FAILURES\ HEALTH$ ]]
    [[ "${lines[3]}" =~ ^\ +10.0.0.1:80\ +0\ +15\ overloaded\ since\ $time_of_day:\ 15\ failures\ in\ a\ row\;\ until\ $time_of_day$ ]]
    [[ "${lines[4]}" =~ ^\ +10.0.0.2:80\ +0\ +0\ idle$ ]]
    eventually prints "10.0.0.1:80 +0 +15 idle since $time_of_day: was overloaded for 1 s$" larshm get 1 2
    run -0 larshm get 1 2
    [[ "${lines[0]}" =~ ^route\ 1/2:\ 2\ hosts,\ new ]]
    [[ "${lines[1]}" =~ ^\ \ HOST\ +SUCCESSES\ +FAILURES\ HEALTH$ ]]
}

@test "too many failures among successes eject a host, and the rate is shown beside the limit" {
    live '[loadbalance]' 'idle_timeout = 600'
    route add 1 2 10.0.0.1:80 10.0.0.2:80
    larshm wait 1 2
    # 180 successes are credited: 180 + 6 and 20 failures stay below 10 %, the 21st does not.
    for round in 1 2; do
        larshm report 1 2 10.0.0.1:80 1 --count 5
        larshm report 1 2 10.0.0.1:80 0 --count 2
        larshm report 1 2 10.0.0.1:80 1 --count 5
        larshm report 1 2 10.0.0.1:80 0
        eventually prints "all +$((3 * round)) +$((10 * round)) " larshm stats 1 2
    done
    run -0 larshm -j get 1 2
    [ "$(json route hosts 0 state)" = idle ]
    larshm report 1 2 10.0.0.1:80 7
    eventually prints "overloaded since $time_of_day: 10.15 % failures > 10 %" larshm get 1 2
}

@test "JSON has all about a host: state, hold, reason, totals and counts" {
    live '[loadbalance]' 'recover_successes = 3'
    route add 1 2 10.0.0.1:80 10.0.0.2:80
    larshm wait 1 2
    before=$(date +%s%3N)
    larshm report 1 2 10.0.0.1:80 1 --count 10
    larshm report 1 2 10.0.0.1:80 0 --count 2
    eventually prints '"total_succ": 2,' larshm -j get 1 2
    run -0 --separate-stderr larshm -j get 1 2
    for member in "state overloaded" "hold none" "reason err_streak" "limit 10" "level 1" "spared false" "total_succ 2" "total_err 10" \
        "in_turn false" "probed true" "ip 10.0.0.1" "port 80"; do
        [ "$(json route hosts 0 "${member% *}")" = "${member#* }" ]
    done
    [ "$(json route hosts 0 value)" -ge 10 ]
    since=$(json route hosts 0 since_unix_ms)
    until=$(json route hosts 0 until_unix_ms)
    [ $(((until - since + 500) / 1000)) -eq 15 ]
    [ "$since" -ge "$((before - 1000))" ]
    [ "$since" -le "$(($(date +%s%3N) + 1000))" ]
    for member in vsucc verr rsucc rerr contin_succ contin_err; do
        [[ "$(json route hosts 0 "$member")" =~ ^[0-9]+$ ]]
    done
    [ "$(json route hosts 1 state)" = idle ]
    [ "$(json route hosts 1 reason)" = birth ]
    [ "$(json route hosts 1 in_turn)" = true ]
    [ "$(json route hosts 1 since_unix_ms)" = null ]
    [ "$(json route hosts 1 total_err)" = 0 ]
    members=$(json route hosts 0)
    [ "$(json route hosts 1)" = "$members" ]
    run -0 larshm -j list 1
    [ "$(json routes 0 hosts 0)" = "$members" ]
    [ "$(json routes 0 hosts 0 since_unix_ms)" -ge "$((since - 10))" ]
}

@test "health finds the route that has no host in rotation" {
    live
    route add 1 2 10.0.0.1:80
    larshm wait 1 2
    run -0 larshm health
    run -0 --separate-stderr larshm host drain 1 2 10.0.0.1:80
    run -7 larshm health
    [[ "$output" == "rotation: 1 route without a host in rotation, the first is 1/2: "* ]]
    larshm host clear 1 2 10.0.0.1:80
    run -0 larshm health
}

@test "drain and pin come before what calls report, until clear" {
    live '[loadbalance]' 'probe_num = 1' 'rules = lars'
    route add 1 2 10.0.0.1:80 10.0.0.2:80
    larshm wait 1 2
    run -0 --separate-stderr larshm host drain 1 2 10.0.0.1:80
    [ "$output" = "route 1/2: 10.0.0.1:80 is drained: neither picked nor probed" ]
    [ "$stderr" = "" ]
    run -0 larshm list 1
    [[ "$output" =~ 10.0.0.1:80\ +0\ +0\ drained\ by\ an\ operator ]]
    run -0 larshm -j get 1 2
    [ "$(json route hosts 0 hold)" = drained ]
    [ "$(json route hosts 0 in_turn)" = false ]
    [ "$(json route hosts 0 probed)" = false ]
    run -0 larshm get 1 2 --pick 100
    [[ "${lines[1]}" =~ ^10.0.0.2:80\ +100\ 100.0\ %$ ]]
    larshm report 1 2 10.0.0.2:80 1 --count 15
    eventually prints '10.0.0.2:80 +0 +15 overloaded' larshm get 1 2
    larshm host pin 1 2 10.0.0.2:80
    run -0 larshm get 1 2
    [[ "$output" =~ 10.0.0.2:80\ +0\ +15\ pinned\ by\ an\ operator\;\ overloaded\ since ]]
    run -0 larshm get 1 2 --pick 100
    [[ "${lines[1]}" =~ ^10.0.0.2:80\ +100\ 100.0\ %$ ]]
    larshm host clear 1 2 10.0.0.2:80
    run -0 larshm host clear 1 2 10.0.0.1:80
    [ "$output" = "route 1/2: 10.0.0.1:80 has no override: its calls decide" ]
    run -0 larshm -j get 1 2
    [ "$(json route hosts 0 in_turn)" = true ]
    [ "$(json route hosts 1 in_turn)" = false ]
}

@test "the examples of larshm(1) and list --help find hosts that are out of rotation, and no others" {
    live '[loadbalance]' 'overload_timeout = 1'
    for cmdid in 1 2 3; do
        route add 1 $cmdid 10.0.0.1:80 10.0.0.2:80
        larshm wait 1 $cmdid
    done
    larshm report 1 1 10.0.0.1:80 1 --count 15
    eventually prints 'was overloaded for 1 s' larshm list
    larshm host drain 1 2 10.0.0.2:80
    larshm host pin 1 3 10.0.0.1:80
    manual=$(grep -A 1 -F 'larshm -j list | jq -c' "$SOURCE/tools/larshm/larshm.1.scd")
    run -0 eval "$manual"
    [ "$output" = '{"modid":1,"cmdid":2,"ip":"10.0.0.2","port":80,"state":"idle","hold":"drained","reason":"birth"}' ]
    help=$(larshm list --help | grep -F 'larshm -j list | jq')
    run -0 eval "$help | jq -c '[.modid, .cmdid]'"
    [ "$output" = '[1,2]' ]
}

@test "an operator's hold and the totals last over a killed fetcher and over hosts that leave and come back" {
    live
    route add 1 2 10.0.0.1:80 10.0.0.2:80 10.0.0.3:80
    larshm wait 1 2
    larshm host drain 1 2 10.0.0.1:80
    larshm host pin 1 2 10.0.0.2:80
    larshm report 1 2 10.0.0.2:80 1 --count 20
    larshm report 1 2 10.0.0.3:80 0 --count 30
    eventually prints 'all +30 +20 ' larshm stats 1 2
    end_fetcher KILL
    run -0 larshm get 1 2
    [[ "$output" =~ 10.0.0.1:80\ +0\ +0\ drained ]]
    start_fetcher
    run -0 larshm get 1 2
    [[ "$output" =~ 10.0.0.1:80\ +0\ +0\ drained ]]
    [[ "$output" =~ 10.0.0.2:80\ +0\ +20\ pinned ]]
    larshm get 1 2
    route del 1 2 10.0.0.1:80
    eventually prints '2 hosts' larshm get 1 2
    route add 1 2 10.0.0.1:80
    eventually prints '10.0.0.1:80 +0 +0 drained' larshm get 1 2
    run -0 larshm stats 1 2
    [[ "$output" =~ all\ +30\ +20\ +40.0\ % ]]
}

@test "draining the last host is done, and said to leave OVERLOAD as the only answer, with exit code 7" {
    live
    route add 1 2 10.0.0.1:80
    larshm wait 1 2
    run -0 --separate-stderr larshm host drain 1 2 10.0.0.1:80
    [[ "$stderr" == "larshm: route 1/2: no host is left in rotation"*"OVERLOAD" ]]
    run -0 larshm get 1 2
    for words in "get 1 2 --pick 5" "simulate 1 2 0 5"; do
        # shellcheck disable=SC2086
        run -7 --separate-stderr larshm $words
        [ "$output" = "" ]
        [[ "$stderr" == "larshm: route 1/2: all hosts are overloaded or drained: \`larshm get 1 2\` shows why" ]]
        # shellcheck disable=SC2086
        run -7 --separate-stderr larshm -j $words
        [ "$(json exit_code)" = 7 ]
    done
}

@test "a command that cannot be carried out names the remedy" {
    run -3 larshm host pin 1 2 10.0.0.1:80
    [[ "$output" == *"is larshm-fetcher running?"* ]]
    live
    route add 1 2 10.0.0.1:80 10.0.0.2:80
    run -2 larshm host pin 1 2 10.0.0.1:80
    [[ "$output" == *"route 1/2 is not cached: \`larshm wait 1 2\`"* ]]
    larshm wait 1 2
    run -2 --separate-stderr larshm -j host pin 1 2 10.0.0.3:80
    [[ "$stderr" == *"has no host 10.0.0.3:80; it has: 10.0.0.1:80 10.0.0.2:80" ]]
    [ "$(json exit_code)" = 2 ]
    if [ "$(id -u)" -eq 0 ] && as_other_user test -x "$BIN/larshm"; then
        run -6 as_other_user "$BIN/larshm" -n "$instance" host pin 1 2 10.0.0.1:80
        [[ "$output" == *"only root and the user of larshm-fetcher may"*"run this as one of them"* ]]
        run -6 as_other_user "$BIN/larshm" -n "$instance" reload
        [[ "$output" == *"only root and the user of larshm-fetcher may"*"run this as one of them"* ]]
        run -6 as_other_user "$BIN/larshm" -n "$instance" report 1 2 10.0.0.1:80 0
        [[ "$output" == *"no permission to report: join the group"*"$object.control" ]]
    fi
    run -0 --separate-stderr larshm -j host pin 1 2 10.0.0.1:80
    [ "$(json hold)" = pinned ]
    kill -STOP "$fetcher"
    run -124 larshm host pin 1 2 10.0.0.1:80
    [[ "$output" == *"has not answered within 5 s: is it stopped?"* ]]
    end_fetcher KILL
    for words in "host pin 1 2 10.0.0.1:80" "refresh 1 2" "forget 1 2" reload; do
        # shellcheck disable=SC2086
        run -3 --separate-stderr larshm -j $words
        [[ "$stderr" == *"no fetcher listens at $LARSHM_ADMIN_SOCKET: is larshm-fetcher running?"* ]]
        [ "$(json exit_code)" = 3 ]
    done
}

@test "refresh requests a route now, cached or not, and says what has come" {
    live
    route add 1 2 10.0.0.1:80 10.0.0.2:80
    run -0 --separate-stderr larshm refresh 1 2
    [ "$output" = "route 1/2: 2 hosts, cached now" ]
    [ "$stderr" = "" ]
    run -0 --separate-stderr larshm get 1 2
    run -0 --separate-stderr larshm refresh 1 2
    [ "$output" = "route 1/2: 2 hosts, unchanged" ]
    run -0 --separate-stderr larshm -j refresh 1 2
    [ "$(json result) $(json hosts) $(json added) $(json removed)" = "unchanged 2 0 0" ]
    run -2 --separate-stderr larshm -j refresh 1 3
    [[ "$stderr" == *"route 1/3: "* ]]
    [ "$(json exit_code)" = 2 ]
    run -1 larshm refresh 1
    run -1 larshm refresh 4294967295 4294967295
    [[ "$output" == *"4294967295/4294967295"* ]]
}

@test "refresh says when the directory does not answer, or the fetcher is not connected to it" {
    live
    route add 1 2 10.0.0.1:80
    larshm wait 1 2
    kill -STOP "${pids[0]}"
    run -124 --separate-stderr larshm -j refresh 1 2
    [[ "$stderr" == *"the directory has not answered for route 1/2 within 3 s"* ]]
    [ "$(json exit_code)" = 124 ]
    kill -CONT "${pids[0]}"
    kill "${pids[0]}"
    eventually prints "NOT CONNECTED" larshm show
    run -8 --separate-stderr larshm -j refresh 1 2
    [[ "$stderr" == *"not connected to the directory"* ]]
    [ "$(json exit_code)" = 8 ]
    run -0 larshm get 1 2
}

@test "forget has a route leave the cache, is named where there is none, and keeps pins and drains" {
    live
    route add 1 2 10.0.0.1:80 10.0.0.2:80
    run -2 --separate-stderr larshm -j forget 1 2
    [[ "$stderr" == *"route 1/2 is not cached"* ]]
    larshm wait 1 2
    larshm host drain 1 2 10.0.0.1:80
    run -0 --separate-stderr larshm forget 1 2
    [ "${lines[0]}" = "route 1/2: leaves the cache within 2 s" ]
    [ "${lines[1]}" = "1 host of it stays pinned or drained, also when the route is back" ]
    [ "$stderr" = "" ]
    is_gone() { ! larshm dump | grep -qP "^1\t2\t"; }
    eventually is_gone
    run -2 larshm get 1 2
    larshm wait 1 2
    eventually prints "10.0.0.1:80 .*drained" larshm get 1 2
    run -0 --separate-stderr larshm -j forget 1 2
    [ "$(json overrides)" = 1 ]
    (($(json within_ms) > 2000 && $(json within_ms) <= 12000))
}

@test "without LARSHM_ADMIN_SOCKET the places are named where a fetcher would be" {
    unset LARSHM_ADMIN_SOCKET
    XDG_RUNTIME_DIR="$BATS_TEST_TMPDIR" run -3 larshm reload
    places="/run/larshm/$instance/admin.sock or $BATS_TEST_TMPDIR/larshm/$instance/admin.sock"
    [[ "$output" == *"no fetcher listens at $places:"*"set LARSHM_ADMIN_SOCKET"* ]]
    LARSHM_ADMIN_SOCKET="/$(printf 'a%.0s' {1..200})" run -1 larshm reload
    [[ "$output" == *"File name too long"* ]]
    run -1 "$BIN/larshm" -n a/b reload
    [[ "$output" == *"instance"* ]]
}

@test "reload says whether the configuration is in use, and which keys need a restart" {
    live
    run -0 --separate-stderr larshm reload
    [ "$output" = "the configuration is in use" ]
    [ "$stderr" = "" ]
    printf '%s\n' "[shm]" "max_bytes = 64M" >>"$BATS_TEST_TMPDIR/conf"
    run -0 --separate-stderr larshm reload
    [[ "$output" == *"in use, except for keys that need a restart of larshm-fetcher: shm.max_bytes" ]]
    [ "$stderr" = "" ]
    run -0 --separate-stderr larshm -j reload
    [ "$(json needs_restart)" = shm.max_bytes ]
    echo "max_bites = 64M" >>"$BATS_TEST_TMPDIR/conf"
    run -1 --separate-stderr larshm -j reload
    [[ "$stderr" == *"is unchanged: $BATS_TEST_TMPDIR/conf:"*"unknown key"* ]]
    [ "$(json exit_code)" = 1 ]
    run -1 larshm reload now
}

@test "reload of a fetcher without a file is no failure, and says that there is none" {
    [ "$(id -u)" -eq 0 ] && [ -w /run ] || skip "without a file, the socket is in its default place"
    unset LARSHM_ADMIN_SOCKET
    "$BIN/larshm-fetcher" --dns 127.0.0.1:1 -n "$instance" 2>"$BATS_TEST_TMPDIR/log" 3>&- &
    pids+=("$!")
    eventually test -S "/run/larshm/$instance/admin.sock"
    run -0 larshm reload
    [[ "$output" == "no file to reload,"*"started without -c; names are looked up again" ]]
    run -0 larshm -j reload
    [ "$(json file)" = "" ]
}

@test "servers shows the servers of the directory and the one in use" {
    live
    larshm wait 9 9
    run -0 --separate-stderr larshm servers
    [[ "${lines[0]}" =~ ^"SERVER "+"IN USE "+"VERSION "+"CONNECTS "+"FAILURES "+"ANSWERS "+"LAST ERROR"$ ]]
    [[ "${lines[1]}" =~ ^127.0.0.1:[0-9]+" "+"yes "+[0-9]+" "+"1 "+"0 "+[0-9]+" "+-$ ]]
    [ "${#lines[@]}" -eq 2 ]
    run -0 larshm -j servers
    [ "$(json servers 0 in_use)" = true ]
    [ "$(json servers 0 last_error)" = "" ]
    run -1 larshm servers now
    kill -KILL "${pids[0]}"
    eventually prints '127.0.0.1:[0-9]+ +- ' larshm servers
    run -0 larshm -j servers
    [ "$(json servers 0 in_use)" = false ]
}

start_fetcher_without_directory() {
    rm -f "$object" "$object".*
    "$BIN/larshm-fetcher" -n "$instance" -c "$BATS_TEST_TMPDIR/conf" --dns 127.0.0.1:1 \
        2>>"$BATS_TEST_TMPDIR/log" 3>&- &
    pids+=("$!")
    eventually test -e "$object"
}

@test "get of a route from a snapshot says so in each form, with the update_timeout and the end of an ejection as configured" {
    live "snapshot = $BATS_TEST_TMPDIR/snapshot" "[loadbalance]" "update_timeout = 70" "overload_timeout = 300"
    route set 9 9 127.0.0.1:9 127.0.0.1:10
    larshm wait 9 9
    eventually prints '2 hosts' larshm get 9 9
    larshm report 9 9 127.0.0.1:9 1 --count 300
    eventually prints 'overloaded' larshm get 9 9
    end_fetcher TERM
    start_fetcher_without_directory
    run -4 --separate-stderr larshm get 9 9 --pick 3
    [[ "$stderr" == *"these hosts are from the snapshot of "*", not confirmed by the directory since the reboot"* ]]
    run -4 --separate-stderr larshm -j get 9 9 --pick 3
    snapshot=$(json snapshot_unix_ms)
    [ "$snapshot" -gt 0 ]
    run -4 --separate-stderr larshm -j get 9 9
    [ "$(json snapshot_unix_ms)" = "$snapshot" ]
    [ "$(json route update_timeout_s)" = 70 ]
    [ "$(json route hosts 0 state)" = overloaded ]
    [ $(($(json route hosts 0 until_unix_ms) - $(json route hosts 0 since_unix_ms))) -ge 200000 ]
}

@test "stats sum up what was reported, for hosts that the route does not have or that have left too" {
    live
    run -0 --separate-stderr larshm stats
    [ "$output" = "" ]
    [[ "$stderr" == *"no results yet"* ]]
    run -0 --separate-stderr larshm -j stats
    [ "$(json routes)" = 0 ]
    route add 1 2 10.0.0.1:80 200.0.0.2:65535
    route add 1 3 10.0.0.1:80
    larshm wait 1 2
    larshm wait 1 3
    larshm report 1 2 10.0.0.1:80 0 --count 1000
    larshm report 1 2 10.0.0.1:80 1 --count 4
    larshm report 1 2 200.0.0.2:65535 0
    larshm report 1 3 10.0.0.1:80 -- -2147483648
    run -0 --separate-stderr larshm report 1 2 10.9.9.9:80 0 --count 5
    [[ "$stderr" == *"has no host 10.9.9.9:80"*"it has: 10.0.0.1:80 200.0.0.2:65535" ]]
    run -0 --separate-stderr larshm report 7 7 10.9.9.9:80 0
    [[ "$stderr" == *"route 7/7 is not cached, so this will be ignored: \`larshm wait 7 7\` requests it" ]]
    eventually prints 'all +1,006 +4 ' larshm stats 1 2
    run -0 --separate-stderr larshm stats 1
    [ "$stderr" = "" ]
    [ "${#lines[@]}" -eq 7 ]
    [[ "${lines[0]}" =~ ^MODID\ CMDID\ HOST\ +SUCCESSES\ FAILURES\ +FAIL%$ ]]
    [[ "${lines[1]}" =~ ^\ +1\ +2\ 10.0.0.1:80\ +1,000\ +4\ +0.4\ %$ ]]
    [[ "${lines[2]}" =~ ^\ +1\ +2\ 200.0.0.2:65535\ +1\ +0\ +0.0\ %$ ]]
    [[ "${lines[3]}" =~ ^\ +1\ +2\ other\ hosts\ +5\ +0\ +0.0\ %$ ]]
    [[ "${lines[4]}" =~ ^\ +1\ +2\ all\ +1,006\ +4\ +0.4\ %$ ]]
    [[ "${lines[6]}" =~ ^\ +1\ +3\ all\ +0\ +1\ +100.0\ %$ ]]
    route del 1 2 10.0.0.1:80
    eventually prints 'other hosts +1,005 +4 ' larshm stats 1 2
    route add 1 2 10.0.0.1:80
    eventually prints '2 hosts' larshm get 1 2
    run -0 larshm stats 1 2
    [[ "$output" =~ other\ hosts\ +1,005\ +4\  ]]
    [[ ! "$output" =~ 10.0.0.1:80\ +1 ]]
    route del 1 2 10.0.0.1:80
    eventually prints '1 host,' larshm get 1 2
    run -0 larshm -j stats 1 2
    [ "$(json version)" = 1 ]
    [ "$(json routes)" = 1 ]
    [ "$(json routes 0 total_succ)" = 1006 ]
    [ "$(json routes 0 total_err)" = 4 ]
    [ "$(json routes 0 hosts)" = 1 ]
    [ "$(json routes 0 hosts 0 ip)" = 200.0.0.2 ]
    [ "$(json routes 0 hosts 0 fail_share)" = 0.0 ]
    [ "$(json routes 0 other_hosts total_succ)" = 1005 ]
    run -2 --separate-stderr larshm stats 1 4
    [[ "$stderr" == *"no results of this route"* ]]
    run -2 --separate-stderr larshm -j stats 4
    [ "$(json routes)" = 0 ]
    run -0 larshm -j show
    [ "$(json counters reports)" = 1012 ]
    [ "$(json counters reports_unknown)" = 6 ]
}

@test "show prints results, health, the settings that decide, and what is known of hosts" {
    live '[loadbalance]' 'probe_num = 7' 'slow_call_ms = 250' 'overload_timeout = 20' 'rules = lars'
    route add 1 2 10.0.0.1:80
    larshm wait 1 2
    larshm report 1 2 10.0.0.1:80 1 --count 1500
    larshm report 1 2 10.0.0.9:80 1 --count 2
    eventually prints '^results +1,502 collected' larshm show
    run -0 --separate-stderr larshm show
    [ "$stderr" = "" ]
    [[ "$output" =~ results\ +1,502\ collected,\ of\ these\ 2\ for\ unknown\ hosts\ and\ 0\ refused\;\ 0\ messages ]]
    [[ "$output" =~ health\ +1\ host\ overloaded\;\ 1\ ejection\ so\ far ]]
    [[ "$output" =~ \ hosts\ +[0-9.]+\ KiB ]]
    [[ "$output" =~ settings\ .*,\ probe_num\ 7,\ slow_call\ 250\ ms,\ max_overload_timeout\ 20\ s,.*,\ lars_rules\ 1 ]]
    [ "${#lines[@]}" -le 24 ]
    run -0 larshm -j show
    [ "$(json counters ejections)" = 1 ]
    [ "$(json settings probe_num)" = 7 ]
    [ "$(json settings slow_call_ms)" = 250 ]
    [ "$(json hosts_object_bytes)" -eq "$(stat -c %s "$object.hosts")" ]
}

@test "a route whose empty answer is held back is shown as held, with its hosts, why, and for how long" {
    live '[fetcher]' 'empty_hold = 600'
    route add 1 2 10.0.0.1:80 10.0.0.2:80
    larshm wait 1 2
    run -0 larshm -j list 1
    [ "$(json routes 0 held)" = null ]
    route del 1 2
    eventually prints '^ +1 +2 +2 held .* 10.0.0.1:80 10.0.0.2:80$' larshm list
    printed | grep -qE "^      held for another (9|10) min( [0-9]+ s)?: the directory's last answer has no hosts$"
    run -0 --separate-stderr larshm get 1 2
    [[ "${lines[0]}" == "route 1/2: 2 hosts, held, "* ]]
    [[ "$stderr" == *"the directory's last answer has no hosts"*"held back for another "*"larshm route accept 1 2"* ]]
    run -0 larshm -j list 1
    [ "$(json routes 0 held reason)" = empty ]
    [ "$(json routes 0 held ends_in_ms)" -gt 0 ]
    [ "$(json routes 0 held ends_in_ms)" -le 601000 ]
    run -0 larshm show
    [[ "$output" =~ routes\ +1\ with\ hosts:.*1\ HELD ]]
    run -0 larshm -j show
    [ "$(json routes held)" = 1 ]
    run -0 larshm dump
    [ "$(cut -f 4 <<<"$output")" = held ]
    route add 1 2 10.0.0.3:80
    eventually prints '^ +1 +2 +1 (new|pulling) .* 10.0.0.3:80$' larshm list
    [[ "$(printed)" != *"held for"* ]]
}

@test "a route of which too many hosts were taken away is shown as held for max_drop" {
    live '[fetcher]' 'empty_hold = 600' 'max_drop = 50'
    route add 1 2 10.0.0.{1..8}:80
    larshm wait 1 2
    route set 1 2 10.0.0.{1..3}:80
    eventually prints '^      held for another .*: .* takes away more hosts than max_drop allows$' larshm list
    run -0 larshm -j list 1
    [ "$(json routes 0 held reason)" = dropped ]
}

@test "route accept publishes what is held back, once, and says what else keeps it from that" {
    live '[fetcher]' 'empty_hold = 600' 'max_drop = 50'
    route add 1 2 10.0.0.{1..8}:80
    larshm wait 1 2
    run -2 larshm route accept 1 2
    [[ "$output" == *"no answer is held back"* ]]
    run -2 larshm route accept 7 7
    [[ "$output" == *"route 7/7 is not cached"* ]]
    route set 1 2 10.0.0.2:80
    eventually prints '^ +1 +2 +8 held ' larshm list
    run -0 larshm route accept 1 2
    [ "$output" = "route 1/2: the answer that was held back is published, with 1 host" ]
    run -0 larshm list
    [[ "$output" =~ \ 1\ +2\ +1\ +(new|pulling) ]]
    grep -q "route 1/2: the answer that was held back, of 1 host, is accepted, by an operator" "$BATS_TEST_TMPDIR/log"
    route del 1 2
    eventually prints '^ +1 +2 +1 held ' larshm list
    run -0 larshm -j route accept 1 2
    [ "$(json hosts)" = 0 ]
    run -2 larshm get 1 2
    run -1 larshm route accept 1
    run -1 larshm route believe 1 2
    [[ "$output" == *"unknown action 'believe': accept"* ]]
    end_fetcher TERM
    run -3 larshm route accept 1 2
    [[ "$output" == *"no fetcher listens at"* ]]
}

# The state of the hosts object is reported, with exit code $2 where there is nothing to show without it; $1 is why
# hosts are shown without their history.
without_history() {
    for command in "get 1 2" "list 1"; do
        # shellcheck disable=SC2086
        run -0 --separate-stderr larshm $command
        [[ "$output" =~ 10.0.0.1:80\ +-\ +-\ out\ of\ rotation ]]
        [[ "$output" =~ 10.0.0.2:80\ +-\ +-\ - ]]
        if [ "$1" ]; then
            [[ "$stderr" == "larshm: /larshm.$instance.hosts cannot be used, $1: "*"restart larshm-fetcher"* ]]
        else
            [ "$stderr" = "" ]
        fi
    done
    run -0 --separate-stderr larshm -j get 1 2
    [ "$(json route hosts 0 in_turn)" = false ]
    run -2 json route hosts 0 state
    run -0 --separate-stderr larshm show
    [[ "$output" == *"nothing is known of them"* ]]
    run "-$2" --separate-stderr larshm stats
    [ "$output" = "" ]
    [[ "$stderr" == *"/larshm.$instance.hosts"*"$1"*"larshm-fetcher"* ]]
}

@test "a hosts object that is missing, short, strange, damaged or another user's harms nothing and is named" {
    live "[loadbalance]" "update_timeout = 3600"
    route add 1 2 10.0.0.1:80 10.0.0.2:80
    larshm wait 1 2
    larshm host drain 1 2 10.0.0.1:80
    end_fetcher TERM
    sound=$BATS_TEST_TMPDIR/sound
    cp "$object.hosts" "$sound"
    rm "$object.hosts"
    without_history "" 3
    cp "$sound" "$object.hosts"
    truncate -s 100 "$object.hosts"
    without_history "it is truncated" 5
    cp "$sound" "$object.hosts"
    truncate -s 8192 "$object.hosts"
    without_history "it is truncated" 5
    head -c 8192 /dev/zero >"$object.hosts"
    without_history "it is not a hosts object" 5
    cp "$sound" "$object.hosts"
    printf '\x63' | dd of="$object.hosts" bs=1 seek=8 conv=notrunc status=none
    without_history "it has another layout" 5
    cp "$sound" "$object.hosts"
    printf '\xff\xff' | dd of="$object.hosts" bs=1 seek=32 conv=notrunc status=none
    without_history "it is damaged" 5
    cp "$sound" "$object.hosts"
    chmod 0666 "$object.hosts"
    without_history "it can be written by others" 6
    chmod 0644 "$object.hosts"
    if [ "$(id -u)" -eq 0 ]; then
        chown 65534 "$object.hosts"
        without_history "it belongs to a user who is not trusted" 6
        chown 0 "$object.hosts"
    fi
    run -0 --separate-stderr larshm get 1 2
    [ "$stderr" = "" ]
    [[ "$output" == *"drained by an operator"* ]]
}

@test "records full of noise are shown without harm" {
    live
    route add 1 2 10.0.0.1:80 10.0.0.2:80
    larshm wait 1 2
    larshm report 1 2 10.0.0.1:80 0 --count 3
    larshm report 1 2 10.0.0.2:80 1 --count 3
    eventually prints 'all +3 +3 ' larshm stats 1 2
    end_fetcher TERM
    cp "$object.hosts" "$BATS_TEST_TMPDIR/sound"
    # All behind the header; then all of the first two hosts but their names.
    records=$(($(stat -c %s "$object.hosts") - 4096))
    head -c "$records" /dev/urandom | dd of="$object.hosts" bs=1 seek=4096 conv=notrunc status=none
    printf '\xff\xff\xff\xff' | dd of="$object.hosts" bs=1 seek=36 conv=notrunc status=none
    run -0 larshm get 1 2
    run -0 larshm -j list
    [ "$(json version)" = 1 ]
    run -0 larshm -j stats
    [ "$(json version)" = 1 ]
    run -0 larshm stats
    [[ ! "${output//$'\n'/}" =~ [[:cntrl:]] ]]
    cp "$BATS_TEST_TMPDIR/sound" "$object.hosts"
    for record in 1 2; do
        head -c 216 /dev/urandom |
            dd of="$object.hosts" bs=1 seek=$((4096 + 232 * record + 16)) conv=notrunc status=none
    done
    run -0 larshm get 1 2
    [[ ! "${output//$'\n'/}" =~ [[:cntrl:]] ]]
    [[ "$output" =~ 10.0.0.1:80\ +[0-9,]+\ +[0-9,]+\ [a-z] ]]
    run -0 larshm -j get 1 2
    [[ "$(json route hosts 1 state)" =~ ^(idle|overloaded)$ ]]
    [[ "$(json route hosts 1 hold)" =~ ^(none|pinned|drained)$ ]]
}

@test "wrong usage of report, host and stats exits with 1 and says what is allowed" {
    for words in "report" "report 1 2" "report 1 2 10.0.0.1:80" "report 1 2 10.0.0.1 0" "report 1 2 :80 0" \
        "report 1 2 10.0.0.1:0 0" "report 1 2 10.0.0.1:65536 0" "report 1 2 0.0.0.0:80 0" "report 1 2 host:80 0" \
        "report 1 2 10.0.0.1:80 x" "report 1 2 10.0.0.1:80 2147483648" "report 1 2 10.0.0.1:80 0 0" \
        "report 1 2 10.0.0.1:80 0 --count 0" "report 1 2 10.0.0.1111111111111111:80 0" "host" "host pin" \
        "host pin 1 2" "host hold 1 2 10.0.0.1:80" "host pin 1 2 10.0.0.1" "host pin 1 2 10.0.0.1:80 9" \
        "stats x" "stats 1 x" "stats 1 2 3"; do
        # shellcheck disable=SC2086
        run -1 --separate-stderr larshm $words
        [ "$output" = "" ]
        [ "$stderr" != "" ]
    done
    run -1 larshm host hold 1 2 10.0.0.1:80
    [[ "$output" == *"pin, drain or clear"* ]]
    run -1 larshm report 1 2 10.0.0.1 0
    [[ "$output" == *"IP:PORT, as in 10.0.0.1:8080"* || "$output" == *"PORT"* ]]
}
