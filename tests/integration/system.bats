#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What the system may lack: streams, a reader of the log, room for files, threads, descriptors.
# shellcheck disable=SC2030,SC2031,SC2154 # each test is a subshell; live.bash sets it

bats_require_minimum_version 1.5.0
load live

# Each combination of closed streams.
combinations=("<&-" ">&-" "2>&-" "<&- >&-" "<&- 2>&-" ">&- 2>&-" "<&- >&- 2>&-")

# The process is a daemon of ours, and handles SIGTERM.
handles_term() {
    local caught
    grep -q "^larshm-" "/proc/$1/comm"
    caught=$(sed -n 's/^SigCgt:[[:space:]]*//p' "/proc/$1/status")
    ((0x$caught >> 14 & 1))
}

# It runs a thread for each of its ports, which it starts when it has blocked SIGTERM.
bridge_is_up() {
    local threads=("/proc/$1/task/"*)
    [ "${#threads[@]}" -eq 4 ]
}

# closed_streams UP COMMAND...: runs with each combination of closed streams until `UP PID` is true, and then until
# SIGTERM ends it.
closed_streams() {
    local up=$1 closed status daemon
    shift
    for closed in "${combinations[@]}"; do
        status=0
        eval "\"\$@\" $closed 3>&- &"
        daemon=$!
        pids+=("$daemon")
        eventually "$up" "$daemon"
        kill "$daemon"
        wait "$daemon" || status=$?
        [ "$status" -eq 0 ] || {
            echo "$closed: exit status $status"
            return 1
        }
    done
}

# all_closed COMMAND...: what cannot be printed makes it fail and say so; what cannot be read or logged does not.
all_closed() {
    local closed expected status log="$BATS_TEST_TMPDIR/all_closed"
    for closed in "${combinations[@]}"; do
        expected=0 status=0
        [[ " $closed" != *" >&-"* ]] || expected=1
        eval "\"\$@\" 2>\"$log\" $closed 3>&-" || status=$?
        [ "$status" -eq "$expected" ]
        [[ "$expected" -eq 0 || "$closed" == *"2>&-"* ]] || grep -q "cannot write to stdout: Bad file descriptor" "$log"
    done
}

@test "daemons run without any of their streams, and write no log line into another file" {
    printf '%s\n' "[reporter]" "ip =" "[fetcher]" "admin_socket = $LARSHM_ADMIN_SOCKET" >"$BATS_TEST_TMPDIR/conf"
    closed_streams handles_term "$BIN/larshm-fetcher" -n "$instance" -c "$BATS_TEST_TMPDIR/conf" --dns 127.0.0.1:9
    [ ! -s "$object.lock" ]
    run larshm show
    [[ "$output" != *"DAMAGED"* ]]
    route add 9 9 127.0.0.1:9
    before=$(route list)
    closed_streams handles_term "$BIN/larshm-dns" --db "$database" serve --listen 127.0.0.1:0
    run -0 route list
    [ "$output" = "$before" ]
    closed_streams handles_term "$BIN/larshm-reporter" --db "$BATS_TEST_TMPDIR/results.db" serve --create --listen 127.0.0.1:0
    run -0 "$BIN/larshm-reporter" --db "$BATS_TEST_TMPDIR/results.db" list
}

@test "the bridge runs without any of its streams, and writes no log line into a socket" {
    live
    closed_streams bridge_is_up "$BIN/larshm-bridge" -n "$instance" --ports 0,0,0
    run -0 larshm check
}

@test "a daemon whose stdout takes nothing serves on, and its log has the address" {
    live
    "$BIN/larshm-dns" --db "$database" serve --listen 127.0.0.1:0 >/dev/full 2>"$BATS_TEST_TMPDIR/dns" 3>&- &
    pids+=("$!")
    "$BIN/larshm-bridge" -n "$instance" --ports 0 >/dev/full 2>"$BATS_TEST_TMPDIR/bridge" 3>&- &
    pids+=("$!")
    for daemon in dns bridge; do
        eventually grep -q "listening on .*127.0.0.1:[0-9]*, and cannot write that to stdout: No space left" "$BATS_TEST_TMPDIR/$daemon"
    done
    for pid in "${pids[@]: -2}"; do
        kill "$pid"
        wait "$pid"
    done
}

@test "a daemon whose log is read no more serves on, also while it makes its database" {
    live
    local broken
    exec {broken}> >(:)
    sleep 0.2 # until its reader has ended
    "$BIN/larshm-dns" --db "$BATS_TEST_TMPDIR/new.db" serve --create --listen 127.0.0.1:0 2>&"$broken" 3>&- &
    pids+=("$!")
    exec {broken}>&-
    eventually handles_term "$!"
    kill "$!"
    wait "$!"
}

