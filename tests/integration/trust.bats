#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016,SC2030,SC2031,SC2154 # other shells expand; each test is a subshell; live.bash sets them
# Whom programs trust: fetchers of other users, other accounts, user namespaces, directories of their own. Needs root.

bats_require_minimum_version 1.5.0
load live

FETCHER=64990 # a user whom no accounts have
SECOND=64991
USER=64992

setup_file() {
    [ "$(id -u)" -eq 0 ] || skip "needs root, to become other users"
    unshare -Ufm true 2>/dev/null || skip "this machine has no user namespaces"
}

# The programs where other users reach them, and a place for the objects.
reach() {
    chmod 755 "$BATS_TEST_TMPDIR" "$BATS_FILE_TMPDIR" "$BATS_RUN_TMPDIR"
    mkdir -p "$BATS_TEST_TMPDIR/bin" "$BATS_TEST_TMPDIR/lib"
    cp "$BIN/larshm" "$BIN/larshm-fetcher" "$BUILD/tests/client" "$BATS_TEST_TMPDIR/bin"
    cp -a "$BUILD"/lib/liblarshm.so* "$BATS_TEST_TMPDIR/lib"
    export LD_LIBRARY_PATH="$BATS_TEST_TMPDIR/lib"
    own="$BATS_TEST_TMPDIR/own"
}

as_user() {
    setpriv --reuid="$1" --regid="$1" --clear-groups "${@:2}"
}

# serve UID [LINE...]: a directory with route 1/1, and a fetcher of this user that has it.
serve() {
    local uid=$1
    reach
    route add 1 1 10.0.0.1:80
    "$BIN/larshm-dns" --db "$database" serve --listen 127.0.0.1:0 >"$BATS_TEST_TMPDIR/directory" 2>/dev/null 3>&- &
    pids+=("$!")
    eventually test -s "$BATS_TEST_TMPDIR/directory"
    printf '%s\n' "[reporter]" "ip =" "[shm]" "group =" "${@:2}" >"$BATS_TEST_TMPDIR/conf"
    run_fetcher "$uid"
}

run_fetcher() {
    setpriv --reuid="$1" --regid="$1" --clear-groups "$BATS_TEST_TMPDIR/bin/larshm-fetcher" -n "$instance" -c "$BATS_TEST_TMPDIR/conf" \
        --dns "$(sed 's/listening on //' "$BATS_TEST_TMPDIR/directory")" 2>>"$BATS_TEST_TMPDIR/log" 3>&- &
    fetcher=$!
    pids+=("$fetcher")
    eventually env LARSHM_TRUST_UID="$1" "$BIN/larshm" -n "$instance" wait 1 1 -t 1000
}

# With these accounts instead of the machine's: a copy of /etc that has little else.
with_accounts() {
    local accounts=$1 etc
    etc="$BATS_TEST_TMPDIR/etc"
    mkdir -p "$etc/larshm"
    printf '%b' "$accounts" >"$etc/passwd"
    printf 'passwd: files\n' >"$etc/nsswitch.conf"
    unshare -m sh -c 'mount --bind "$0" /etc && exec "$@"' "$etc" "${@:2}"
}

# client PREFIX...: starts a client that waits for orders, see client.c. The file `answers` has its answers.
client() {
    mkfifo "$BATS_TEST_TMPDIR/orders"
    "$@" "$BATS_TEST_TMPDIR/bin/client" "$instance" <"$BATS_TEST_TMPDIR/orders" >"$BATS_TEST_TMPDIR/answers" 3>&- &
    pids+=("$!")
    exec 7>"$BATS_TEST_TMPDIR/orders"
    eventually grep -q "" "$BATS_TEST_TMPDIR/answers"
    [[ "$(cat "$BATS_TEST_TMPDIR/answers")" == "0 "* ]]
}

# order WORD...: sends an order, and prints the answer.
order() {
    answers=$(wc -l <"$BATS_TEST_TMPDIR/answers")
    echo "$*" >&7
    eventually answered
    tail -n 1 "$BATS_TEST_TMPDIR/answers"
}

answered() {
    [ "$(wc -l <"$BATS_TEST_TMPDIR/answers")" -gt "$answers" ]
}

answers_with() {
    local wanted=$1
    shift
    [ "$(order "$@")" = "$wanted" ]
}

@test "a fetcher whose user the accounts do not have is trusted once it is listed, and the refusal says how" {
    serve "$FETCHER"
    run -6 larshm show
    [[ "$output" == *"uid $FETCHER, who is not trusted"*"LARSHM_TRUST_UID=$FETCHER"*"/etc/larshm/trust"* ]]
    run -6 larshm get 1 1
    [[ "$output" == *"LARSHM_TRUST_UID=$FETCHER"* ]]
    LARSHM_TRUST_UID="1,$FETCHER" run -0 larshm get 1 1
    LARSHM_TRUST_UID="$SECOND" run -6 larshm get 1 1
    LARSHM_TRUST_UID="larshm" run -6 larshm get 1 1
    [[ "$output" == *"no list of 1 to 16 decimal uids"* ]]
    run as_user "$FETCHER" "$BATS_TEST_TMPDIR/bin/larshm" -n "$instance" get 1 1
    [ "$status" -eq 0 ]
}

