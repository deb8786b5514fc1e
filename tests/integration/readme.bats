#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The README tells the truth: its commands run, its transcript is what the demo prints, its example compiles.

# What differs from run to run: numbers, units of ages and sizes, column widths.
normalize() {
  sed -E 's/[0-9]+/N/g; s/\b(ms|s|min|B|KiB|MiB)\b/U/g; s/N,N/N/g; s/[[:space:]]+/ /g; s/ $//'
}

transcript() {
  sed -n '/^<!-- demo -->$/,/^<!-- \/demo -->$/p' "$SOURCE/README.md" | sed '/^<!--/d; /^```/d'
}

@test "the demo succeeds, prints what the README shows, and leaves nothing behind" {
  cd "$SOURCE"
  LARSHM_BUILD=$BUILD ./tools/demo >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" </dev/null
  diff <(transcript | normalize | sed '/^$/d') <(normalize <"$BATS_TEST_TMPDIR/out" | sed '/^$/d')
  run bash -c 'ls /dev/shm | grep "^larshm.demo-"'
  [ "$status" -eq 1 ]
}

@test "the demo fails and says so when a step does not do what it says" {
  # Nobody listens where the directory should be, so no route can arrive; and less patience.
  # shellcheck disable=SC2016
  sed 's|larshm-dns --db "$database" serve .* 2>|{ echo listening on 127.0.0.1:9; exec sleep 30; } >"$scratch/listening" 2>|
       s|cd "$(dirname "$0")/.."|cd "$SOURCE"|
       s/seq 200/seq 10/' "$SOURCE/tools/demo" >"$BATS_TEST_TMPDIR/demo"
  run env LARSHM_BUILD="$BUILD" bash "$BATS_TEST_TMPDIR/demo"
  [ "$status" -eq 1 ]
  [[ "$output" == *"waited in vain"*"The demo failed"* ]]
  run bash -c 'ls /dev/shm | grep "^larshm.demo-"'
  [ "$status" -eq 1 ]
}

@test "the figures in the documents are those of the run whose JSON is beside them" {
  "$SOURCE/tools/figures" --check
}

@test "the README's example compiles without a warning as C11" {
  awk '/^```c$/ { on = 1; next } /^```$/ { on = 0 } on' "$SOURCE/README.md" >"$BATS_TEST_TMPDIR/example.c"
  [ "$(wc -l <"$BATS_TEST_TMPDIR/example.c")" -le 20 ]
  cc -std=c11 -Wall -Wextra -Wpedantic -Werror -I"$SOURCE/reader/include" \
    -c -o "$BATS_TEST_TMPDIR/example.o" "$BATS_TEST_TMPDIR/example.c"
}

@test "the README's options exist, and the sample configuration is in order" {
  run "$BIN/larshm-fetcher" --check-config "$SOURCE/conf/larshm.conf"
  [ "$status" -eq 0 ] && [ "$output" = ok ]
  "$BIN/larshm-fetcher" --help | grep -q -- --dns
}

@test "an installed larshm is found by pkg-config and by CMake" {
  prefix=$BATS_TEST_TMPDIR/usr
  DESTDIR='' cmake --install "$BUILD" --prefix "$prefix" >/dev/null
  PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name larshm.pc)")
  export PKG_CONFIG_PATH
  awk '/^```c$/ { on = 1; next } /^```$/ { on = 0 } on' "$SOURCE/README.md" >"$BATS_TEST_TMPDIR/example.c"
  # shellcheck disable=SC2046
  cc -o "$BATS_TEST_TMPDIR/example" "$BATS_TEST_TMPDIR/example.c" $(pkg-config --cflags --libs larshm)
  mkdir "$BATS_TEST_TMPDIR/project"
  cat >"$BATS_TEST_TMPDIR/project/CMakeLists.txt" <<'EOF'
cmake_minimum_required(VERSION 3.25)
project(user C)
find_package(larshm REQUIRED)
add_executable(user ../example.c)
target_link_libraries(user larshm::larshm)
EOF
  cmake -G Ninja -S "$BATS_TEST_TMPDIR/project" -B "$BATS_TEST_TMPDIR/project/build" -DCMAKE_PREFIX_PATH="$prefix" >/dev/null
  cmake --build "$BATS_TEST_TMPDIR/project/build" >/dev/null
  LD_LIBRARY_PATH=$(dirname "$(find "$prefix" -name liblarshm.so)") run "$BATS_TEST_TMPDIR/example"
  [[ "$output" == *"no routes object"* ]]
}

@test "every test that PROTOCOL.md names exists" {
  cd "$SOURCE"
  sed -n '/^## What is survived/,$p' shm/PROTOCOL.md >"$BATS_TEST_TMPDIR/table"
  # shellcheck disable=SC2013
  for name in $(grep -oE '\b[a-z0-9]+(_[a-z0-9]+){3,}\b' "$BATS_TEST_TMPDIR/table"); do
    grep -rqE "\b$name\b" tests || {
      echo "no such test: $name"
      return 1
    }
  done
  # shellcheck disable=SC2016
  for path in $(grep -oE '`(unit|integration|crash|failure|fuzz|torture)/[a-z0-9_/]+`' "$BATS_TEST_TMPDIR/table" | tr -d '`' | sort -u); do
    base=tests/${path}
    case $path in
    torture/*) grep -q "torture_test_of(${path#torture/} " tests/torture/CMakeLists.txt ;;
    fuzz/*) [ -e "tests/fuzz/${path#fuzz/}.c" ] ;;
    *) [ -e "${base}_test.c" ] || [ -e "$base.bats" ] ;;
    esac || {
      echo "no such test: $path"
      return 1
    }
  done
}
