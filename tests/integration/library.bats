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

@test "copies in modules that share no symbols live in one process, and it may fork" {
    start_writer
    modules=("$BUILD/tests/module.so" "$BUILD/tests/module_2.so")
    for copies in "${modules[*]}" "${modules[0]} $library" "$library ${modules[0]}" "${modules[0]} $library ${modules[1]}"; do
        # shellcheck disable=SC2086 # several paths
        run "$BUILD/tests/two_copies_loaded" "$instance" $copies
        echo "$copies: $status $output"
        [ "$status" -eq 0 ]
    done
}

@test "the shared library needs little of the room that a program has for the variables of libraries it loads" {
    sanitized && skip "sanitizers have variables of their own"
    size=$(readelf -lW "$library" | awk '$1 == "TLS" { print $6 }')
    [ $((size)) -le 96 ]
}

@test "the shared library exports the public functions and nothing else" {
    # larshm_view_state() and larshm_hosts_next() are inline alone.
    declared=$(grep -Eo '\blarshm_[a-z_]+\(' "$SOURCE/reader/include/larshm/larshm.h" |
        grep -vE 'larshm_open\(\)|larshm_view_state|larshm_hosts_next\(' | tr -d '(' | sort -u)
    exported=$(nm -D --defined-only "$library" | awk '$2 ~ /^[A-Z]$/ && $2 != "A" { print $3 }' |
        sed 's/@.*//' | sort -u)
    [ "$exported" = "$declared" ] || {
        diff <(echo "$declared") <(echo "$exported")
        false
    }
}

@test "the static library exports the public functions and nothing else" {
    exported() { nm --defined-only --extern-only "$1" 2>/dev/null | awk 'NF == 3 && $2 != "A" { print $3 }' | sort -u; }
    run diff <(nm -D --defined-only "$library" | awk '$2 != "A" { print $3 }' | sed 's/@.*//' | sort -u) \
        <(exported "$BUILD/lib/liblarshm.a")
    echo "$output"
    [ "$status" -eq 0 ]
}

@test "a thread that has looked up outlives the unloading of the library, and of a module that has it in it" {
    start_writer
    for loaded in "$library" "$BUILD/tests/module.so"; do
        run "$BUILD/tests/unload" "$instance" "$loaded"
        echo "$loaded: $status $output"
        [ "$status" -eq 0 ]
    done
}

@test "the library never ends the program, prints, logs or touches signals" {
    sanitized && skip "sanitizers bring these in"
    run grep -Ewo '_?exit|_Exit|quick_exit|abort|__assert_fail|[a-z]*printf(_chk)?|puts|putchar|fwrite|perror|[v]?syslog|(b?sd_)?signal|sigaction|raise|kill' \
        <(nm -D --undefined-only "$library" | awk '{ print $2 }' | sed 's/@.*//' |
            grep -vxE '(__)?snprintf(_chk)?')
    echo "$output"
    [ -z "$output" ]
}

@test "the header is clean as C89 and C++98 and later, with gcc and clang" {
    cat >"$BATS_TEST_TMPDIR/header.c" <<'TEXT'
#include <larshm/larshm.h>
int main(void)
{
    larshm_route_info info;
    larshm_view view;
    larshm_hosts hosts;
    larshm_host_info host;
    larshm_close(NULL);
    return larshm_version() == NULL || larshm_hosts_next(&hosts, &host) ||
        larshm_info(NULL, 0, 1, &info) || larshm_route_begin(NULL, 0, 1, &view);
}
TEXT
    cp "$BATS_TEST_TMPDIR/header.c" "$BATS_TEST_TMPDIR/header.cc"
    flags=(-pedantic -Wall -Wextra -Wconversion -Wshadow -Wredundant-decls -Wundef -Werror -fsyntax-only
        -I "$SOURCE/reader/include")
    for compiler in gcc clang; do
        command -v $compiler || continue
        for standard in c89 c99 c11; do
            $compiler -std=$standard -Wstrict-prototypes "${flags[@]}" "$BATS_TEST_TMPDIR/header.c"
        done
    done
    for compiler in g++ clang++; do
        command -v $compiler || continue
        for standard in c++98 c++17; do
            $compiler -std=$standard "${flags[@]}" "$BATS_TEST_TMPDIR/header.cc"
        done
    done
}

