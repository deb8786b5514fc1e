#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# For tests of larshm beside a real directory and a real fetcher, each test with an instance of its own:
# `load live`, then `live` in a test.
# shellcheck disable=SC2034,SC2154 # for those who load it; bats sets output

setup() {
    instance="live-$$-$BATS_TEST_NUMBER"
    object="/dev/shm/larshm.$instance"
    database="$BATS_TEST_TMPDIR/routes.db"
    pids=()
    export TZ=UTC
    export LARSHM_ADMIN_SOCKET="$BATS_TEST_TMPDIR/admin.sock"
}

teardown() {
    for pid in "${pids[@]}"; do
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

route() {
    "$BIN/larshm-dns" --db "$database" route "$@"
}

# live [LINE...]: a directory, and a fetcher whose configuration has these lines.
live() {
    route add 9 9 127.0.0.1:9
    "$BIN/larshm-dns" --db "$database" serve --listen 127.0.0.1:0 \
        >"$BATS_TEST_TMPDIR/directory" 2>/dev/null 3>&- &
    pids+=("$!")
    eventually test -s "$BATS_TEST_TMPDIR/directory"
    printf '%s\n' "[reporter]" "ip =" "[fetcher]" "admin_socket = $LARSHM_ADMIN_SOCKET" "$@" >"$BATS_TEST_TMPDIR/conf"
    start_fetcher
}

start_fetcher() {
    "$BIN/larshm-fetcher" -n "$instance" -c "$BATS_TEST_TMPDIR/conf" \
        --dns "$(sed 's/listening on //' "$BATS_TEST_TMPDIR/directory")" 2>>"$BATS_TEST_TMPDIR/log" 3>&- &
    fetcher=$!
    pids+=("$fetcher")
    eventually fetcher_connected
}

fetcher_connected() {
    larshm show | grep -q "alive, pid $fetcher,"
    larshm show | grep -q "connected for"
}

# As by `kill -SIGNAL`.
end_fetcher() {
    kill "-$1" "$fetcher"
    wait "$fetcher" || true
}

# Until the command succeeds.
eventually() {
    for _ in {1..1000}; do
        if (set -e && "$@") >/dev/null 2>&1; then
            return 0
        fi
        sleep 0.02
    done
    echo "never came true: $*"
    return 1
}

# exits STATUS COMMAND...
exits() {
    local wanted=$1 status=0
    shift
    "$@" || status=$?
    [ "$status" -eq "$wanted" ]
}

# The pattern is in what the command prints; that is what `printed` prints then.
prints() {
    local pattern=$1
    shift
    "$@" >"$BATS_TEST_TMPDIR/printed" 2>&1
    grep -qE -- "$pattern" "$BATS_TEST_TMPDIR/printed"
}

printed() {
    cat "$BATS_TEST_TMPDIR/printed"
}

as_other_user() {
    [ "$(id -u)" -eq 0 ] || skip "needs root, to become another user"
    setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
}
