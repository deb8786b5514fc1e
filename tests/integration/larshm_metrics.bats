#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# larshm metrics: figures of what was done, in a format that Prometheus takes; its server, and its file.
# shellcheck disable=SC2030,SC2031,SC2154 # each test is a subshell of its own; bats sets stderr

bats_require_minimum_version 1.5.0
load live

metrics() {
    larshm metrics "$@"
}

# value NAME [LABELS]: of that sample, which stands there once.
value() {
    local series="$1{larshm_instance=\"$instance\"${2:+,$2}} " lines
    lines=$(grep -F "$series" <<<"$output")
    [ "$(grep -c . <<<"$lines")" -eq 1 ] || lines="none, or several: $1"
    echo "${lines#"$series"}"
}

# Nothing in the page is like that.
has_no() {
    if grep -E -- "$1" <<<"$output"; then
        return 1
    fi
}

# The page is one that Prometheus has nothing to say about.
is_clean() {
    ! command -v promtool >/dev/null || [ -z "$(promtool check metrics <<<"$output" 2>&1)" ]
}

# metric VALUE NAME [LABELS]: it has that value by now.
metric() {
    output=$(metrics)
    [ "$(value "${@:2}")" = "$1" ]
}

# A server at $address; its port is $port.
serve() {
    "$BIN/larshm" -n "$instance" metrics --listen "${address:-127.0.0.1}:0" >"$BATS_TEST_TMPDIR/served" \
        2>"$BATS_TEST_TMPDIR/server_log" 3>&- &
    server=$!
    pids+=("$server")
    eventually test -s "$BATS_TEST_TMPDIR/served"
    port=$(sed 's/.*://' "$BATS_TEST_TMPDIR/served")
}

# http REQUEST: what comes back until the server closes; as printf's %b.
http() {
    local socket
    exec {socket}<>"/dev/tcp/127.0.0.1/$port"
    printf '%b' "$1" >&"$socket"
    timeout 20 cat <&"$socket"
    exec {socket}>&-
}

# lookups BEFORE MISSED: there are a thousand more, and three that missed.
lookups() {
    output=$(metrics)
    [ "$(value larshm_lookups_total)" -ge $(($1 + 1003)) ]
    [ "$(value larshm_lookups_missed_total)" -eq $(($2 + 3)) ]
}

@test "what was done is what the figures say" {
    live
    larshm wait 9 9
    eventually metric 0 larshm_uncollected_lookups
    output=$(metrics)
    before=$(value larshm_lookups_total) missed=$(value larshm_lookups_missed_total)
    larshm get 5 5 || true
    larshm get 5 6 || true
    larshm get 5 7 || true
    larshm get 9 9 --pick 1000
    larshm report 9 9 127.0.0.1:9 0 --count 3
    larshm report 9 9 127.0.0.1:9 1 --count 2
    eventually metric 3 larshm_host_results 'state="in_rotation",result="success"'
    eventually metric 2 larshm_host_results 'state="in_rotation",result="failure"'
    eventually metric 3 larshm_absent_routes
    eventually lookups "$before" "$missed"
    run metrics
    [ "$status" -eq 0 ]
    is_clean
    [ "$(value larshm_up)" = 1 ]
    [ "$(value larshm_fetcher_alive)" = 1 ]
    [ "$(value larshm_info "version=\"$("$BIN/larshm" --version | cut -d' ' -f2)\",layout=\"4\"")" = 1 ]
    [ "$(value larshm_reports_total)" = 5 ]
    [ "$(value larshm_cached_routes)" = 1 ]
    [ "$(value larshm_routes 'state="none"')" = 3 ]
    [ "$(value larshm_route_age_seconds_count)" = 4 ]
    [ "$(value larshm_request_duration_seconds_count)" = "$(value larshm_request_duration_seconds_bucket 'le="+Inf"')" ]
    [ "$(value larshm_object_bytes 'object="routes"')" = "$(stat -c %s "$object")" ]
    [ "$(value larshm_object_bytes 'object="control"')" = "$(stat -c %s "$object.control")" ]
    [ "$(value larshm_object_bytes 'object="hosts"')" = "$(stat -c %s "$object.hosts")" ]
    [ "$(value larshm_object_limit_bytes 'object="routes"')" = $((256 << 20)) ]
    directory=$(sed 's/listening on //' "$BATS_TEST_TMPDIR/directory")
    [ "$(value larshm_directory_connected "server=\"$directory\"")" = 1 ]
    [ "$(value larshm_server_connects_total "server=\"$directory\"")" = 1 ]
    larshm host drain 9 9 127.0.0.1:9
    eventually metric 1 larshm_hosts 'state="drained"'
    eventually metric 1 larshm_routes_without_host
    output=$(metrics --no-routes)
    is_clean
    has_no '^larshm_routes[{]'
    [ "$(value larshm_cached_routes)" = 1 ]
}