@test "the header for C++ and its example are clean as C++17 and C++20, with g++ and clang++" {
    sanitized && skip "the same without"
    flags=(-pedantic -Wall -Wextra -Wconversion -Wshadow -Werror -fsyntax-only -I "$SOURCE/reader/include" -I "$BUILD/cpp")
    awk '/^```cpp$/ { on = 1; next } /^```$/ { on = 0 } on' "$SOURCE/reader/bindings/cpp/README.md" \
        >"$BATS_TEST_TMPDIR/readme.cpp"
    for compiler in g++ clang++; do
        command -v $compiler || continue
        $compiler -std=c++17 "${flags[@]}" "$SOURCE/reader/bindings/cpp/example.cpp"
        $compiler -std=c++20 "${flags[@]}" "$BATS_TEST_TMPDIR/readme.cpp"
        $compiler -std=c++17 "${flags[@]}" -fno-exceptions -x c++ - <<<'#include <larshm/larshm.hpp>'
    done
}

@test "the header fits a screen of 100 columns" {
    run awk 'length > 99' "$SOURCE"/reader/include/*/*.h "$SOURCE"/reader/bindings/cpp/*.hpp
    [ -z "$output" ]
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

@test "the symbols file of the Debian package lists what the library exports, each since the version of its node" {
    run diff <(nm --dynamic --defined-only "$library" | awk '$2 != "A" { sub("@@", "@", $3); print $3 }' | sort) \
        <(awk '/^ larshm/ { print $1 }' "$SOURCE/tools/deb.d/liblarshm0.symbols" | sort)
    echo "$output"
    [ "$status" -eq 0 ]
    run awk '/@LARSHM/ { split($1, node, "@LARSHM_"); if ($2 != (node[2] == "0" ? "0.1" : node[2]) ".0") print }' \
        "$SOURCE/tools/deb.d/liblarshm0.symbols"
    [ -z "$output" ]
}

@test "memory orders are named in shm/atomic.h only" {
    cd "$SOURCE"
    run grep -rlE 'memory_order|__ATOMIC_|__sync_' --include='*.[ch]' conf fetcher proto reader shm tools
    [ "$output" = shm/atomic.h ]
}

@test "LARSHM_CLIENT_ONLY builds, installs and uninstalls the library where liburcu is all there is" {
    sanitized && skip "the same without"
    mkdir "$BATS_TEST_TMPDIR/pc"
    ln -s "$(pkg-config --variable=pcfiledir liburcu-bp)/liburcu-bp.pc" "$BATS_TEST_TMPDIR/pc/"
    export PKG_CONFIG_LIBDIR=$BATS_TEST_TMPDIR/pc PKG_CONFIG_PATH='' CFLAGS=-O0
    cmake -S "$SOURCE" -B "$BATS_TEST_TMPDIR/build" -G Ninja -DLARSHM_CLIENT_ONLY=ON -DLARSHM_WERROR=ON \
        -DSCDOC=OFF -DCMAKE_INSTALL_LIBDIR=lib >/dev/null
    ninja -C "$BATS_TEST_TMPDIR/build" --quiet
    DESTDIR=$BATS_TEST_TMPDIR/root cmake --install "$BATS_TEST_TMPDIR/build" --prefix /usr >/dev/null
    cd "$BATS_TEST_TMPDIR/root/usr"
    for file in include/larshm/larshm.h include/larshm/larshm.hpp lib/liblarshm.a lib/liblarshm.so lib/cmake/larshm/larshmConfig.cmake \
        lib/pkgconfig/larshm.pc; do
        [ -f "$file" ]
    done
    [ "$(ls . share)" = $'.:\ninclude\nlib\nshare\n\nshare:\ngocode\nlua' ]

    # What it did not install stays.
    echo mine | tee include/larshm/.mine >lib/pkgconfig/mine.pc
    DESTDIR=$BATS_TEST_TMPDIR/root ninja -C "$BATS_TEST_TMPDIR/build" uninstall
    run find . ! -type d
    [ "$(sort <<<"$output")" = $'./include/larshm/.mine\n./lib/pkgconfig/mine.pc' ]
    [ ! -e lib/cmake/larshm ] && [ ! -e share/gocode/src/larshm ]
    DESTDIR=$BATS_TEST_TMPDIR/root run ninja -C "$BATS_TEST_TMPDIR/build" uninstall
    [ "$status" -eq 1 ]
    [[ "$output" == *"has no install_manifest.txt"*"cmake --install"* ]]
}

@test "uninstall leaves nothing of what all parts have installed, directories of their own included" {
    sanitized && skip "the same without"
    cd "$BATS_TEST_TMPDIR"
    cmake --install "$BUILD" --prefix "$PWD/usr" >/dev/null
    mkdir build
    find "$PWD/usr" ! -type d >build/install_manifest.txt
    cmake -DBUILD="$PWD/build" -P "$SOURCE/tools/uninstall.cmake"
    run find usr -name '*larshm*' -o ! -type d
    [ -z "$output" ]
}
