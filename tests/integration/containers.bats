#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016,SC2034,SC2154 # other shells expand; live.bash and containers.bash set and read variables
# conf/compose.yaml and conf/kubernetes.yaml work: their containers, made with namespaces. Needs root.

bats_require_minimum_version 1.5.0
load live
load containers

setup_file() {
    [ "$(id -u)" -eq 0 ] || skip "needs root, to make containers"
    unshare --mount --pid --net --fork true 2>/dev/null || skip "this machine has no namespaces"
}

# unshare leaves SIGTERM to its child.
teardown() {
    for pid in "${pids[@]}"; do
        kill -KILL "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    eventually memory_groups_remove
}

routes() {
    container_read compose.yaml directory
    in_container "$directory" compose.yaml directory "${command[@]:0:3}" route "$@"
}

# A directory that has route 1/1, for either file's fetchers.
directory_start() {
    node_start
    container_start compose.yaml directory
    directory=$container_pid
    eventually routes set 1 1 10.0.0.1:80
    probe "$directory" compose.yaml directory health
}

fetcher_start() {
    container_start "$1" fetcher
    fetcher=$container_pid
    fetcher_parent=${pids[-2]}
    eventually probe "$fetcher" "$1" fetcher "$2"
}

# As `docker stop` and kubelet do, or with another signal.
fetcher_end() {
    kill "-${1:-TERM}" "$fetcher"
    wait "$fetcher_parent" || true
}

# client_start FILE: the client's container, with a program that obeys order(); before that, its own command.
client_start() {
    container_start "$1" client
    eventually grep -q "^route 1/1: 1 host after" "$BATS_TEST_TMPDIR/client.out"
    kill -KILL "$container_pid"
    mkfifo "$BATS_TEST_TMPDIR/orders"
    exec 7<>"$BATS_TEST_TMPDIR/orders"
    container_start "$1" client client default <&7
    client=$container_pid
    eventually answers "0 "
}

answers() {
    [[ "$(tail -n 1 "$BATS_TEST_TMPDIR/client.out")" == "$1"* ]]
}

# answers_with ANSWER ORDER: of the client.
answers_with() {
    local before
    before=$(wc -l <"$BATS_TEST_TMPDIR/client.out")
    echo "${@:2}" >&7
    eventually answered "$before"
    answers "$1"
}

answered() {
    [ "$(wc -l <"$BATS_TEST_TMPDIR/client.out")" -gt "$1" ]
}

# counted FILE NUMBER: the fetcher has so many results.
counted() {
    in_container "$fetcher" "$1" fetcher larshm -j stats | grep -qE "\"total_succ\": ?$2\b"
}

# works FILE READY CLIENT_READY: with the names that the file's probes have.
works() {
    local file=$1 ready=$2
    fetcher_start "$file" "$ready"
    client_start "$file"
    answers_with "0 10.0.0.1" get 1 1
    answers_with "0 10.0.0.1" report 1 1
    eventually counted "$file" 1
    probe "$client" "$file" client "$3"
    # The fetcher is replaced, as by a rolling update: the client goes on, and follows.
    fetcher_end
    answers_with "0 10.0.0.1" get 1 1
    probe "$client" "$file" client "$3"
    routes set 1 1 10.0.0.2:80
    fetcher_start "$file" "$ready"
    eventually answers_with "0 10.0.0.2" report 1 1
    fetcher_end KILL
    answers_with "0 10.0.0.2" get 1 1
    fetcher_start "$file" "$ready"
    # One that stands still fails its probes, and its client's does not.
    kill -STOP "$fetcher"
    eventually exits 3 probe "$fetcher" "$file" fetcher "$ready"
    probe "$client" "$file" client "$3"
    kill -CONT "$fetcher"
    eventually probe "$fetcher" "$file" fetcher "$ready"
}

# looks_up_only PROBE: the container that container_read has read is served cached routes, and may not request others.
looks_up_only() {
    local prepared
    container_prepare prepared
    run -0 "${prepared[@]}" larshm get 1 1
    [[ "$output" == *"10.0.0.1:80"* ]]
    run -6 "${prepared[@]}" larshm report 1 1 10.0.0.1:80 0
    [[ "$output" == *"no permission to report"* ]]
    run -6 "${prepared[@]}" larshm get 2 2
    local -n probed="probe_$1"
    run -6 "${prepared[@]}" "${probed[@]}"
    [[ "$output" == "permission: this user may look up cached routes"* ]]
    run -0 "${prepared[@]}" "${probed[@]}" --ignore permission
}

