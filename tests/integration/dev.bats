#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# tools/dev: everything together, in the foreground.
# shellcheck disable=SC2030,SC2031 # each test is a subshell, and means to be

bats_require_minimum_version 1.5.0

setup() {
  export LARSHM_INSTANCE=dev-test-$$ LARSHM_BUILD=$BUILD
}

teardown() {
  for pid in ${dev:-} ${other:-}; do kill -TERM "$pid" 2>/dev/null || true; done
  wait
  [ -z "${other:-}" ] || rm -f "/dev/shm/larshm.$LARSHM_INSTANCE" "/dev/shm/larshm.$LARSHM_INSTANCE".*
  rm -rf "/run/larshm/$LARSHM_INSTANCE" # of the fetcher that a test kills
}

# start_other: a fetcher that has the instance already, and goes on serving it.
start_other() {
  "$BIN/larshm-fetcher" -n "$LARSHM_INSTANCE" --dns 127.0.0.1:1 2>/dev/null 3>&- &
  other=$!
  for _ in $(seq 100); do
    if other_serves; then return; fi
    sleep 0.1
  done
  false
}

other_serves() {
  run "$BIN/larshm" show
  [[ "$output" == *"alive, pid $other,"* ]]
}

no_object_is_left() {
  ! compgen -G "/dev/shm/larshm.$LARSHM_INSTANCE" && ! compgen -G "/dev/shm/larshm.${LARSHM_INSTANCE}[.-]*"
}

start_dev() {
  "$SOURCE/tools/dev" "$@" >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" 3>&- </dev/null &
  dev=$!
  for _ in $(seq 600); do
    if grep -q 'Ctrl-C stops' "$BATS_TEST_TMPDIR/out"; then return; fi
    kill -0 "$dev" || break
    sleep 0.1
  done
  cat "$BATS_TEST_TMPDIR/err"
  false
}

@test "dev starts all of it, what it says to try works, and SIGTERM stops all and leaves nothing" {
  start_dev --any-ports --data "$BATS_TEST_TMPDIR/data"
  PATH=$BIN:$PATH
  larshm wait 1 1
  run -0 larshm simulate 1 1 0 100
  for _ in $(seq 100); do
    run larshm-reporter --db "$BATS_TEST_TMPDIR/data/results.db" list 1 1
    if [ "$status" -eq 0 ]; then break; fi
    sleep 0.1
  done
  [[ "$output" == *10.0.0.1* ]]
  larshm-dns --db "$BATS_TEST_TMPDIR/data/routes.db" route add 1 1 10.0.0.3:8080
  grep -Eq 'udp 127\.0\.0\.1:[0-9]+, 127\.0\.0\.1:[0-9]+, 127\.0\.0\.1:[0-9]+' "$BATS_TEST_TMPDIR/out"
  kill -TERM "$dev"
  wait "$dev"
  dev=
  no_object_is_left
  run -1 pgrep -f "$BATS_TEST_TMPDIR/data"
}

@test "dev --mariadb serves two instances from two directories, starts again what is killed, and leaves nothing" {
  start_dev --mariadb --any-ports
  eval "$(sed -n 's/^  \(cd .*\|export .*\)/\1/p' "$BATS_TEST_TMPDIR/out")"
  scratch=$PWD
  for instance in "$LARSHM_INSTANCE" "$LARSHM_INSTANCE-2"; do larshm -n "$instance" wait 1 1; done
  old=$(cat directory.pid directory2.pid)
  kill -9 "$(cat directory.pid)"
  larshm-dns --db "$DB" route add 1 1 10.0.0.3:8080
  for instance in "$LARSHM_INSTANCE" "$LARSHM_INSTANCE-2"; do
    for _ in $(seq 100); do
      if larshm -n "$instance" get 1 1 | grep 10.0.0.3:8080; then break; fi
      sleep 0.1
    done
    larshm -n "$instance" get 1 1 | grep 10.0.0.3:8080
  done
  for _ in $(seq 100); do
    if [ "$old" != "$(cat directory.pid directory2.pid)" ]; then break; fi
    sleep 0.1
  done
  kill -0 "$(cat directory.pid)"
  cd /
  kill -TERM "$dev"
  wait "$dev"
  dev=
  no_object_is_left
  [ ! -e "$scratch" ]
  run -1 pgrep -f "$scratch"
}

@test "a database that is in use is refused, by dev and by mariadb, and runs on" {
  server=$BATS_TEST_TMPDIR/data/mariadb
  "$SOURCE/tools/mariadb" start "$server"
  run -1 "$SOURCE/tools/mariadb" start "$server"
  [[ "$output" == *"a server runs in $server already"* ]]
  exec 9>"$BATS_TEST_TMPDIR/data/mariadb.lock"
  flock 9
  run -1 "$SOURCE/tools/dev" --mariadb --any-ports --data "$BATS_TEST_TMPDIR/data"
  [[ "$output" == *"is in use by another ./tools/dev"* ]]
  mariadb-admin --no-defaults --user=root --socket="$server/socket" ping
  "$SOURCE/tools/mariadb" stop "$server"
}

@test "dev ends when one of the programs does, and says which log to read" {
  start_dev --any-ports
  pkill -9 -f "larshm-fetcher .*-n $LARSHM_INSTANCE( |\$)"
  status=0
  wait "$dev" || status=$?
  dev=
  [ "$status" -eq 1 ]
  grep -q 'one of the programs has ended' "$BATS_TEST_TMPDIR/err"
  no_object_is_left
}

@test "dev refuses an instance that is there already, says what to do, and leaves it as it is" {
  start_other
  run -1 "$SOURCE/tools/dev" --any-ports
  [[ "$output" == *"choose another with LARSHM_INSTANCE"* ]]
  other_serves
}

@test "dev leaves an instance alone that another fetcher made while dev was starting" {
  cd "$BATS_TEST_TMPDIR"
  mkdir bin
  # Holds dev up after it has looked.
  printf '#!/bin/sh\ntouch %s/looked\nuntil [ -e %s/go ]; do sleep 0.05; done\nexec %s "$@"\n' \
    "$PWD" "$PWD" "$(command -v mktemp)" >bin/mktemp
  chmod +x bin/mktemp
  PATH=$PWD/bin:$PATH "$SOURCE/tools/dev" --any-ports >out 2>err 3>&- </dev/null &
  dev=$!
  for _ in $(seq 600); do
    if [ -e looked ]; then break; fi
    sleep 0.1
  done
  start_other
  touch go
  status=0
  wait "$dev" || status=$?
  dev=
  [ "$status" -eq 1 ]
  grep -q 'already running' err
  other_serves
}

@test "dev explains its options, and refuses others" {
  run -0 "$SOURCE/tools/dev" --help
  [[ "$output" == *--any-ports* ]]
  run -1 "$SOURCE/tools/dev" --nonsense
}
