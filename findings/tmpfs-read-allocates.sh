#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# tmpfs and POSIX shared memory: reading a hole through a read-only mapping takes memory and space.
#
# Expected: a page of a sparse file that was never written costs nothing, and reading it gives zeros from one page
# that all share. So a reader, with O_RDONLY and PROT_READ, cannot fill a file system, nor fail for want of space.
#
# Seen (Linux 6.18, vmtouch 1.3.1): read(2) on a hole of a tmpfs file takes nothing. A read access through a mapping
# allocates the page, for good: st_blocks of the file and the use of the file system grow as if it had been written.
# When the tmpfs has no room, the read fails: MADV_POPULATE_READ says EFAULT, not ENOSPC, and a plain access would
# raise SIGBUS, with the file neither truncated nor written.
#
# Why it matters: a large, sparse segment in /dev/shm is filled by its readers, for instance by one that walks an
# empty hash table or by a tool that scans the mapping. "Nothing was truncated" does not rule out SIGBUS in a reader.
# A writer that must not share this fate allocates with posix_fallocate.
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
fetch bookworm vmtouch=1.3.1-2
own=(unshare --mount)
[ "$(id -u)" -eq 0 ] || own+=(--user --map-root-user)
"${own[@]}" mount -t tmpfs none /mnt 2>/dev/null || cannot "no tmpfs for this user"

cat >"$dir/populate.c" <<'C'
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif

int main(int argc, char **argv)
{
    struct stat file;
    int fd = argc == 2 ? open(argv[1], O_RDONLY) : -1;
    if (fd < 0 || fstat(fd, &file))
        return 2;
    void *start = mmap(NULL, (size_t)file.st_size, PROT_READ, MAP_SHARED, fd, 0);
    if (start == MAP_FAILED)
        return 2;
    puts(madvise(start, (size_t)file.st_size, MADV_POPULATE_READ) ? strerrorname_np(errno) : "ok");
    return 0;
}
C
cc -o "$dir/populate" "$dir/populate.c"
cat >"$dir/read" <<'READ'
set -eu
dir=$1
mkdir "$dir/small"
mount -t tmpfs -o size=8M none "$dir/small"
used() {
  all=$(df --output=used -k "$dir/small" | tail -n 1)
  echo "$1: file $(du -k "$dir/small/sparse" | cut -f 1) KiB, tmpfs $((all)) KiB"
}
truncate -s 4M "$dir/small/sparse"
chmod 444 "$dir/small/sparse"
used "4 MiB hole"
cat "$dir/small/sparse" >/dev/null
used "after read(2) of all"
"$dir/bookworm/usr/bin/vmtouch" -q -t "$dir/small/sparse"
used "after reading a read-only mapping"
rm "$dir/small/sparse"
truncate -s 16M "$dir/small/sparse"
echo "MADV_POPULATE_READ of a 16 MiB hole: $("$dir/populate" "$dir/small/sparse")"
used "after it"
dd if=/dev/zero of="$dir/small/other" bs=4k count=1 2>&1 | grep -o "No space left" || echo "room left"
READ
echo "Linux $(uname -r)"
"${own[@]}" bash "$dir/read" "$dir" | tee "$dir/seen"

diff "$dir/seen" - <<'SEEN' || changed "holes of tmpfs"
4 MiB hole: file 0 KiB, tmpfs 0 KiB
after read(2) of all: file 0 KiB, tmpfs 0 KiB
after reading a read-only mapping: file 4096 KiB, tmpfs 4096 KiB
MADV_POPULATE_READ of a 16 MiB hole: EFAULT
after it: file 8192 KiB, tmpfs 8192 KiB
No space left
SEEN
