#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# util-linux: unshare --fork does not pass on that its program was killed by SIGKILL.
#
# Expected: unshare --fork ends as its program did: with its exit status, or by the signal that ended it, so a shell sees
# 137 after a SIGKILL, as with other programs that run one (env, nice, setpriv). It does so for SIGTERM and SIGSEGV.
#
# Seen with util-linux 2.38.1 (Debian 12): before it ends by the same signal, unshare gives that signal its default action,
# which the kernel refuses for SIGKILL. It then says "sigprocmask unblock failed: Invalid argument", of a call that it has
# not made, and exits with 1.
# Seen with util-linux 2.41.5 (Debian 13): as expected.
#
# Why it matters: the kernel ends by SIGKILL what exceeds the memory limit of its control group. A supervisor or test that
# runs a program in namespaces and looks for 137 sees an ordinary failure, with a message about signal masks.
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

[ "$(id -u)" -eq 0 ] || cannot "needs root, for namespaces"
unshare --mount true 2>/dev/null || cannot "no namespaces here"
fetch bookworm util-linux=2.38.1-5+deb12u3
fetch trixie util-linux=2.41.5-0+deb13u1 libc6

# ends SIGNAL COMMAND...: how unshare ends, started by COMMAND, whose program ends by that signal
ends() {
  local signal=$1 status=0 said
  shift
  said=$("$@" --mount --fork sh -c "kill -$signal \$\$" 2>&1) || status=$?
  echo "$signal: $status${said:+ $said}"
}
both() {
  "$@" --version | sed 's/.* from //'
  ends TERM "$@"
  ends SEGV "$@"
  ends KILL "$@"
}
libs13=$(echo "$dir"/trixie/usr/lib/*-linux-gnu)
both "$dir/bookworm/usr/bin/unshare" 2>&1 | tee "$dir/12"
both "$(echo "$libs13"/ld-linux-*.so.*)" --library-path "$libs13" --argv0 unshare "$dir/trixie/usr/bin/unshare" 2>&1 |
  tee "$dir/13"

diff "$dir/12" - <<'SEEN' || changed "unshare of Debian 12"
util-linux 2.38.1
TERM: 143
SEGV: 139
KILL: 1 unshare: sigprocmask unblock failed: Invalid argument
SEEN
diff "$dir/13" - <<'SEEN' || changed "unshare of Debian 13"
util-linux 2.41.5
TERM: 143
SEGV: 139
KILL: 137
SEEN
