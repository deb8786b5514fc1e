#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The README tells the truth: its commands run, its transcript is from the demo, its example compiles.

# Of these runs of the demo; other runs on this machine have their own.
setup() {
  export DEMO_INSTANCE=demo-$$
}

no_object_is_left() {
  ! compgen -G "/dev/shm/larshm.$DEMO_INSTANCE" && ! compgen -G "/dev/shm/larshm.$DEMO_INSTANCE.*"
}

@test "the demo succeeds, prints what the README shows, and leaves nothing behind" {
  LARSHM_BUILD=$BUILD "$SOURCE/tools/readme" --check
  no_object_is_left
}

@test "a README that shows what the demo does not print is found" {
  mkdir -p "$BATS_TEST_TMPDIR/tree/tools"
  cp "$SOURCE/tools/"{help,readme} "$BATS_TEST_TMPDIR/tree/tools"
  cat >"$BATS_TEST_TMPDIR/tree/tools/demo" <<'TEXT'
#!/bin/sh
printf '# One step.\n$ do it\ndone in 3 ms\n$ do more\nmore done\n'
TEXT
  chmod +x "$BATS_TEST_TMPDIR/tree/tools/demo"
  cd "$BATS_TEST_TMPDIR/tree"
  shows() { printf '%s\n' '<!-- demo -->' '```console' "$@" '```' '<!-- /demo -->' >README.md; }
  shows '# One step.' '$ do it' 'done in 40 ms'
  tools/readme --check
  shows '# One step.' '$ do it' 'never done'
  run tools/readme --check
  [ "$status" -eq 1 ]
  [[ "$output" == *"run ./tools/readme"* ]]
  tools/readme
  tools/readme --check
  shows '# One step.' '$ do nothing'
  run tools/readme --check
  [ "$status" -eq 1 ]
  [[ "$output" == *'$ do nothing'* ]]
}

@test "the demo fails and says so when a step does not do what it says" {
  # There is no directory, so no route can arrive; and the demo waits for less long.
  # shellcheck disable=SC2016
  sed 's|larshm-dns --db "$database" serve .* 2>|{ echo listening on 127.0.0.1:9; exec sleep 30; } >"$scratch/listening" 2>|
       s|$(dirname "$0")|$SOURCE/tools|
       s/seq 200/seq 10/' "$SOURCE/tools/demo" >"$BATS_TEST_TMPDIR/demo"
  run env LARSHM_BUILD="$BUILD" bash "$BATS_TEST_TMPDIR/demo"
  [ "$status" -eq 1 ]
  [[ "$output" == *"timed out"*"The demo failed"* ]]
  no_object_is_left
}

@test "the figures in the documents are those of the run whose JSON is beside them" {
  "$SOURCE/tools/figures" --check
}

@test "the README's table of languages has a row for each, in the shape that tools/languages prints" {
  "$SOURCE/tools/languages" --check
}

@test "a README whose table lacks a language, a number or a column is found" {
  mkdir -p "$BATS_TEST_TMPDIR/tree/tools"
  cp "$SOURCE/tools/"{help,languages} "$BATS_TEST_TMPDIR/tree/tools"
  cd "$BATS_TEST_TMPDIR/tree"
  # expect_found SED MESSAGE: of the README that is changed so.
  expect_found() {
    sed "$1" "$SOURCE/README.md" >README.md
    run tools/languages --check
    [ "$status" -eq 1 ]
    [[ "$output" == *"$2"*"tools/languages --renew"* ]]
  }
  expect_found '/^| \[C\]/d' "no row of numbers for [C]"
  expect_found '/^| DNS/d' "no row of numbers for DNS"
  expect_found '/^| \[C\]/s/[0-9.,]* | 1.0 |/| 1.0 |/' "no row of numbers for [C]"
  expect_found '/^<!-- languages/d' "no table of languages"
  expect_found 's/ times C |//' "no table of languages"
  mkdir -p reader/bindings/cobol
  expect_found '' "no row for reader/bindings/cobol/"
}

@test "each script in tools/ says with --help and -h what it does, and refuses what it does not know" {
  for script in "$SOURCE"/tools/*; do
    [[ -f "$script" && -x "$script" ]] || continue
    for option in -h --help; do
      run timeout 60 "$script" "$option"
      echo "$script $option: $output"
      [ "$status" -eq 0 ]
      [ "${#lines[@]}" -ge 2 ]
    done
    run timeout 60 "$script" --no-such-option
    echo "$script --no-such-option: $output"
    [ "$status" -eq 1 ]
    [[ "$output" == *"${script##*/}"* ]]
  done
}