# at_least LEAST NAME [LABELS]: it has come to that by now.
at_least() {
    output=$(metrics)
    [ "$(value "${@:2}")" -ge "$1" ]
}

@test "routes that are looked up most come first, and how long the directory takes is counted" {
    live
    larshm wait 9 9
    larshm wait 8 8 || true
    larshm get 9 9 --pick 100000 >/dev/null
    eventually at_least 50000 larshm_route_lookups_total 'modid="9",cmdid="9"'
    eventually at_least 2 larshm_request_duration_seconds_count
    output=$(metrics)
    [ "$(value larshm_request_duration_seconds_bucket 'le="+Inf"')" = "$(value larshm_request_duration_seconds_count)" ]
    first=$(grep -m1 '^larshm_route_lookups_total' <<<"$output")
    [[ "$first" == *'modid="9",cmdid="9"'* ]]
    output=$(metrics --top 0)
    has_no '^larshm_route_lookups_total'
    is_clean
}

@test "a counter never goes back while lookups are collected" {
    live
    for _ in {1..20}; do
        larshm get 9 9 >/dev/null || true
        output=$(metrics)
        now=$(value larshm_lookups_total)
        [ "$now" -ge "${before:-0}" ]
        before=$now
    done
}

@test "who may not command the fetcher sees the server that it uses" {
    live
    directory=$(sed 's/listening on //' "$BATS_TEST_TMPDIR/directory")
    chmod 755 "$BATS_TEST_TMPDIR"
    output=$(LARSHM_TRUST_UID=$(id -u) as_other_user "$BIN/larshm" -n "$instance" metrics)
    is_clean
    [ "$(value larshm_directory_connected "server=\"$directory\"")" = 1 ]
    has_no '^larshm_server_'
}

@test "a fetcher that is stopped does not keep a scrape, and is not alive after a moment" {
    live
    kill -STOP "$fetcher"
    timeout 10 "$BIN/larshm" -n "$instance" metrics >/dev/null
    eventually metric 0 larshm_fetcher_alive
    kill -CONT "$fetcher"
    eventually metric 1 larshm_fetcher_alive
    end_fetcher TERM
    metric 0 larshm_fetcher_alive
    [ "$(value larshm_up)" = 1 ]
    is_clean
}

@test "without an instance one page fails, and a server and a file say that it is down" {
    run --separate-stderr metrics
    [ "$status" -eq 3 ]
    [ -z "$output" ]
    [[ "$stderr" == *"no routes object /larshm.$instance"* ]]
    metrics --textfile "$BATS_TEST_TMPDIR/larshm.prom"
    output=$(cat "$BATS_TEST_TMPDIR/larshm.prom")
    [ "$(value larshm_up)" = 0 ]
    [ "$(value larshm_fetcher_alive)" = 0 ]
    is_clean
    serve
    output=$(http 'GET /metrics HTTP/1.1\r\n\r\n')
    [ "$(value larshm_up)" = 0 ]
    [ "$(value larshm_fetcher_alive)" = 0 ]
}

@test "--all has each instance once, and none of a user who is not trusted" {
    live
    "$BIN/larshm-fetcher" -n "$instance-2" -c "$BATS_TEST_TMPDIR/conf" --dns 127.0.0.1:9 2>/dev/null 3>&- &
    pids+=("$!")
    eventually larshm -n "$instance-2" show
    : >"$object-3"
    chown 65534 "$object-3" 2>/dev/null || true
    output=$(metrics --all)
    is_clean
    [ "$(value larshm_up)" = 1 ]
    [ "$(instance=$instance-2 value larshm_up)" = 1 ]
    [ "$(id -u)" -ne 0 ] || has_no "$instance-3"
    rm -f "$object-2" "$object-2".* "$object-3"
}

@test "a file is replaced, or stays as it was, and a directory that does not exist is named" {
    live
    file="$BATS_TEST_TMPDIR/larshm.prom"
    metrics --textfile "$file"
    [ "$(stat -c %a "$file")" = 644 ]
    output=$(cat "$file")
    [ "$(value larshm_up)" = 1 ]
    is_clean
    run metrics --textfile "$BATS_TEST_TMPDIR/none/larshm.prom"
    [ "$status" -eq 1 ]
    [[ "$output" == *"directory $BATS_TEST_TMPDIR/none does not exist"* ]]
    [ "$(find "$BATS_TEST_TMPDIR" -name 'larshm.prom*')" = "$file" ]
    run metrics --textfile "$file" --listen 127.0.0.1:0
    [ "$status" -eq 78 ]
    run metrics --textfile "$BATS_TEST_TMPDIR"
    [ "$status" -eq 1 ]
    [[ "$output" == *"cannot write $BATS_TEST_TMPDIR"* ]]
}