@test "a command whose stdout is closed or full says so, exits with 1, and writes into no other file" {
    live
    larshm wait 9 9
    larshm report 9 9 127.0.0.1:9 0
    local command reporter="$BATS_TEST_TMPDIR/results.db"
    "$BIN/larshm-reporter" --db "$reporter" serve --create --listen 127.0.0.1:0 >/dev/null 2>&1 3>&- &
    pids+=("$!")
    eventually "$BIN/larshm-reporter" --db "$reporter" list
    sqlite3 "$reporter" "INSERT INTO ServerCallStatus VALUES (1, 2, 167772161, 8080, 167772417, 180, 20, 1700000000, '1')"
    local -r commands=("larshm show" "larshm show -j" "larshm health" "larshm health -j" "larshm list" "larshm list -j"
        "larshm get 9 9" "larshm get 9 9 -j" "larshm get 9 9 --pick 3" "larshm wait 9 9" "larshm dump" "larshm check" "larshm check -j"
        "larshm stats" "larshm stats -j" "larshm report 9 9 127.0.0.1:9 0" "larshm host pin 9 9 127.0.0.1:9" "larshm reload"
        "larshm simulate 9 9 0 9" "larshm qps -s 1" "larshm bench --list" "larshm --help" "larshm list --help"
        "larshm --version" "$BIN/larshm-dns --db $database route list" "$BIN/larshm-dns --db $database route list --csv"
        "$BIN/larshm-dns --db $database route log" "$BIN/larshm-dns --help" "$BIN/larshm-reporter --db $reporter list"
        "$BIN/larshm-reporter --version" "$BIN/larshm-fetcher --print-config" "$BIN/larshm-fetcher --help"
        "$BIN/larshm-fetcher --check-config $BATS_TEST_TMPDIR/conf" "$BIN/larshm-bridge --help")
    for command in "${commands[@]}"; do
        echo "$command"
        run -0 eval "$command"
        [ -n "$output" ]
        run -1 --separate-stderr eval "$command >/dev/full"
        [[ "$stderr" == *"cannot write to stdout: No space left on device" ]]
    done
    all_closed larshm show
    all_closed larshm list -j
    all_closed larshm report 9 9 127.0.0.1:9 0
    all_closed "$BIN/larshm-dns" --db "$database" route list
    all_closed "$BIN/larshm-fetcher" --print-config
    run -0 larshm check
    [ "$(route list)" = $'9\t9\t127.0.0.1\t9' ]
}

@test "an import whose stdin is closed is an error, not an empty file" {
    route add 9 9 127.0.0.1:9
    run -1 eval 'route import - <&-'
    [[ "$output" == *"standard input: cannot be read: Bad file descriptor; nothing was imported"* ]]
}

@test "a limit on the size of files is named, and leaves no object half made" {
    run bash -c "ulimit -f 100; exec '$BIN/larshm-fetcher' -n '$instance' --dns 127.0.0.1:9"
    [ "$status" -eq 1 ]
    [[ "$output" == *"RLIMIT_FSIZE"*"LimitFSIZE="* ]]
    run ! compgen -G "$object*next*"
}

