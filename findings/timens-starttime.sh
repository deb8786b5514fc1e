#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Linux time namespaces: a process has another start time for each reader of its /proc/PID/stat.
#
# Expected: field 22 of /proc/PID/stat, the start time, is a fact of that process. Together with the pid it is the
# usual proof that a pid still means the same process, also when one process stores the pair and another one checks
# it. And unshare(2) with CLONE_NEWTIME leaves the caller where it is; its manual says that only later children are
# moved.
#
# Seen (Linux 6.18, unshare of util-linux 2.38.1): field 22 is shifted by the boot-time offset of the READER's time
# namespace. Two readers in one pid namespace get two start times for one process. So is
# btime in /proc/stat, the other way, so that their sum, the start on the wall clock, is the same for both.
# CLOCK_REALTIME is not shifted. The caller of unshare is moved after all, by its next exec: "unshare --time PROGRAM"
# needs no --fork.
#
# Why it matters: a lock or a lease in shared memory or a file that is marked with pid and start time looks abandoned
# to a reader in a container with a time offset (a restored checkpoint has one), which then takes it from a live
# owner. The same holds for CLOCK_BOOTTIME and CLOCK_MONOTONIC deadlines in shared memory. A pidfd has no such
# trouble.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cannot() { echo "cannot be shown here: $*" >&2; exit 77; }
changed() { echo "CHANGED: $*" >&2; exit 1; }

# fetch SUITE PACKAGE=VERSION...: unpacks these packages into $dir/SUITE, from the mirror that apt uses here.
fetch() {
  local suite=$1 apt=$dir/apt.$1 keys=/usr/share/keyrings/debian-archive-keyring.gpg mirror options deb
  shift
  command -v apt-get >/dev/null || cannot "no apt-get"
  mirror=$(apt-get indextargets --format "\$(REPO_URI)" 'Created-By: Packages' 'Origin: Debian' 'Label: Debian')
  mirror=${mirror%%$'\n'*}
  [ -n "$mirror" ] || cannot "apt knows no Debian mirror"
  mkdir -p "$apt"/lists/partial "$apt"/cache/archives/partial "$apt"/debs "$dir/$suite"
  echo "deb [signed-by=$keys] $mirror $suite main" >"$apt/sources"
  : >"$apt/status"
  options=(-qq -o Dir::State="$apt" -o Dir::State::status="$apt/status" -o Dir::Cache="$apt/cache"
    -o Dir::Etc::sourcelist="$apt/sources" -o Dir::Etc::sourceparts=/dev/null -o APT::Sandbox::User=)
  apt-get "${options[@]}" update >"$apt/log" 2>&1 || cannot "$(tail -n 1 "$apt/log")"
  (cd "$apt/debs" && apt-get "${options[@]}" download "$@") >"$apt/log" 2>&1 || cannot "$(tail -n 1 "$apt/log")"
  for deb in "$apt"/debs/*.deb; do dpkg -x "$deb" "$dir/$suite"; done
}

fetch bookworm util-linux=2.38.1-5+deb12u3
enter=("$dir/bookworm/usr/bin/unshare" --time)
[ "$(id -u)" -eq 0 ] || enter+=(--user --map-root-user)
"${enter[@]}" --boottime 1 true 2>/dev/null || cannot "no time namespaces for this user"

cat >"$dir/read" <<'READ'
set -eu
stat=$(cat "/proc/$1/stat")
stat=${stat##*) }
# shellcheck disable=SC2086
set -- $stat
ticks=${20}
read -r _ boot < <(grep btime /proc/stat)
echo "$ticks $boot $(date +%s) $(readlink /proc/self/ns/time)"
READ
sleep 600 &
target=$!
trap 'kill $target 2>/dev/null || :; rm -rf "$dir"' EXIT

day=86400 hertz=$(getconf CLK_TCK)
read -r ticks boot now space < <(bash "$dir/read" "$target")
read -r ticks_in boot_in now_in space_in < <("${enter[@]}" --boottime $day bash "$dir/read" "$target")
printf '%-34s %18s %18s\n' "Linux $(uname -r)" "outside" "inside, +1 day" \
  "start time of one process (ticks)" "$ticks" "$ticks_in" "btime in /proc/stat" "$boot" "$boot_in" \
  "wall clock" "$now" "$now_in" "namespace of the reader" "$space" "$space_in"

[ "$space" != "$space_in" ] || changed "exec does not enter the new time namespace"
[ $((ticks_in - ticks)) -eq $((day * hertz)) ] || changed "the start time does not depend on the reader"
shift=$((boot - boot_in))
[[ $shift -ge $((day - 1)) && $shift -le $((day + 1)) ]] || changed "btime is not shifted"
[ $((now_in - now)) -lt 60 ] || changed "CLOCK_REALTIME is shifted"