@test "what is no file is not replaced by one" {
    cd "$BATS_TEST_TMPDIR"
    echo old >target
    ln -s target link
    ln -s nowhere dangling
    mkfifo pipe
    for path in link dangling pipe /dev/stdout; do
        before=$(stat -c '%F %i' "$path")
        run metrics --textfile "$path"
        [ "$status" -eq 1 ]
        [[ "$output" == *"cannot replace $path: it is there, and no file"* ]]
        [ "$(stat -c '%F %i' "$path")" = "$before" ]
    done
    [ "$(cat target)" = old ]
    [ "$(find . -name '*.??????' | wc -l)" -eq 0 ]
}

@test "a server has the metrics and a page that leads to them, and nothing else" {
    live
    serve
    run http 'GET /metrics?a=b HTTP/1.1\r\nHost: x\r\n\r\n'
    [[ "$output" == "HTTP/1.1 200 OK"* ]]
    [[ "$output" == *"Content-Type: text/plain; version=0.0.4; charset=utf-8"* ]]
    length=$(sed -n 's/^Content-Length: \([0-9]*\).*/\1/p' <<<"$output")
    output=$(sed '1,/^\r$/d' <<<"$output")
    [ "$(wc -c <<<"$output")" -eq "$length" ]
    is_clean
    [ "$(value larshm_up)" = 1 ]
    run http 'HEAD /metrics HTTP/1.1\r\n\r\n'
    [[ "$output" == "HTTP/1.1 200 OK"* ]]
    has_no larshm_up
    run http 'GET / HTTP/1.0\r\n\r\n'
    [[ "$output" == *'<a href="/metrics">'*'<a href="/health">'* ]]
    run http 'GET /x HTTP/1.1\r\n\r\n'
    [[ "$output" == "HTTP/1.1 404 Not Found"* ]]
    run http 'POST /metrics HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello'
    [[ "$output" == "HTTP/1.1 405 Method Not Allowed"*"Allow: GET, HEAD"* ]]
    run http 'nonsense\r\n\r\n'
    [[ "$output" == "HTTP/1.1 400 Bad Request"* ]]
    run http "GET / HTTP/1.1\r\nA: $(printf 'x%.0s' {1..9000})"
    [[ "$output" == "HTTP/1.1 431 "* ]]
    kill "$server"
    wait "$server"
}

healthy() {
    [[ "$(http 'GET /health HTTP/1.1\r\n\r\n')" == "HTTP/1.1 200 OK"*"$instance: ok: fetcher alive, "* ]]
}

unhealthy() {
    [[ "$(http 'GET /health HTTP/1.1\r\n\r\n')" == "HTTP/1.1 503 Service Unavailable"*"$instance: $1"* ]]
}

@test "a server says whether all is well, as health does" {
    serve
    unhealthy "instance: it cannot be read"
    live
    eventually healthy
    larshm wait 9 9
    larshm host drain 9 9 127.0.0.1:9
    eventually unhealthy "rotation: 1 route without a host in rotation, the first is 9/9"
    larshm host clear 9 9 127.0.0.1:9
    eventually healthy
    end_fetcher KILL
    eventually unhealthy "fetcher: not alive"
}

fed() {
    [ "$(grep -cx WATCHDOG=1 "$BATS_TEST_TMPDIR/heard")" -ge 3 ]
}

@test "a service manager hears that a server is ready, that its loop turns, and that it stops" {
    export NOTIFY_SOCKET="$BATS_TEST_TMPDIR/notify" WATCHDOG_USEC=300000
    python3 -c 'import socket, sys
manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
manager.bind(sys.argv[1])
while True:
    print(manager.recv(4096).decode(), flush=True)' "$NOTIFY_SOCKET" >"$BATS_TEST_TMPDIR/heard" 3>&- &
    pids+=("$!")
    eventually test -S "$NOTIFY_SOCKET"
    serve
    eventually grep -x READY=1 "$BATS_TEST_TMPDIR/heard"
    eventually fed
    kill "$server"
    wait "$server"
    eventually grep -x STOPPING=1 "$BATS_TEST_TMPDIR/heard"
}