@test "a limit on the size of files is named where it stops an edit or what is printed" {
    local limit
    route add 9 9 127.0.0.1:9
    seq 1 3000 | sed 's/.*/&,1,10.0.0.1,80/' >"$BATS_TEST_TMPDIR/in.csv"
    for limit in 0 30 60; do # SQLite's -shm is 32 KiB
        run -1 bash -c "ulimit -f $limit; exec '$BIN/larshm-dns' --db '$database' route import '$BATS_TEST_TMPDIR/in.csv'"
        [[ "$output" == *"database $database"*"RLIMIT_FSIZE"*"ulimit -f"* ]]
    done
    [ "$(route list)" = $'9\t9\t127.0.0.1\t9' ]
    run -1 bash -c "ulimit -f 1; exec '$BIN/larshm' --help >'$BATS_TEST_TMPDIR/help'"
    [[ "$output" == *"cannot write to stdout: larger than RLIMIT_FSIZE allows"*"ulimit -f"* ]]
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

# In place of this shell, as a user who has no other process: root is exempt from the limit. LeakSanitizer needs a thread.
alone() {
    ASAN_OPTIONS=detect_leaks=0 exec setpriv --reuid=54321 --regid=54321 --clear-groups "$@"
}

needs_another_user() {
    [ "$(id -u)" -eq 0 ] || skip "needs root, to become another user"
    as_other_user test -x "$BIN/larshm-fetcher" || skip "this build is where other users cannot reach it"
}

without_threads() {
    alone prlimit --nproc=1:100 "$@"
}

@test "a fetcher that may start no thread serves on, names the limit at each lookup, and goes on when it is raised" {
    needs_another_user
    live
    end_fetcher TERM
    rm -f "$object" "$object".*
    local port log="$BATS_TEST_TMPDIR/log"
    port=$(sed 's/.*://' "$BATS_TEST_TMPDIR/directory")
    export LARSHM_TRUST_UID=54321
    without_threads "$BIN/larshm-fetcher" -n "$instance" --dns "localhost:$port" 2>"$log" 3>&- &
    fetcher=$!
    pids+=("$fetcher")
    eventually grep -q "no thread to look the name up: the control group's pids.max, or RLIMIT_NPROC, is reached: raise it, with TasksMax=" "$log"
    run larshm show
    [[ "$output" == *"alive, pid $fetcher,"*"NOT CONNECTED"* ]]
    (alone prlimit --pid "$fetcher" --nproc=100:)
    eventually fetcher_connected
    larshm wait 9 9
    (alone prlimit --pid "$fetcher" --nproc=1:)
    kill -HUP "$fetcher"
    eventually grep -q "is reached: .*; staying connected" "$log"
    larshm get 9 9
    kill "$fetcher"
    wait "$fetcher"
}

@test "a fetcher whose directory has an address needs no thread" {
    needs_another_user
    live
    end_fetcher TERM
    rm -f "$object" "$object".*
    export LARSHM_TRUST_UID=54321
    without_threads "$BIN/larshm-fetcher" -n "$instance" --dns "$(sed 's/listening on //' "$BATS_TEST_TMPDIR/directory")" 3>&- &
    fetcher=$!
    pids+=("$fetcher")
    eventually fetcher_connected
    larshm wait 9 9
}

@test "the bridge and qps name the limit that lets them start no thread" {
    needs_another_user
    live
    larshm wait 9 9
    run -1 without_threads "$BIN/larshm-bridge" -n "$instance" --ports 0
    [[ "$output" == *"cannot start a thread: "*"raise it, with TasksMax="* ]]
    run -1 without_threads "$BIN/larshm" -n "$instance" qps -s 1 2
    [[ "$output" == *"cannot start 2 threads: "*"raise it, with TasksMax="* ]]
}

# The number that the process's next descriptor gets.
next_descriptor() {
    local fd=0
    while [ -e "/proc/$1/fd/$fd" ]; do fd=$((fd + 1)); done
    echo "$fd"
}

# names_descriptors COMMAND...: with ever more descriptors it fails and names the limit, until it runs.
names_descriptors() {
    local limit named=0
    for limit in {3..40}; do
        status=0
        output=$(timeout 1 prlimit --nofile="$limit" "$@" 2>&1) || status=$?
        case $status in
            127) ;; # no library could be opened
            1)
                echo "$limit: $output"
                [[ "$output" == *"RLIMIT_NOFILE is reached: raise it, with \`ulimit -n\` or LimitNOFILE="* ]]
                named=$((named + 1))
                ;;
            *) break ;;
        esac
    done
    [[ "$named" -gt 0 && "$status" -eq 124 ]]
}

@test "a limit on descriptors that lets a daemon not start is named" {
    route add 9 9 127.0.0.1:9
    names_descriptors "$BIN/larshm-fetcher" -n "$instance" --dns 127.0.0.1:9
    names_descriptors "$BIN/larshm-dns" --db "$database" serve --listen 127.0.0.1:0
    names_descriptors "$BIN/larshm-reporter" --db "$BATS_TEST_TMPDIR/results.db" serve --create --listen 127.0.0.1:0
    names_descriptors "$BIN/larshm-bridge" -n "$instance" --ports 0,0,0
}

@test "a fetcher whose descriptors are used up serves on, names the limit, and recovers when it is raised" {
    live
    larshm wait 9 9
    local address log="$BATS_TEST_TMPDIR/log"
    address=$(sed 's/listening on //' "$BATS_TEST_TMPDIR/directory")
    prlimit --pid "$fetcher" --nofile="$(next_descriptor "$fetcher"):"
    run -3 larshm reload
    [[ "$output" == *"has closed the connection without an answer: it has ended, or has no descriptor left"* ]]
    kill "${pids[0]}"
    wait "${pids[0]}"
    eventually grep -q "trying again in" "$log"
    prlimit --pid "$fetcher" --nofile="$(next_descriptor "$fetcher"):"
    "$BIN/larshm-dns" --db "$database" serve --listen "$address" >/dev/null 2>&1 3>&- &
    pids+=("$!")
    eventually grep -q "directory $address: RLIMIT_NOFILE is reached: raise it, with" "$log"
    run -0 larshm get 9 9
    rm "$object"
    eventually grep -q "cannot create a new generation of .*: RLIMIT_NOFILE is reached" "$log"
    prlimit --pid "$fetcher" --nofile=1000:
    eventually fetcher_connected
    run -0 larshm get 9 9
    route add 9 10 127.0.0.1:9
    larshm wait 9 10
    larshm reload
    prlimit --pid "$fetcher" --nofile="$(next_descriptor "$fetcher"):"
    kill "$fetcher"
    wait "$fetcher"
}