@test "the administrator's file lists whom to trust, while it is root's" {
    local list="$BATS_TEST_TMPDIR/etc/larshm/trust"
    serve "$FETCHER"
    mkdir -p "$BATS_TEST_TMPDIR/etc/larshm"
    printf '# the fetcher\n%s # here\n\n%s' "$FETCHER" "$SECOND" >"$list"
    run -0 with_accounts "" "$BIN/larshm" -n "$instance" get 1 1
    chmod 0666 "$list"
    run -6 with_accounts "" "$BIN/larshm" -n "$instance" get 1 1
    chmod 0644 "$list"
    chown "$FETCHER" "$list"
    run -6 with_accounts "" "$BIN/larshm" -n "$instance" get 1 1
    chown 0 "$list"
    echo "larshm" >"$list"
    run -6 with_accounts "" "$BIN/larshm" -n "$instance" get 1 1
    [[ "$output" == *"/etc/larshm/trust"*"no list of 1 to 16 decimal uids"* ]]
}

@test "where no list is given, the account larshm is trusted" {
    serve "$FETCHER"
    run -0 with_accounts "root:x:0:0::/:/bin/sh\nlarshm:x:$FETCHER:1::/:/bin/sh\n" "$BIN/larshm" -n "$instance" get 1 1
    run -6 with_accounts "root:x:0:0::/:/bin/sh\nlarshm:x:$SECOND:1::/:/bin/sh\n" "$BIN/larshm" -n "$instance" get 1 1
    LARSHM_TRUST_UID="$SECOND" run -6 with_accounts "larshm:x:$FETCHER:1::/:/bin/sh\n" "$BIN/larshm" -n "$instance" get 1 1
}

@test "a client follows when the account of the fetcher changes" {
    serve 0
    client with_accounts "root:x:0:0::/:/bin/sh\n"
    eventually answers_with "0 10.0.0.1" get 1 1
    end_fetcher TERM
    rm -f "$object" "$object".*
    printf 'x:x:1:1::/:\nlarshm:x:%s:1::/:\n' "$FETCHER" >"$BATS_TEST_TMPDIR/etc/passwd"
    route del 1 1 10.0.0.1:80
    route add 1 1 10.0.0.2:80
    run_fetcher "$FETCHER"
    eventually answers_with "0 10.0.0.2" get 1 1
    end_fetcher TERM
    rm -f "$object" "$object".*
    printf 'larshm:x:%s:1::/:\n' "$SECOND" >"$BATS_TEST_TMPDIR/etc/passwd"
    route del 1 1 10.0.0.2:80
    route add 1 1 10.0.0.3:80
    run_fetcher "$SECOND"
    eventually answers_with "0 10.0.0.3" get 1 1
}

# The fetcher starts again, and has another host for the route.
next_fetcher() {
    end_fetcher TERM
    route set 1 1 "$1:80"
    run_fetcher "$FETCHER"
}

expect_stays() {
    next_fetcher "$2"
    eventually answers_with "17 " report 1 1 # G11: the result is not taken
    answers_with "0 $1" get 1 1 # G9
}

@test "a uid that is no longer listed is trusted with no newer object, and one that is listed again is" {
    local list="$BATS_TEST_TMPDIR/etc/larshm/trust"
    serve "$FETCHER"
    mkdir -p "$BATS_TEST_TMPDIR/etc/larshm"
    echo "$FETCHER" >"$list"
    client with_accounts "root:x:0:0::/:/bin/sh\n"
    eventually answers_with "0 10.0.0.1" report 1 1
    echo "$SECOND" >"$list"
    expect_stays 10.0.0.1 10.0.0.2
    printf '%s\n' "$SECOND" "$FETCHER" >"$list"
    eventually answers_with "0 10.0.0.2" report 1 1
    rm "$list"
    expect_stays 10.0.0.2 10.0.0.3
    printf 'larshm:x:%s:1::/:\n' "$FETCHER" >"$BATS_TEST_TMPDIR/etc/passwd"
    eventually answers_with "0 10.0.0.3" report 1 1
    printf 'root:x:0:0::/:\n' >"$BATS_TEST_TMPDIR/etc/passwd"
    expect_stays 10.0.0.3 10.0.0.4
}

@test "a client in another root directory keeps the list that it had" {
    local list="$BATS_TEST_TMPDIR/etc/larshm/trust"
    serve "$FETCHER"
    mkdir -p "$BATS_TEST_TMPDIR/etc/larshm" "$BATS_TEST_TMPDIR/root/etc/larshm"
    echo "$FETCHER" >"$list"
    echo "$SECOND" >"$BATS_TEST_TMPDIR/root/etc/larshm/trust"
    client with_accounts "root:x:0:0::/:/bin/sh\n"
    eventually answers_with "0 10.0.0.1" get 1 1
    [ "$(order chroot "$BATS_TEST_TMPDIR/root")" = 0 ]
    next_fetcher 10.0.0.2
    eventually answers_with "0 10.0.0.2" get 1 1
}

