#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What the fetcher says of configuration files: to operators, to scripts, and when it reads one again.
# shellcheck disable=SC2030,SC2031,SC2154 # each test is a subshell of its own; live.bash sets what it uses

bats_require_minimum_version 1.5.0
load live

fetcher() {
    "$BIN/larshm-fetcher" "$@"
}

# conf LINE...: the configuration is these lines.
conf() {
    conf="$BATS_TEST_TMPDIR/my.conf"
    printf '%s\n' "$@" >"$conf"
}

# mistakes PATTERN...: all lines of what is wrong are about the file, and these.
mistakes() {
    local line=0
    run -1 --separate-stderr fetcher --check-config "$conf"
    [ "$output" = "" ]
    grep -v ": warning: " <<<"$stderr" >"$BATS_TEST_TMPDIR/mistakes"
    [ "$(wc -l <"$BATS_TEST_TMPDIR/mistakes")" -eq $# ]
    while read -r line; do
        # shellcheck disable=SC2053 # a pattern
        [[ "$line" == "$conf:"$1 ]]
        shift
    done <"$BATS_TEST_TMPDIR/mistakes"
}

@test "--check-config says all mistakes, each with its line, and exits with 1" {
    conf "[dnsserver]" "prot = 7778" "port = 0" "[shm]" "max_bytes = 1" "[nowhere]" "key = 1" "[fetcher]" "reconnect_max_ms = 1"
    mistakes '2: *did you mean port?' '3: dnsserver.port is "0"*' '5: shm.max_bytes is "1"*' '6: unknown section*' \
        '9: fetcher.reconnect_min_ms = 100 (the default) is more*'
}

@test "--check-config names what the file wants and this machine has not" {
    conf "[shm]" "group = no-such-group" "directory = /no/such/directory" "[fetcher]" "snapshot = /no/such/%i.snapshot" \
        "admin_socket = /dev/null/socket"
    mistakes '2: *"no-such-group"*addgroup*' '3: *, and /no/such is not there: *' '5: *, and /no/such is not there: *' \
        '6: *, and /dev/null is no folder: *'
    conf "[shm]" "group =" "directory = $BATS_TEST_TMPDIR/new" "[fetcher]" "snapshot = $BATS_TEST_TMPDIR/%i" \
        "admin_socket = $BATS_TEST_TMPDIR/socket"
    run -0 --separate-stderr fetcher --check-config "$conf"
    [ "$output" = ok ]
}

@test "--check-config warns where programs would trust no fetcher, or a user who is not there" {
    conf "[shm]" "group ="
    LARSHM_TRUST_UID=0,4294967294 run -0 --separate-stderr fetcher --check-config "$conf"
    [[ "$output" == ok && "$stderr" == *": warning: uid 4294967294"* ]]
    LARSHM_TRUST_UID=me run -0 --separate-stderr fetcher --check-config "$conf"
    [[ "$output" == ok && "$stderr" == *": warning: "*"no list of uids"* ]]
    LARSHM_TRUST_UID=0 run -0 fetcher --check-config "$conf"
    [ "$output" = ok ]
}

# on_machine LINE...: --check-config on a machine with these accounts.
on_machine() {
    printf '%s\n' "$@" >"$BATS_TEST_TMPDIR/etc/passwd"
    # shellcheck disable=SC2016 # another shell expands
    run -0 --separate-stderr unshare -m sh -c 'mount --bind "$0" /etc && exec "$@"' "$BATS_TEST_TMPDIR/etc" \
        "$BIN/larshm-fetcher" --check-config "$conf"
    [ "$output" = ok ]
}

@test "--check-config finds the account, or the list, of whom programs trust" {
    unshare -m true 2>/dev/null || skip "only root may mount here"
    conf "[shm]" "group ="
    mkdir -p "$BATS_TEST_TMPDIR/etc/larshm"
    echo 'passwd: files' >"$BATS_TEST_TMPDIR/etc/nsswitch.conf"
    on_machine root:x:0:0::/: larshm:x:990:990::/:
    [ "$stderr" = "" ]
    on_machine root:x:0:0::/:
    [[ "$stderr" == *": warning: no user \"larshm\" and no /etc/larshm/trust"* ]]
    echo 0 >"$BATS_TEST_TMPDIR/etc/larshm/trust"
    on_machine root:x:0:0::/:
    [ "$stderr" = "" ]
}

@test "--print-config prints a file that --check-config takes, and that says the same again" {
    conf "[dnsserver]" "servers = a, b:9" "[fetcher]" "snapshot = '/tmp/a;b#%i'" "log_level = debug" "[shm]" "group ="
    fetcher -c "$conf" --print-config >"$BATS_TEST_TMPDIR/printed"
    [ "$(fetcher --check-config "$BATS_TEST_TMPDIR/printed" 2>/dev/null)" = ok ]
    fetcher -c "$BATS_TEST_TMPDIR/printed" --print-config | diff "$BATS_TEST_TMPDIR/printed" -
    grep -qx 'servers = a:7778, b:9' "$BATS_TEST_TMPDIR/printed"
}

@test "a reload of a file with several mistakes logs all of them, and the operator sees the first" {
    live
    printf '%s\n' "[fetcher]" "poll_interval = 1" "log_level = loud" >"$BATS_TEST_TMPDIR/conf"
    run -1 larshm reload
    [[ "$output" == *"/conf:2: "*"did you mean poll_interval_ms?; 1 more in the log"* ]]
    grep -q "/conf:2: " "$BATS_TEST_TMPDIR/log"
    grep -q "/conf:3: " "$BATS_TEST_TMPDIR/log"
    grep -q "/conf is wrong; the configuration is unchanged" "$BATS_TEST_TMPDIR/log"
}