@test "the README's example compiles without a warning as C11" {
  awk '/^```c$/ { on = 1; next } /^```$/ { on = 0 } on' "$SOURCE/README.md" >"$BATS_TEST_TMPDIR/example.c"
  [ "$(wc -l <"$BATS_TEST_TMPDIR/example.c")" -le 20 ]
  cc -std=c11 -Wall -Wextra -Wpedantic -Werror -I"$SOURCE/reader/include" \
    -c -o "$BATS_TEST_TMPDIR/example.o" "$BATS_TEST_TMPDIR/example.c"
}

# shown_of FILE: each yaml block of the README whose lines are that file's, in their order, some left out.
shown_of() {
  awk -v file="$SOURCE/conf/$1" '
    /^```yaml$/ { on = 1; count = 0; next }
    /^```$/ && on {
      on = 0
      at = 0
      while ((getline line <file) > 0) if (at < count && line == block[at + 1]) at++
      close(file)
      if (at == count) shown++
      next
    }
    on { block[++count] = $0 }
    END { print shown + 0 }' "$SOURCE/README.md"
}

@test "what the README shows of containers is in the files" {
  [ "$(grep -c '^```yaml$' "$SOURCE/README.md")" -eq 2 ]
  [ "$(shown_of compose.yaml)" -eq 1 ]
  [ "$(shown_of kubernetes.yaml)" -eq 1 ]
}

@test "what the README links to exists" {
  cd "$SOURCE"
  grep -oE '\]\([^):]+\)' README.md | tr -d '()]' | while read -r path; do
    [ -e "$path" ] || {
      echo "README.md links to $path"
      return 1
    }
  done
}

@test "the map in CONTRIBUTING.md has every room and no other" {
  cd "$SOURCE"
  sed -n '/^| room /,/^$/p' CONTRIBUTING.md | cut -d'|' -f2 | grep -oE '[a-z/]+/' | while read -r room; do
    [ -d "$room" ] || {
      echo "the map has $room"
      return 1
    }
  done
  git rev-parse >/dev/null 2>&1 || skip "these sources are not a git repository"
  git ls-files '*.c' '*.bats' | cut -d/ -f1,2 | sed 's|/[^/]*\..*||' | sort -u | while read -r room; do
    grep -qE "^\| [^|]*\`$room/\`" CONTRIBUTING.md || {
      echo "$room/ is not in the map"
      return 1
    }
  done
}

@test "the sample configuration is in order" {
  # What this machine has not is on stderr.
  [ "$("$BIN/larshm-fetcher" --check-config "$SOURCE/conf/larshm.conf" 2>/dev/null)" = ok ]
}

@test "larshm that is installed as the README says is found by pkg-config, by CMake and by its programs, where there is no other package" {
  prefix=$BATS_TEST_TMPDIR/usr
  ln -s "$BUILD" "$BATS_TEST_TMPDIR/build"
  install=$(grep -oE 'cmake --build build && sudo cmake --install build' "$SOURCE/README.md")
  (cd "$BATS_TEST_TMPDIR" && DESTDIR='' eval "${install/sudo /} --prefix '$prefix'") >/dev/null
  env -u LD_LIBRARY_PATH "$prefix/bin/larshm-bench" --version
  PKG_CONFIG_LIBDIR=$(dirname "$(find "$prefix" -name larshm.pc)")
  export PKG_CONFIG_LIBDIR PKG_CONFIG_PATH=''
  awk '/^```c$/ { on = 1; next } /^```$/ { on = 0 } on' "$SOURCE/README.md" >"$BATS_TEST_TMPDIR/example.c"
  # shellcheck disable=SC2046
  cc -o "$BATS_TEST_TMPDIR/example" "$BATS_TEST_TMPDIR/example.c" $(pkg-config --cflags --libs larshm)
  mkdir "$BATS_TEST_TMPDIR/project"
  cat >"$BATS_TEST_TMPDIR/project/CMakeLists.txt" <<'EOF'
cmake_minimum_required(VERSION 3.25)
project(user C)
find_package(larshm ${LARSHM_VERSION} REQUIRED)
add_executable(user ../example.c)
target_link_libraries(user larshm::larshm)
EOF
  cmake -G Ninja -S "$BATS_TEST_TMPDIR/project" -B "$BATS_TEST_TMPDIR/project/build" -DCMAKE_PREFIX_PATH="$prefix" -DLARSHM_VERSION=0.2 >/dev/null
  cmake --build "$BATS_TEST_TMPDIR/project/build" >/dev/null
  LD_LIBRARY_PATH=$(dirname "$(find "$prefix" -name liblarshm.so)") run "$BATS_TEST_TMPDIR/example"
  [[ "$output" == *"no routes object"* ]]

  for version in 0.99 1; do
    run cmake -G Ninja -S "$BATS_TEST_TMPDIR/project" -B "$BATS_TEST_TMPDIR/project/$version" \
      -DCMAKE_PREFIX_PATH="$prefix" -DLARSHM_VERSION=$version
    [ "$status" -ne 0 ]
    [[ "$output" == *"larshmConfig.cmake, version: "* ]]
  done
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