@test "a client that may not read the list any more keeps it" {
    local list="$BATS_TEST_TMPDIR/etc/larshm/trust"
    serve "$FETCHER"
    mkdir -p "$BATS_TEST_TMPDIR/etc/larshm"
    echo "$FETCHER" >"$list"
    chmod 0600 "$list"
    client with_accounts "root:x:0:0::/:/bin/sh\n"
    [ "$(order setuid "$USER")" = 0 ]
    next_fetcher 10.0.0.2
    eventually answers_with "0 10.0.0.2" get 1 1
}

# As services with PrivateUsers=yes: root and this user mean the same in the namespace, all others are unmapped.
private_users() {
    local user=$1 pid
    shift
    mkfifo "$BATS_TEST_TMPDIR/mapped"
    unshare -U sh -c 'read -r _ <"$0"; exec "$@"' "$BATS_TEST_TMPDIR/mapped" setpriv --reuid="$user" "$@" &
    pid=$!
    eventually different_namespace "$pid"
    printf '0 0 1\n%s %s 1\n' "$user" "$user" | dd bs=1k iflag=fullblock status=none of="/proc/$pid/uid_map" # one write
    echo >"$BATS_TEST_TMPDIR/mapped"
    rm "$BATS_TEST_TMPDIR/mapped"
    wait "$pid"
}

different_namespace() {
    [ "$(readlink "/proc/$1/ns/user")" != "$(readlink /proc/self/ns/user)" ]
}

in_each_namespace() {
    "$@" unshare -U
    "$@" unshare -Ur
    "$@" as_user "$USER" unshare -U
    "$@" as_user "$USER" unshare -Ur
    "$@" private_users "$USER"
}

expect_refused() {
    LARSHM_TRUST_UID="65534,$FETCHER" run -6 "$@" "$BATS_TEST_TMPDIR/bin/larshm" -n "$instance" get 1 1
    [[ "$output" == *"outside of this user namespace"*"LARSHM_DIRECTORY"* ]]
}

expect_served() {
    LARSHM_DIRECTORY="$own" run -0 "$@" "$BATS_TEST_TMPDIR/bin/larshm" -n "$instance" get 1 1
    [[ "$output" == *10.0.0.1* ]]
}

@test "in /dev/shm no user namespace trusts users whom it does not map, and the refusal names the cure" {
    serve "$FETCHER"
    in_each_namespace expect_refused
}

@test "a namespace in which the fetcher's user is mapped trusts it" {
    serve "$USER"
    LARSHM_TRUST_UID="$USER" run -0 private_users "$USER" "$BATS_TEST_TMPDIR/bin/larshm" -n "$instance" get 1 1
}

@test "a directory of its own is trusted in every namespace" {
    reach
    install -d -o "$FETCHER" -m 0755 "$own"
    export LARSHM_DIRECTORY="$own"
    serve "$FETCHER" "directory = $own"
    [ ! -e "$object" ] && [ -e "$own/larshm.$instance" ]
    in_each_namespace expect_served
    as_user "$USER" env LARSHM_TRUST_UID="$FETCHER" "$BATS_TEST_TMPDIR/bin/larshm" -n "$instance" get 1 1
    run -6 as_user "$USER" "$BATS_TEST_TMPDIR/bin/larshm" -n "$instance" get 1 1
    [[ "$output" == *"$own: "*"uid $FETCHER, who is not trusted"* ]]
}

@test "a container that mounts the directory alone is served, and follows its fetcher" {
    reach
    export LARSHM_DIRECTORY="$own"
    serve 0
    mkdir "$BATS_TEST_TMPDIR/mounted"
    export LARSHM_DIRECTORY="$BATS_TEST_TMPDIR/mounted"
    client as_user "$USER" unshare -Urm sh -c 'mount --bind "$0" "$1" && shift && exec "$@"' "$own" "$LARSHM_DIRECTORY"
    eventually answers_with "0 10.0.0.1" get 1 1
    end_fetcher TERM
    route del 1 1 10.0.0.1:80
    route add 1 1 10.0.0.2:80
    LARSHM_DIRECTORY="$own" run_fetcher 0
    eventually answers_with "0 10.0.0.2" get 1 1
}

@test "the fetcher creates the directory where it may, and says what to do where it may not" {
    reach
    export LARSHM_DIRECTORY="$own"
    serve 0 "directory = $own"
    [ "$(stat -c '%a %u' "$own")" = "755 0" ]
    end_fetcher TERM
    printf "%s\n" "[shm]" "directory = $BATS_TEST_TMPDIR/none" >"$BATS_TEST_TMPDIR/conf"
    run -1 as_user "$USER" "$BATS_TEST_TMPDIR/bin/larshm-fetcher" -n "$instance" -c "$BATS_TEST_TMPDIR/conf"
    [[ "$output" == *"no directory $BATS_TEST_TMPDIR/none"*"create it with mode 0755"* ]]
}