@test "connections that send nothing, or end, keep no one else out" {
    live
    serve
    for _ in {1..100}; do
        exec {idle}<>"/dev/tcp/127.0.0.1/$port"
        printf 'GET /metrics HT' >&"$idle"
        sockets+=("$idle")
    done
    for _ in {1..50}; do
        exec {brief}<>"/dev/tcp/127.0.0.1/$port"
        printf 'GET /metrics HTTP/1.1\r\n\r\n' >&"$brief"
        exec {brief}>&-
    done
    run http 'GET /metrics HTTP/1.1\r\n\r\n'
    [[ "$output" == "HTTP/1.1 200 OK"*larshm_up* ]]
    [ "$(find "/proc/$server/fd" -lname 'socket:*' | wc -l)" -le 70 ]
    for idle in "${sockets[@]}"; do
        exec {idle}>&-
    done
}

@test "an address that is none ends with 78, as whatever a server cannot start with, and one in use with 1" {
    for wrong in localhost:1 :9778 127.0.0.1:99999 "[::1"; do
        run metrics --listen "$wrong"
        [ "$status" -eq 78 ]
        [[ "$output" == *"--listen '$wrong' is no address"* ]]
    done
    for wrong in "--listen 127.0.0.1:0 --top 65" "--top 65 -l 127.0.0.1:0" "--none --listen=127.0.0.1:0"; do
        # shellcheck disable=SC2086 # words
        run metrics $wrong
        [ "$status" -eq 78 ]
    done
    instance="no/instance" run metrics --listen 127.0.0.1:0
    [ "$status" -eq 78 ]
    run metrics -j
    [ "$status" -eq 1 ]
    serve
    run metrics --listen "127.0.0.1:$port"
    [ "$status" -eq 1 ]
    [[ "$output" == *"cannot listen on 127.0.0.1:$port: address already in use"* ]]
    run metrics --top 65
    [ "$status" -eq 1 ]
}

@test "a server on IPv6 says where, and serves" {
    grep -q ' lo$' /proc/net/if_inet6 2>/dev/null || skip "no IPv6 here"
    address="[::1]" serve
    [ "$(cat "$BATS_TEST_TMPDIR/served")" = "listening on http://[::1]:$port" ]
    exec {socket}<>"/dev/tcp/::1/$port"
    printf 'GET / HTTP/1.1\r\n\r\n' >&"$socket"
    [[ "$(timeout 20 cat <&"$socket")" == "HTTP/1.1 200 OK"* ]]
}

# The metrics that a file names, and those that are printed.
named_in() {
    grep -oE '\blarshm_[a-z_]+' "$1" | grep -vx larshm_instance | sed -E 's/_(bucket|sum|count)$//' | sort -u
}

printed_metrics() {
    metrics | sed -n 's/^# TYPE \([a-z_]*\) .*/\1/p' | sort
}

@test "the dashboard and the alerts name metrics that are printed" {
    live
    printed_metrics >"$BATS_TEST_TMPDIR/printed_metrics"
    jq -r '.. | .expr?, .query?.query? | strings' "$SOURCE/conf/grafana.json" >"$BATS_TEST_TMPDIR/expressions"
    [ "$(wc -l <"$BATS_TEST_TMPDIR/expressions")" -gt 40 ]
    for file in "$BATS_TEST_TMPDIR/expressions" "$SOURCE/conf/prometheus.rules.yaml"; do
        named_in "$file" >"$BATS_TEST_TMPDIR/named"
        [ -s "$BATS_TEST_TMPDIR/named" ]
        output=$(comm -13 "$BATS_TEST_TMPDIR/printed_metrics" "$BATS_TEST_TMPDIR/named")
        [ -z "$output" ]
    done
}

@test "a dashboard is one that Grafana imports" {
    jq -e '.schemaVersion >= 36 and .title == "larshm" and .id == null
        and ([.templating.list[].name] == ["datasource", "instance", "larshm_instance"])
        and ([.panels[].id] | length == (unique | length))
        and all(.panels[] | select(.type != "row"); .title != "" and .fieldConfig.defaults.unit != null
            and .gridPos.x + .gridPos.w <= 24 and all(.targets[]; .datasource.uid == "${datasource}"))
        and all(.. | .expr? | strings; contains("larshm_instance=~\"$larshm_instance\""))' "$SOURCE/conf/grafana.json"
}

@test "Prometheus takes the expressions of the dashboard, and alerts come when they are due" {
    command -v promtool >/dev/null || skip "needs promtool, of Debian's package prometheus"
    cd "$BATS_TEST_TMPDIR"
    jq '{groups: [{name: "dashboard", rules: [[.. | .expr? | strings | gsub("\\$__rate_interval"; "5m")]
        | to_entries[] | {record: "x\(.key)", expr: .value}]}]}' "$SOURCE/conf/grafana.json" >dashboard.json
    promtool check rules dashboard.json
    cp "$SOURCE/conf/prometheus.rules.yaml" "$SOURCE/tests/integration/alerts.yaml" .
    promtool check rules prometheus.rules.yaml
    promtool test rules alerts.yaml
}
