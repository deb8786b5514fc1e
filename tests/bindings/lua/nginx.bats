#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# nginx.conf.example, beside a real directory, fetcher and hosts: no request fails because a host does. Each test has
# addresses of its own in 127.0.0.0/8.
# shellcheck disable=SC2154 # variables of live

load ../../integration/live

# What an unprivileged nginx needs to have elsewhere.
paths() {
    printf '%s_temp_path %s;' client_body "$1/client" proxy "$1/proxy" fastcgi "$1/fastcgi" uwsgi "$1/uwsgi" scgi "$1/scgi"
}

# backend NUMBER: a host of the route: one process that answers with its address, or 503 while file fail-NUMBER exists.
backend() {
    local directory=$BATS_TEST_TMPDIR/backend-$1
    mkdir -p "$directory"
    cat >"$directory/conf" <<TEXT
daemon off;
master_process off;
pid $directory/pid;
error_log $directory/log;
events {
}
http {
    access_log off;
    $(paths "$directory")
    server {
        listen $network.$1:8080;
        if (-f $BATS_TEST_TMPDIR/fail-$1) {
            return 503;
        }
        return 200 "$network.$1\\n";
    }
}
TEXT
    "$NGINX_PROGRAM" -p "$directory" -e "$directory/log" -c "$directory/conf" 3>&- &
    backends[$1]=$!
    pids+=("$!")
}

# start_nginx [DIRECTIVE]: the example with an address of its own, with paths of its own, and with this directive.
start_nginx() {
    local directory=$BATS_TEST_TMPDIR/nginx
    mkdir -p "$directory"
    chmod 755 "$BATS_TEST_TMPDIR" "$directory"
    sed -e "s|listen 8080|listen $network.100:8080|" -e 's|^worker_processes auto;|worker_processes 2;|' \
        -e "s|^http {|&\n    ${1:-} access_log off; $(paths "$directory")|" \
        -e "s|#lua_package_path .*|lua_package_path '$SOURCE/reader/bindings/lua/?.lua;;';|" \
        "$SOURCE/reader/bindings/lua/nginx.conf.example" >"$directory/conf"
    LARSHM_INSTANCE=$instance LD_LIBRARY_PATH=$BUILD/lib "$NGINX_PROGRAM" -e "$directory/log" -c "$directory/conf" \
        -g "daemon off; pid $directory/pid; error_log $directory/log;" 3>&- &
    nginx=$!
    pids=("$nginx" "${pids[@]}")
    eventually test -s "$directory/pid"
}

# requests COUNT: all must succeed. $BATS_TEST_TMPDIR/answers is who answered.
requests() {
    curl --silent --show-error --fail-early --fail --parallel --parallel-max 8 "http://$network.100:8080/[1-$1]" \
        >"$BATS_TEST_TMPDIR/answers" 2>"$BATS_TEST_TMPDIR/errors" || {
        cat "$BATS_TEST_TMPDIR/errors" "$BATS_TEST_TMPDIR/nginx/log"
        return 1
    }
    [ "$(wc -l <"$BATS_TEST_TMPDIR/answers")" -eq "$1" ]
}

answered() {
    grep -qxF "$network.$1" "$BATS_TEST_TMPDIR/answers"
}

# requests_until COMMAND...: sends requests, of which none may fail, until the command succeeds.
requests_until() {
    for _ in {1..300}; do
        requests 20 || return
        if "$@"; then
            return 0
        fi
        sleep 0.02
    done
    echo "never came true: $*"
    larshm list 1
    return 1
}

has_state() {
    larshm list 1 | grep -F "$network.$1:8080" | grep -q "$2"
}

# No worker was killed, nothing was left behind.
expect_clean_log() {
    run grep -E 'exited on signal|\[(alert|emerg|crit)\]|stack traceback' "$BATS_TEST_TMPDIR/nginx/log"
    echo "$output"
    [ "$status" -eq 1 ]
}

