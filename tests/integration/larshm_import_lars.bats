#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# larshm import-lars: what a configuration file of Lars means here.

bats_require_minimum_version 1.5.0

setup() {
  file="$BATS_TEST_TMPDIR/lars.conf"
}

import() {
  run --separate-stderr "$BIN/larshm" "$@" import-lars "$file"
}

json() {
  "$BUILD/tests/json" "$@" <<<"$output"
}

# The file that an agent of Lars has, with CRLF, a byte order mark and comments behind values.
agent() {
  printf '\xEF\xBB\xBF[reporter]\r\nip = 10.1.2.3\r\nport = 7779\r\n[dnsserver]\r\nip=10.1.2.4 ; the directory\r\n'
  printf '[loadbalance]\r\n; probes\r\nprobe_num=10\r\nSucc_Rate="0.5" # of Lars\r\n'
}

@test "each line of an agent's file is explained, with the value that the fetcher takes from it" {
  agent >"$file"
  import
  [ "$status" -eq 0 ]
  [ -z "$stderr" ]
  grep -qxF '   1  [reporter]' <<<"$output"
  grep -qxF '   2  reporter.ip = 10.1.2.3' <<<"$output"
  grep -qxF '   3  reporter.port = 7779, the default' <<<"$output"
  grep -qxF '   5  dnsserver.ip = 10.1.2.4' <<<"$output"
  grep -qxF '   8  loadbalance.probe_num = 10, the default' <<<"$output"
  grep -qxF '   9  loadbalance.succ_rate = 0.5' <<<"$output"
  grep -qF 'The default is 0.92.' <<<"$output"
  grep -qF 'Without rules = lars it has no effect: recover_successes is in its place.' <<<"$output"
  grep -qF "can be used as it is: larshm-fetcher -c $file" <<<"$output"
  "$BIN/larshm-fetcher" --check-config "$file"
}

@test "keys that the file does not have are named, with the values of Lars' code" {
  agent >"$file"
  import
  grep -qxF '  loadbalance.contin_err_limit = 10' <<<"$output"
  grep -qxF '  dnsserver.port = 7778' <<<"$output"
  [ "$(grep -c '^  [a-z]*\.[a-z_]* = ' <<<"$output")" -eq 10 ] # of 15
  grep -qF '[loadbalance]  rules = lars' <<<"$output"
}

@test "lines that may be added are lines that the fetcher takes" {
  agent >"$file"
  import
  sed -nE 's/^  (\[[a-z]+\]) +([a-z_]+ =( [^ ]+,? ?[A-Z]*)?)  .*/\1\n\2/p' <<<"$output" |
    sed 's/HOST, HOST/a, b/; s/NAME/root/' >"$file.more"
  [ "$(grep -c '^\[' "$file.more")" -eq 6 ]
  "$BIN/larshm-fetcher" --check-config "$file.more"
}

@test "all mistakes are named, each at its line, and nothing else is lost" {
  { agent; printf 'foo=3\nerr_rate=7\nidle_timeout=20\nerr_rate\n'; } >"$file"
  import
  [ "$status" -eq 1 ]
  grep -q '^  10  MISTAKE: unknown key "foo" in \[loadbalance\]: known are rules,' <<<"$output"
  grep -q '^  11  MISTAKE: loadbalance.err_rate is "7": allowed is a number from 0 to 1' <<<"$output"
  grep -qxF '  12  loadbalance.idle_timeout = 20' <<<"$output"
  grep -q '^  13  MISTAKE: "err_rate" is no \[section\], key = value or # comment' <<<"$output"
  [ "$stderr" = "larshm: $file cannot be used as it is: 3 mistakes, see above" ]
  run "$BIN/larshm-fetcher" --check-config "$file"
  [ "$status" -ne 0 ]
}

@test "a line that is too long is one mistake" {
  printf '[dnsserver]\nip = %01100d\nport = 7778\n' 0 >"$file"
  import
  [ "$status" -eq 1 ]
  [[ "$output" == *"MISTAKE: longer than 1000 bytes"* ]]
  grep -qxF '   3  dnsserver.port = 7778, the default' <<<"$output"
  [[ "$stderr" == *": 1 mistake, see above" ]]
}

@test "a file of another program of Lars is recognised, and its password is not printed" {
  printf '[reactor]\nip = 127.0.0.1\n[mysql]\ndb_passwd = geheim\n[repoter]\ndb_thread_cnt = 3\n' >"$file"
  import
  [ "$status" -eq 1 ]
  [[ "$stderr" == *"it seems to be lars_reporter.conf, of Lars' report service;"* ]]
  [[ "$output" != *geheim* ]]
  printf 'appname = larsWeb\n' >"$file"
  import
  [[ "$stderr" == *"1 mistake, see above"*"it seems to be app.conf, of Lars' web pages"* ]]
}

@test "as JSON: values, mistakes and missing keys" {
  { agent; printf 'foo=3\n'; } >"$file"
  import -j
  [ "$status" -eq 1 ]
  [ "$(json version) $(json ok) $(json exit_code) $(json mistakes)" = "1 false 1 1" ]
  [ "$(json lines 1 line) $(json lines 1 key) $(json lines 1 value)" = "2 reporter.ip 10.1.2.3" ]
  [ "$(json lines 8 line)" = 10 ]
  [[ "$(json lines 8 mistake)" == 'unknown key "foo"'* ]]
  [ "$(json missing 0 key)" = dnsserver.port ]
}

@test "what is no such file is refused, with a reason" {
  local error
  for error in "cannot be opened: No such file" "is a directory" "is not a regular file" "is empty" \
    "has more than 1000 lines" "has more than 50 mistakes" "is larger than"; do
    rm -rf "$file"
    case $error in
      *directory) mkdir "$file" ;;
      *regular*) mkfifo "$file" ;;
      *empty) : >"$file" ;;
      *lines) yes '#' | head -1001 >"$file" ;;
      *mistakes) yes x | head -60 >"$file" ;;
      *larger*) yes '#' | head -c 1100000 >"$file" ;;
    esac
    import
    [ "$status" -eq 1 ]
    [ -z "$output" ]
    [[ "$stderr" == "larshm: $file"*"$error"* ]]
  done
  run -1 "$BIN/larshm" import-lars
}
