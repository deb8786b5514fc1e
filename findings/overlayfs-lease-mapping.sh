#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Leases and overlayfs: a write lease is granted on a file that another program has mapped.
#
# Expected: fcntl(F_SETLEASE, F_WRLCK) succeeds only if no other open file description of the file exists. A mapping keeps
# one after close(2), so a lease proves that no program has the file mapped, on any file system that has leases.
#
# Seen (Linux 6.18, util-linux 2.38.1): so it is on tmpfs: EAGAIN while the file is mapped, whether its descriptor is open or
# closed. On overlayfs an open descriptor is seen, and a mapping whose descriptor was closed is not: the lease is
# granted. A mapping keeps a file of the layer below open, and a lease looks at the file of the overlay.
#
# Why it matters: who truncates or reuses a file once it has the lease takes pages away from programs that read
# them. It works in /dev/shm, and not in a container's /run or /tmp, which often belong to the overlay.
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

command -v cc >/dev/null || cannot "no C compiler"
fetch bookworm util-linux=2.38.1-5+deb12u3
own=("$dir/bookworm/usr/bin/unshare" --mount)
[ "$(id -u)" -eq 0 ] || own+=(--user --map-root-user)
"${own[@]}" true 2>/dev/null || cannot "no mount namespaces for this user"

cat >"$dir/lease.c" <<'C'
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const char *lease(int fd)
{
    if (fcntl(fd, F_SETLEASE, F_WRLCK) != 0)
        return strerrorname_np(errno);
    fcntl(fd, F_SETLEASE, F_UNLCK);
    return "granted";
}

int main(int argc, char **argv)
{
    int owner = argc == 2 ? open(argv[1], O_RDWR | O_CREAT, 0644) : -1;
    if (owner < 0 || ftruncate(owner, 4096) != 0)
        return 2;
    int reader = open(argv[1], O_RDONLY);
    void *start = mmap(NULL, 4096, PROT_READ, MAP_SHARED, reader, 0);
    if (reader < 0 || start == MAP_FAILED)
        return 2;
    printf("open and mapped: %s\n", lease(owner));
    close(reader);
    printf("mapped: %s\n", lease(owner));
    munmap(start, 4096);
    printf("neither: %s\n", lease(owner));
    return 0;
}
C
cc -o "$dir/lease" "$dir/lease.c"
cat >"$dir/look" <<'LOOK'
set -eu
dir=$1
mkdir "$dir/memory"
mount -t tmpfs none "$dir/memory"
cd "$dir/memory"
mkdir lower upper work merged
mount -t overlay -o lowerdir=lower,upperdir=upper,workdir=work overlay merged
echo tmpfs
"$dir/lease" "$dir/memory/file"
echo overlayfs on it
"$dir/lease" "$dir/memory/merged/file"
LOOK
echo "Linux $(uname -r)"
"${own[@]}" bash "$dir/look" "$dir" >"$dir/seen" || cannot "no overlayfs for this user, or no leases"
cat "$dir/seen"

diff "$dir/seen" - <<'SEEN' || changed "leases on mapped files"
tmpfs
open and mapped: EAGAIN
mapped: EAGAIN
neither: granted
overlayfs on it
open and mapped: EAGAIN
mapped: granted
neither: granted
SEEN
