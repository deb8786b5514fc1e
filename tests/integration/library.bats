#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# liblarshm as a program meets it: what it exports and needs, and that a lookup makes no syscall.

bats_require_minimum_version 1.5.0

setup() {
    instance="bats-$$-$BATS_TEST_NUMBER"
    library="$BUILD/lib/liblarshm.so"
}

teardown() {
    stop_writer
}

# A live writer that publishes route (0, 1) every millisecond until its input is closed.
start_writer() {
    coproc WRITER { exec "$BUILD/tests/live_writer" "$instance" 3>&-; }
    live_pid=$WRITER_PID
    read -r -u "${WRITER[0]}" word
    [ "$word" = ready ]
}

stop_writer() {
    [ -n "${live_pid:-}" ] || return 0
    local input=${WRITER[1]:-}
    [ -z "$input" ] || exec {input}>&-
    wait "$live_pid" || true
    live_pid=
}

sanitized() {
    nm -D "$library" | grep -Eq ' U __(asan|tsan)_'
}

@test "g1 lookups make no syscall while a writer publishes" {
    sanitized && skip "sanitizers make syscalls of their own"
    strace -o /dev/null true || skip "strace is not allowed here"
    start_writer
    strace -f -o "$BATS_TEST_TMPDIR/trace" "$BUILD/tests/lookups" "$instance"
    run awk '/larshm-mark-end/ { exit } marked { print } /larshm-mark-begin/ { marked = 1 }' \
        "$BATS_TEST_TMPDIR/trace"
    grep -q larshm-mark-begin "$BATS_TEST_TMPDIR/trace"
    grep -q larshm-mark-end "$BATS_TEST_TMPDIR/trace"
    [ -z "$output" ] || { echo "$output" | head; false; }
}

@test "a static and a shared copy of the library live in one process, and it may fork" {
    start_writer
    run "$BUILD/tests/two_copies" "$instance" "$library"
    echo "$output"
    [ "$status" -eq 0 ]
}

@test "both copies linked into one program work too" {
    start_writer
    run "$BUILD/tests/two_copies_linked" "$instance" "$library"
    echo "$output"
    [ "$status" -eq 0 ]
}

@test "the shared library exports the public functions and nothing else" {
    declared=$(grep -Eo '\blarshm_[a-z_]+\(' "$SOURCE/reader/include/larshm/larshm.h" |
        grep -v 'larshm_open()' | tr -d '(' | sort -u)
    exported=$(nm -D --defined-only "$library" | awk '$2 ~ /^[A-Z]$/ && $2 != "A" { print $3 }' |
        sed 's/@.*//' | sort -u)
    [ "$exported" = "$(printf '%s\n' "$declared" larshm_fork_depth_ larshm_fork_lock_ | sort -u)" ] || {
        diff <(echo "$declared") <(echo "$exported")
        false
    }
}

@test "the library never ends the program, prints, logs or touches signals" {
    sanitized && skip "sanitizers bring these in"
    run grep -Ewo '_?exit|_Exit|quick_exit|abort|__assert_fail|[a-z]*printf(_chk)?|puts|putchar|fwrite|perror|[v]?syslog|(b?sd_)?signal|sigaction|raise|kill' \
        <(nm -D --undefined-only "$library" | awk '{ print $2 }' | sed 's/@.*//' |
            grep -vxE '(__)?snprintf(_chk)?')
    echo "$output"
    [ -z "$output" ]
}

@test "the header is clean as C11 and as C++17" {
    printf '#include <larshm/larshm.h>\nint main(void) { larshm_close(0); return larshm_strerror(0) == 0; }\n' \
        >"$BATS_TEST_TMPDIR/header.c"
    cp "$BATS_TEST_TMPDIR/header.c" "$BATS_TEST_TMPDIR/header.cc"
    flags=(-Wall -Wextra -Wpedantic -Werror -fsyntax-only -I "$SOURCE/reader/include")
    cc -std=c11 "${flags[@]}" "$BATS_TEST_TMPDIR/header.c"
    command -v c++ >/dev/null || skip "there is no C++ compiler"
    c++ -std=c++17 "${flags[@]}" "$BATS_TEST_TMPDIR/header.cc"
}

@test "the library has the version of the header, and of the file that is installed" {
    sanitized && skip "the same without"
    printf '#include <larshm/larshm.h>\n#include <stdio.h>\n%s\n' \
        'int main(void) { return puts(LARSHM_VERSION) < 0 || puts(larshm_version()) < 0; }' >"$BATS_TEST_TMPDIR/version.c"
    cc -o "$BATS_TEST_TMPDIR/version" -I "$SOURCE/reader/include" "$BATS_TEST_TMPDIR/version.c" "$library"
    version=$(readlink -f "$library" | sed 's/.*\.so\.//')
    run env LD_LIBRARY_PATH="$BUILD/lib" "$BATS_TEST_TMPDIR/version"
    [ "$output" = "$version"$'\n'"$version" ]
}

@test "memory orders are named in shm/atomic.h only" {
    cd "$SOURCE"
    run grep -rlE 'memory_order|__ATOMIC_|__sync_' --include='*.[ch]' conf fetcher proto reader shm tools
    [ "$output" = shm/atomic.h ]
}
