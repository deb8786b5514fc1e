#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Completion in bash: what is offered is what the programs' --help and the instances have.
# shellcheck disable=SC2030,SC2031 # each test is a subshell of its own

bats_require_minimum_version 1.5.0

setup() {
  instance="completion-$$-$BATS_TEST_NUMBER"
  export PATH=$BIN:$PATH
}

teardown() {
  if [ -n "${fetcher:-}" ]; then
    kill "$fetcher" 2>/dev/null || true
    wait "$fetcher" 2>/dev/null || true
  fi
  rm -f "/dev/shm/larshm.$instance" "/dev/shm/larshm.$instance".*
}

# offers LINE [WORD...]: at the end of LINE these words are offered, sorted, and nothing is printed besides.
offers() {
  local line=$1 words
  shift
  # shellcheck disable=SC2016 # the inner bash expands
  words=$(bash --norc -u -c '
    . "$SOURCE/tools/larshm/larshm.bash"
    COMP_LINE=$1 COMP_POINT=${#1}
    _larshm
    printf "%s\n" "${COMPREPLY[@]}"' completion "$line" 2>&1)
  [ "$words" = "$(printf '%s\n' "$@")" ] || {
    echo "'$line' offers: ${words//$'\n'/ }"
    return 1
  }
}

# Routes 1/2, 1/30 and 21/3.
publish() {
  mkfifo -m 600 "$BATS_TEST_TMPDIR/to"
  "$BUILD/tests/publish" "$instance" <"$BATS_TEST_TMPDIR/to" >"$BATS_TEST_TMPDIR/said" 3>&- &
  fetcher=$!
  exec {to}>"$BATS_TEST_TMPDIR/to"
  printf '%s\n' "put 1 2 10.0.0.1:80 10.0.0.2:8080" "put 1 30 10.1.0.1:80" "put 21 3 10.0.0.9:80" >&"$to"
  for _ in {1..500}; do
    [ "$(grep -c ok "$BATS_TEST_TMPDIR/said")" -lt 4 ] || return 0
    sleep 0.02
  done
  return 1
}

@test "commands are those of --help, and those of a command, too" {
  mapfile -t commands < <(larshm --help | sed -nE '/^Commands:$/,/^$/s/^  ([a-z-]+).*/\1/p' | sort -u)
  [ ${#commands[@]} -gt 15 ]
  offers "larshm " "${commands[@]}"
  offers "larshm -j rep" report
  offers "larshm-dns --db routes.db " peers route schema serve
  offers "larshm-dns route u" undo
  offers "larshm-reporter " list serve
  offers "larshm host " clear drain pin
  offers "larshm route " accept
  offers "larshm health --probe " live ready serving
  offers "larshm health --ignore=d" damage directory
  offers "larshm-bench zi" zipf
  offers "larshm bench zipf looku" lookup
}

@test "options are those of --help, of each program and command" {
  for program in larshm larshm-bench larshm-bridge larshm-dns larshm-fetcher larshm-reporter; do
    mapfile -t options < <("$program" --help | grep -oE '^ {2,6}(-., )?--[a-z-]+' | grep -oE -- '--[a-z-]+' | sort -u)
    offers "$program --" "${options[@]}"
  done
  offers "larshm get --p" --pick
  offers "larshm-dns serve --l" --listen --long-frames
  offers "larshm-dns route add --db"
}

@test "instances, routes and hosts are those that are there" {
  publish
  offers "larshm -n $instance" "$instance"
  offers "larshm --instance $instance" "$instance"
  offers "larshm --instance=$instance" "$instance"
  offers "larshm -n $instance get " 1 21
  offers "larshm -n $instance get 2" 21
  offers "larshm --instance=$instance get 1 " 2 30
  offers "larshm -n $instance get 1 3" 30
  offers "larshm -n $instance report 1 2 " 10.0.0.1:80 10.0.0.2:8080
  offers "larshm -n $instance host drain 1 2 10.0.0.2" 10.0.0.2:8080
  offers "larshm -n $instance host drain 1 2 10.0.0.2:" 8080
  offers "larshm -n $instance qps --route " 1/2 1/30 21/3
  LARSHM_INSTANCE=$instance offers "larshm list " 1 21
}

@test "of many routes some hundreds are offered, and at once" {
  publish
  echo "many 100000" >&"$to"
  for _ in {1..500}; do
    [ "$(grep -c ok "$BATS_TEST_TMPDIR/said")" -lt 5 ] || break
    sleep 0.02
  done
  # shellcheck disable=SC2016 # the inner bash expands
  count=$(bash -c '. "$SOURCE/tools/larshm/larshm.bash"; COMP_LINE=$1 COMP_POINT=${#1}; _larshm; echo ${#COMPREPLY[@]}' \
    completion "larshm -n $instance get 1000 ")
  [ "$count" -eq 500 ]
}

@test "files are offered where a file is meant" {
  cd "$BATS_TEST_TMPDIR"
  touch "one.conf" "two.conf" "with blanks.conf"
  offers "larshm-fetcher -c o" one.conf
  offers "larshm-fetcher --check-config=t" two.conf
  offers "larshm import-lars w" "with blanks.conf"
  offers "larshm-dns --db tw" two.conf
}

@test "without an instance, without the program, with a program that hangs: nothing is offered, and no error" {
  offers "larshm -n $instance get "
  offers "larshm-of-no-one "
  printf '#!/bin/sh\nexec sleep 100\n' >"$BATS_TEST_TMPDIR/larshm"
  chmod +x "$BATS_TEST_TMPDIR/larshm"
  offers "$BATS_TEST_TMPDIR/larshm "
}

@test "a word that looks like an option is not run, and an empty line offers nothing" {
  cd "$BATS_TEST_TMPDIR"
  offers ""
  offers " "
  offers "larshm -a//;e>ran;# x"
  offers "larshm -x/[ x"
  offers "larshm -.* wai" wait
  [ ! -e ran ]
}

@test "all programs have it where bash-completion looks, once they are installed" {
  for program in "$BIN"/larshm*; do
    # shellcheck disable=SC2016 # the inner bash expands
    bash -c '. "$SOURCE/tools/larshm/larshm.bash"; complete -p "$1"' completion "${program##*/}"
  done
  DESTDIR=$BATS_TEST_TMPDIR/root cmake --install "$BUILD" --prefix /usr >/dev/null
  for program in "$BIN"/larshm*; do
    cmp "$SOURCE/tools/larshm/larshm.bash" "$BATS_TEST_TMPDIR/root/usr/share/bash-completion/completions/${program##*/}"
  done
}