# limited FILE PROBE: the client's container with less than it has.
limited() {
    local prepared
    container_read "$1" client
    container_prepare prepared
    "${prepared[@]}" larshm wait 1 1
    groups=(10781)
    looks_up_only "$2"
    groups=()
    looks_up_only "$2"
    container_read "$1" client
    mounts[0]=${mounts[0]/ rw / ro }
    looks_up_only "$2"
    # Whom it trusts is said by number, too.
    container_read "$1" client
    environment=("LARSHM_DIRECTORY=/run/larshm-objects" "LARSHM_TRUST_UID=10781")
    container_prepare prepared
    run -6 "${prepared[@]}" larshm get 1 1
    [[ "$output" == *"belongs to uid 10780, who is not trusted"* ]]
}

@test "compose.yaml: the client gets hosts and reports, goes on while the fetcher is replaced, and probes say what is so" {
    directory_start
    works compose.yaml health health
}

@test "kubernetes.yaml: the client gets hosts and reports, goes on while the fetcher is replaced, and probes say what is so" {
    directory_start
    container_start kubernetes.yaml folders
    wait "${pids[-2]}"
    works kubernetes.yaml startup readiness
    probe "$fetcher" kubernetes.yaml fetcher liveness
    probe "$fetcher" kubernetes.yaml fetcher readiness
    in_container "$fetcher" kubernetes.yaml fetcher larshm reload
    [ -z "$(in_container "$fetcher" kubernetes.yaml fetcher find /dev/shm -mindepth 1)" ]
    # A directory that is away is no reason to restart the fetcher, nor to stop a rolling update.
    kill -KILL "$directory"
    eventually exits 8 in_container "$fetcher" kubernetes.yaml fetcher larshm health
    probe "$fetcher" kubernetes.yaml fetcher liveness
    probe "$fetcher" kubernetes.yaml fetcher readiness
    # Routes are back after a reboot.
    fetcher_end
    on_node find "$BATS_TEST_TMPDIR/node/volumes/run/larshm-objects" -name "larshm.*" -delete
    fetcher_start kubernetes.yaml readiness
    run -4 in_container "$client" kubernetes.yaml client larshm get 1 1 # not confirmed since
    [[ "$output" == *"10.0.0.2:80"* ]]
}

@test "compose.yaml: a client without the group, or with a mount for reading, may look up and no more, and is told so" {
    directory_start
    fetcher_start compose.yaml health
    limited compose.yaml health
}

@test "kubernetes.yaml: a client without the group, or with a mount for reading, may look up and no more, and is told so" {
    directory_start
    container_start kubernetes.yaml folders
    wait "${pids[-2]}"
    fetcher_start kubernetes.yaml readiness
    limited kubernetes.yaml readiness
}

@test "a fetcher that never had its directory is alive and not ready" {
    node_start
    container_start kubernetes.yaml folders
    wait "${pids[-2]}"
    fetcher_start kubernetes.yaml startup
    probe "$fetcher" kubernetes.yaml fetcher liveness
    run -8 probe "$fetcher" kubernetes.yaml fetcher readiness
}

# A sixteenth of compose.yaml's sizes.
@test "at max_bytes new routes are refused, and the memory that the files give is enough" {
    manifests="$BATS_TEST_TMPDIR/manifests"
    mkdir "$manifests"
    sed 's/max_bytes = 64M/max_bytes = 4M/; s/mem_limit: 320m/mem_limit: 20m/; s/size=256m/size=16m/' "$SOURCE/conf/compose.yaml" \
        >"$manifests/compose.yaml"
    [ "$(diff "$SOURCE/conf/compose.yaml" "$manifests/compose.yaml" | grep -c '^>')" -eq 3 ]
    directory_start
    seq 80000 | sed 's/.*/2,&,10.0.0.1,80\n2,&,10.0.0.2,80/' >"$BATS_TEST_TMPDIR/routes.csv"
    routes import /dev/stdin <"$BATS_TEST_TMPDIR/routes.csv"
    fetcher_start compose.yaml health
    client_start compose.yaml
    eventually refuses
    answers_with "0 10.0.0.1" get 1 1
    probe "$fetcher" compose.yaml fetcher health
}

refuses() {
    seq 80000 | sed 's/^/get 2 /' >&7
    prints "^limit: REFUSING new routes: max_bytes is reached" in_container "$fetcher" compose.yaml fetcher larshm health
}

@test "both files give the fetcher five times max_bytes, and the objects four times" {
    grep -qx '      max_bytes = 64M' "$SOURCE/conf/compose.yaml"
    grep -q '^    mem_limit: 320m' "$SOURCE/conf/compose.yaml"
    grep -q 'o: "size=256m,' "$SOURCE/conf/compose.yaml"
    grep -qx '    max_bytes = 64M' "$SOURCE/conf/kubernetes.yaml"
    grep -qx '            limits: {memory: 320Mi}' "$SOURCE/conf/kubernetes.yaml"
}
