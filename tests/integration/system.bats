#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What the system may lack: streams, a reader of the log, room for files.
# shellcheck disable=SC2154 # live.bash sets it

bats_require_minimum_version 1.5.0
load live

# The process handles SIGTERM, or reads it from a descriptor.
handles_term() {
    local caught blocked
    caught=$(sed -n 's/^SigCgt:[[:space:]]*//p' "/proc/$1/status")
    blocked=$(sed -n 's/^SigBlk:[[:space:]]*//p' "/proc/$1/status")
    (((0x$caught | 0x$blocked) >> 14 & 1))
}

# closed_streams COMMAND...: runs with each combination of closed streams until SIGTERM ends it.
closed_streams() {
    local closed status daemon
    for closed in "<&-" ">&-" "2>&-" "<&- >&-" "<&- 2>&-" ">&- 2>&-" "<&- >&- 2>&-"; do
        status=0
        eval "\"\$@\" $closed 3>&- &"
        daemon=$!
        pids+=("$daemon")
        eventually handles_term "$daemon"
        kill "$daemon"
        wait "$daemon" || status=$?
        [ "$status" -eq 0 ] || {
            echo "$closed: exit status $status"
            return 1
        }
        rm -f "$object"
    done
}

@test "daemons run without any of their streams, and write no log line into another file" {
    printf '%s\n' "[reporter]" "ip =" "[fetcher]" "admin_socket = $LARSHM_ADMIN_SOCKET" >"$BATS_TEST_TMPDIR/conf"
    closed_streams "$BIN/larshm-fetcher" -n "$instance" -c "$BATS_TEST_TMPDIR/conf" --dns 127.0.0.1:9
    [ ! -s "$object.lock" ]
    run larshm show
    [[ "$output" != *"DAMAGED"* ]]
    route add 9 9 127.0.0.1:9
    before=$(route list)
    closed_streams "$BIN/larshm-dns" --db "$database" serve --listen 127.0.0.1:0
    run -0 route list
    [ "$output" = "$before" ]
    closed_streams "$BIN/larshm-reporter" --db "$BATS_TEST_TMPDIR/results.db" serve --create --listen 127.0.0.1:0
    run -0 "$BIN/larshm-reporter" --db "$BATS_TEST_TMPDIR/results.db" list
}

@test "the tool runs without any of its streams, and writes into no object" {
    live
    local closed
    for closed in "<&-" ">&-" "2>&-" "<&- >&-" "<&- 2>&-" ">&- 2>&-" "<&- >&- 2>&-"; do
        eval "larshm show $closed 3>&-" || [[ "$closed" == *">&-"* ]]
        eval "larshm report 9 9 127.0.0.1:9 0 $closed 3>&-" || [[ "$closed" == *">&-"* ]]
    done
    run -0 larshm check
}

@test "a limit on the size of files is named, and leaves no object half made" {
    run bash -c "ulimit -f 100; exec '$BIN/larshm-fetcher' -n '$instance' --dns 127.0.0.1:9"
    [ "$status" -eq 1 ]
    [[ "$output" == *"RLIMIT_FSIZE"*"LimitFSIZE="* ]]
    run ! compgen -G "$object*next*"
}

@test "a generation that the control group has no memory for is refused by name" {
    ! grep -q __asan_init "$BIN/larshm-fetcher" || skip "AddressSanitizer itself needs more memory than this limit"
    local group=/sys/fs/cgroup/larshm-test-$$ limit=memory.max
    [ ! -d /sys/fs/cgroup/memory ] || group=/sys/fs/cgroup/memory/larshm-test-$$ limit=memory.limit_in_bytes
    mkdir "$group" 2>/dev/null || skip "control groups are for root, on machines that allow them"
    echo 3M >"$group/$limit" 2>/dev/null || { rmdir "$group" && skip "no control group of this machine limits memory"; }
    # shellcheck disable=SC2016 # the inner shell expands
    run bash -c 'echo $$ >"$1/cgroup.procs" && exec "$2" -n "$3" --dns 127.0.0.1:9' - "$group" "$BIN/larshm-fetcher" "$instance"
    rmdir "$group"
    [ "$status" -eq 1 ]
    [[ "$output" == *"the control group's memory limit leaves"*"raise the limit (MemoryMax= of the unit)"* ]]
}

@test "a pipe that takes no more log lines stops no fetcher, and what was lost is said later" {
    live
    end_fetcher TERM
    mkfifo "$BATS_TEST_TMPDIR/pipe"
    exec {pipe}<>"$BATS_TEST_TMPDIR/pipe"
    timeout 1 dd if=/dev/zero "of=/dev/fd/$pipe" bs=4096 2>/dev/null || true # until it is full
    "$BIN/larshm-fetcher" -n "$instance" -c "$BATS_TEST_TMPDIR/conf" \
        --dns "$(sed 's/listening on //' "$BATS_TEST_TMPDIR/directory")" 2>"$BATS_TEST_TMPDIR/pipe" 3>&- &
    fetcher=$!
    pids+=("$fetcher")
    eventually fetcher_connected
    kill -HUP "$fetcher"
    larshm reload
    timeout 2 cat <&"$pipe" >"$BATS_TEST_TMPDIR/read" &
    reader=$!
    sleep 0.2
    larshm reload
    wait "$reader" || true
    grep -aqE "larshm-fetcher: [0-9]+ log lines were lost" "$BATS_TEST_TMPDIR/read"
    kill "$fetcher"
    wait "$fetcher"
}