setup_network() {
    network=127.$((RANDOM % 200 + 20)).$((RANDOM % 250 + 1))
    backends=()
}

# setup_hosts [LINE...]: four hosts, a directory that knows them as route 1/1, and a fetcher whose configuration has these
# lines.
setup_hosts() {
    local group=()
    [ "$(id -u)" -ne 0 ] || group=("[shm]" "group = www-data")
    [ -n "${network:-}" ] || setup_network
    for number in 1 2 3 4; do
        route add 1 1 "$network.$number:8080"
        backend "$number"
    done
    live "${group[@]}" "$@"
}

@test "no request fails while hosts fail, and the fetcher ejects them" {
    setup_hosts
    start_nginx

    requests 40
    for number in 1 2 3 4; do
        answered "$number"
        eventually has_state "$number" idle
    done

    touch "$BATS_TEST_TMPDIR/fail-2"
    requests_until has_state 2 overloaded

    kill -9 "${backends[3]}"
    requests_until has_state 3 overloaded

    end_fetcher KILL
    requests 100
    for number in 1 4; do answered "$number"; done
    expect_clean_log
}

@test "the workers of the example belong to the user that README.md puts into the fetcher's group" {
    local user
    user=$(sed -n 's/.*usermod -a -G larshm \([a-z-]*\).*/\1/p' "$SOURCE/reader/bindings/lua/README.md")
    grep -q "^user $user;" "$SOURCE/reader/bindings/lua/nginx.conf.example"
}

workers() {
    pgrep -P "$nginx"
}

two_workers_other_than() {
    local now
    now=$(workers)
    [ "$(wc -l <<<"$now")" -eq 2 ] && ! grep -qxF "$1" <<<"$now"
}

# How many mappings of the instance each worker has.
mappings() {
    for worker in $(workers); do grep -cF "larshm.$instance" "/proc/$worker/maps"; done
}

@test "reloads, killed workers and the end leave nothing behind, and no request fails in a reload" {
    setup_hosts
    start_nginx
    requests 200
    before=$(mappings)

    for _ in 1 2 3 4 5; do
        old=$(workers)
        kill -HUP "$nginx"
        requests 100
        eventually two_workers_other_than "$old"
    done
    requests 2000
    [ "$(mappings)" = "$before" ]
    expect_clean_log

    old=$(workers)
    xargs kill -9 <<<"$old"
    eventually two_workers_other_than "$old"
    requests 100

    kill -QUIT "$nginx"
    wait "$nginx"
    [ "$(grep -c 'exited on signal' "$BATS_TEST_TMPDIR/nginx/log")" -eq 2 ]
}

@test "a Lua state for each request leaves nothing behind" {
    setup_hosts
    start_nginx 'lua_code_cache off;'
    requests 20
    before=$(mappings)
    requests 200
    [ "$(mappings)" = "$before" ]
    run grep -E 'exited on signal|stack traceback' "$BATS_TEST_TMPDIR/nginx/log"
    [ "$status" -eq 1 ]
}

@test "nginx before the first fetcher answers 503, and finds the fetcher that comes later" {
    setup_network
    start_nginx
    [ "$(curl --silent --output /dev/null --write-out '%{http_code}' "http://$network.100:8080/")" = 503 ]
    grep -q 'is larshm-fetcher running for this instance?' "$BATS_TEST_TMPDIR/nginx/log"
    setup_hosts
    requests 40
    expect_clean_log
}

@test "while all hosts fail requests end, and then succeed again" {
    setup_hosts "[loadbalance]" "overload_timeout = 1" "max_overload_timeout = 1"
    start_nginx
    requests 20
    for number in 1 2 3 4; do touch "$BATS_TEST_TMPDIR/fail-$number"; done
    for _ in {1..40}; do
        [ "$(curl --silent --output /dev/null --write-out '%{http_code}' "http://$network.100:8080/")" = 503 ]
    done
    rm "$BATS_TEST_TMPDIR"/fail-*
    requests 100
    expect_clean_log
}
