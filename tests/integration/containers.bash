#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# For tests: makes the containers of conf/compose.yaml and conf/kubernetes.yaml with namespaces, as their files and
# conf/Dockerfile say: users, groups, capabilities, mounts, environment, configuration, memory, commands and probes.
# shellcheck disable=SC2016,SC2034,SC2153,SC2154 # inner shells expand; variables are set by containers.py and bats, and read there

# node_start: a machine with a network and folders of its own, in which containers are started.
node_start() {
    node_files="$BATS_TEST_TMPDIR/files"
    mkdir -p "$node_files" "$BATS_TEST_TMPDIR/node" "$BATS_TEST_TMPDIR/etc"
    chmod 755 "$BATS_TEST_TMPDIR"
    local id
    id=$(sed -nE 's/.*useradd --uid ([0-9]+) .*/\1/p' "$SOURCE/conf/Dockerfile")
    printf '%s\n' "root:x:0:0::/:/bin/sh" "larshm:x:$id:$id::/:/bin/sh" >"$BATS_TEST_TMPDIR/etc/passwd"
    printf '%s\n' "root:x:0:" "larshm:x:$id:" >"$BATS_TEST_TMPDIR/etc/group"
    printf '%s\n' "passwd: files" "group: files" "hosts: files" >"$BATS_TEST_TMPDIR/etc/nsswitch.conf"
    printf '127.0.0.1 localhost directory dns1.example.com dns2.example.com\n' >"$BATS_TEST_TMPDIR/etc/hosts"
    touch "$BATS_TEST_TMPDIR/etc/larshm.conf"
    mkdir "$BATS_TEST_TMPDIR/etc/larshm"
    unshare --mount --net --pid --fork --kill-child bash -ec '
        mount -t tmpfs tmpfs "$0/node"
        mount -t tmpfs -o mode=0755 tmpfs /opt
        mkdir /opt/bin /opt/lib /opt/tests
        mount --bind "$1" /opt/bin && mount --bind "$2/lib" /opt/lib && mount --bind "$2/tests" /opt/tests
        python3 -c "
import fcntl, socket, struct
fcntl.ioctl(socket.socket(), 0x8914, struct.pack(\"16sh\", b\"lo\", 1))" # SIOCSIFFLAGS, IFF_UP
        touch "$0/node/up"
        exec sleep 600' "$BATS_TEST_TMPDIR" "$BIN" "$BUILD" 3>&- &
    pids+=("$!")
    node=$(inner "$!")
    eventually on_node test -e "$BATS_TEST_TMPDIR/node/up"
}

# The process that unshare has forked, or nothing when that has ended.
inner() {
    until pgrep -P "$1" || [ ! -e "/proc/$1" ]; do
        sleep 0.02
    done
}

on_node() {
    nsenter --target "$node" --mount --net "$@"
}

# The container's variables.
container_read() {
    local variables="$BATS_TEST_TMPDIR/$1.$2"
    name=$2
    [ -e "$variables" ] || python3 "$BATS_TEST_DIRNAME/containers.py" "${manifests:-$SOURCE/conf}/$1" "$2" "$node_files" >"$variables"
    # shellcheck source=/dev/null
    . "$variables"
}

# A control group with the container's memory limit, where this machine lets us make one: its folder.
memory_group() {
    local place=/sys/fs/cgroup/memory limit=memory.limit_in_bytes
    ! grep -q "^LARSHM_SANITIZE:[A-Z]*=." "$BUILD/CMakeCache.txt" || return 1 # those take more than programs do
    ! grep -qw memory /sys/fs/cgroup/cgroup.subtree_control 2>/dev/null || { place=/sys/fs/cgroup && limit=memory.max; }
    place+="/larshm-test-$$-$BATS_TEST_NUMBER-$name"
    { mkdir -p "$place" && echo "$memory" >"$place/$limit"; } 2>/dev/null && echo "$place"
}

# When the containers have ended.
memory_groups_remove() {
    find /sys/fs/cgroup /sys/fs/cgroup/memory -maxdepth 1 -name "larshm-test-$$-$BATS_TEST_NUMBER-*" -exec rmdir {} + 2>/dev/null
}

# What is mounted in a container: its place on the node, made as a container's manager would make it.
volume() {
    local kind=$1 source=$2 options=$3 place="$BATS_TEST_TMPDIR/node/volumes/$2"
    case $kind in
    file) place=$source ;;
    Directory) on_node test -d "$place" ;;
    DirectoryOrCreate) on_node mkdir -p "$place" ;;
    tmpfs) on_node test -d "$place" || { on_node mkdir -p "$place" && on_node mount -t tmpfs -o "$options" tmpfs "$place"; } ;;
    volume) on_node test -d "$place" || on_node install -d -o "$user" -g "$group" "$place" ;; # as the image has it
    esac
    echo "$place"
}

