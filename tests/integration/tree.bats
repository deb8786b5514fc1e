#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What the tree promises: which room includes which, and that tests are called what they are about.

# "FROM TO FILE:LINE" for each file that includes one of ours in another room.
includes() {
  grep -nE '^[[:space:]]*#[[:space:]]*include "' -r proto conf shm reader fetcher tools --include='*.[ch]' --include='*.hpp' |
    sed -E 's|^([^:]*)/([^/:]*):([0-9]*):.*"((.*)/)?[^/"]*".*|\1 \5 \1/\2:\3|' |
    awk '$1 != $2 && NF == 3'
}

# No file of room $1 includes one of a room that matches $2.
expect_wall() {
  run awk -v from="$1" -v to="$2" '$1 ~ "^" from "$" && $2 ~ "^" to "$"' "$BATS_TEST_TMPDIR/includes"
  if [ -n "$output" ]; then
    echo "$1 must not include anything of $2:"
    awk '{ print $3 ", of " $2 }' <<<"$output"
    return 1
  fi
}

# "FROM TO" for each include of one of ours in the files that grep's options name.
file_includes() {
  grep -E '^[[:space:]]*#[[:space:]]*include "' -r proto conf shm reader fetcher tools "$@" |
    sed -E 's|^([^:]*):.*"(.*)".*|\1 \2|'
}

# No pair "FROM TO" of the input leads back to its FROM. tsort says which do.
expect_no_circle() {
  sort -u | tsort >/dev/null
}

setup() {
  cd "$SOURCE" || return
  includes >"$BATS_TEST_TMPDIR/includes"
  [ -s "$BATS_TEST_TMPDIR/includes" ]
}

@test "each room includes what its layer may, and nothing else" {
  expect_wall 'proto' '.*'
  expect_wall 'conf' '(shm|reader|fetcher|tools)(/.*)?'
  expect_wall 'shm' '.*'
  expect_wall 'shm/reader' '(shm/writer|reader|fetcher|conf|proto|tools)(/.*)?'
  expect_wall 'shm/writer' '(shm/reader|reader|fetcher|conf|proto|tools)(/.*)?'
  expect_wall 'reader' '(shm/writer|fetcher|conf|proto|tools)(/.*)?'
  expect_wall 'reader/bindings/[^ ]*' '((shm|fetcher|conf|proto|tools)(/.*)?|reader)'
  expect_wall 'fetcher' '(shm/reader|reader|tools)(/.*)?'
  expect_wall 'tools/larshm' '(shm/writer|fetcher|tools/(dns|reporter|bridge|bench))(/.*)?'
  expect_wall 'tools/(common|dns|reporter|bridge)' '(shm/.*|fetcher)'
  expect_wall 'tools/common' 'tools/.*'
}

@test "rooms include each other in no circle" {
  awk '{ print $1, $2 }' "$BATS_TEST_TMPDIR/includes" | expect_no_circle
}

@test "headers include each other in no circle" {
  file_includes --include='*.h' | expect_no_circle
}

@test "files include each other in no circle, NAME.c, NAME.h and NAME_internal.h taken together" {
  file_includes --include='*.[ch]' | sed -E 's/(_internal)?\.[ch]( |$)/\2/g' | expect_no_circle
}

@test "the group in each test program is called as ctest calls the test" {
  grep -l 'cmocka_run_group_tests_name' -r tests --include='*_test.c' | while read -r file; do
    name=${file#tests/}
    grep -q "cmocka_run_group_tests_name(\"${name%_test.c}\"" "$file" || {
      echo "$file"
      return 1
    }
  done
}

@test "unit tests start no program" {
  run grep -nwE 'exec[lv][pe]*|posix_spawnp?|system|popen' -r tests/unit
  echo "$output"
  [ "$status" -eq 1 ]
}