# privileges VARIABLE: the command that takes the container's.
privileges() {
    local -n prefix=$1
    local IFS=,
    local list=${capabilities[*]/#/+}
    prefix=(setpriv --reuid="$user" --regid="$group" --no-new-privs --inh-caps=-all --bounding-set="-all${list:+,${list,,}}")
    [ "${#groups[@]}" -gt 0 ] && prefix+=(--groups "${groups[*]}") || prefix+=(--clear-groups)
    prefix+=(env -i PATH=/opt/bin:/opt/tests:/usr/bin:/bin LD_LIBRARY_PATH=/opt/lib "$(sed -n 's/^ENV //p' "$SOURCE/conf/Dockerfile")"
        "${environment[@]}")
    [ -z "${ASAN_OPTIONS:-}" ] || prefix+=(ASAN_OPTIONS="$ASAN_OPTIONS")
}

# container_prepare VARIABLE: the command that starts the container which container_read has read, up to its own command.
container_prepare() {
    local -n command_line=$1
    local kind source target mode options group_folder own steps='set -e; mount --make-rprivate /; mount -t proc proc /proc
        mount -t tmpfs -o mode=0755 tmpfs /run; mount -t tmpfs -o mode=0755 tmpfs /var/lib
        mount -t tmpfs -o mode=1777 tmpfs /dev/shm; mount --bind "$0/etc" /etc'
    steps+="; $(sed -nE "s/^RUN (install -d .*)/\1/p" "$SOURCE/conf/Dockerfile")"
    while read -r kind source target mode options; do
        steps+="; mount --bind $(volume "$kind" "$source" "$options") $target; mount -o remount,bind,$mode $target"
    done < <(printf '%s\n' "${mounts[@]}")
    [ "$root" = rw ] || steps+='; mount -o remount,bind,ro /; for m in /run /var/lib /etc; do mount -o remount,bind,ro $m; done'
    [ "$memory" = 0 ] || ! group_folder=$(memory_group) || steps="echo 0 >$group_folder/cgroup.procs; $steps"
    privileges own
    command_line=(nsenter --target "$node" --mount --net unshare --mount --pid --ipc --uts --fork --kill-child
        sh -c "$steps"'; exec "$@"' "$BATS_TEST_TMPDIR" "${own[@]}")
}

# container_start FILE NAME [COMMAND...]: starts it, with its own command if no other is given. $container_pid is the process
# that has number 1 in it, and ends all of it; the kernel does not end it with unshare, as it has become another user.
container_start() {
    container_read "$1" "$2"
    [ $# -eq 2 ] || command=("${@:3}")
    local prepared
    container_prepare prepared
    "${prepared[@]}" "${command[@]}" <&0 >>"$BATS_TEST_TMPDIR/$2.out" 2>&1 3>&- &
    pids+=("$!")
    container_pid=$(inner "$!")
    pids+=("$container_pid")
}

# in_container PID FILE NAME COMMAND...: as docker exec and kubectl exec.
in_container() {
    container_read "$2" "$3"
    local own
    privileges own
    nsenter --target "$1" --mount --net --pid --ipc --uts "${own[@]}" "${@:4}"
}

# probe PID FILE NAME PROBE: as the container's manager probes it.
probe() {
    container_read "$2" "$3"
    local -n probed="probe_$4"
    in_container "$1" "$2" "$3" "${probed[@]}"
}
