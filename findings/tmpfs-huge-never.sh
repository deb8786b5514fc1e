#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# tmpfs mounted with huge=never: a program that may only read a file gives it huge pages, and fills its holes.
#
# Expected: huge=never, the default of every tmpfs, means that its files have no huge pages; and who opens a file with
# O_RDONLY and maps it with PROT_READ changes nothing but, at most, the page that it reads.
#
# Seen (Linux 6.18, vmtouch 1.3.1): MADV_COLLAPSE takes no notice of the mount option, nor of "never" in
# /sys/kernel/mm/transparent_hugepage/shmem_enabled, and needs no right to write. A 4 MiB file with one page written in its
# first half and none in its second, with mode 444, opened for reading: after the call on the first half all of it is
# resident as one huge page, so 4 KiB have become 2 MiB, for good and for all who map the file. On the second half, which has
# no page, the call fails with EINVAL. It fails with EINVAL as well where the mapping is not at a multiple of 2 MiB, as
# mmap(2) chooses it for a file of a tmpfs that is mounted like this; it has to be placed there with MAP_FIXED.
#
# Why it matters: a writer of shared memory can have huge pages on machines where everything says never, at a moment and for a
# range that it chooses, and without anything for readers to do but to map in the right place. And the other way round: what
# a sparse segment takes is decided by each of its readers, half of a gigabyte by 256 pages of them.
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
[ "$(cat /sys/kernel/mm/transparent_hugepage/hpage_pmd_size 2>/dev/null)" = 2097152 ] || cannot "no huge pages of 2 MiB"
fetch bookworm vmtouch=1.3.1-2
own=(unshare --mount)
[ "$(id -u)" -eq 0 ] || own+=(--user --map-root-user)
"${own[@]}" mount -t tmpfs none /mnt 2>/dev/null || cannot "no tmpfs for this user"

cat >"$dir/collapse.c" <<'C'
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

enum { HUGE = 2 << 20 };

/* collapse FILE HALF SHIFT: the half of a 4 MiB file, mapped SHIFT bytes past a multiple of 2 MiB */
int main(int argc, char **argv)
{
    int fd = argc == 4 ? open(argv[1], O_RDONLY) : -1;
    char *room = mmap(NULL, 8 * HUGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (fd < 0 || room == MAP_FAILED)
        return 2;
    char *place = room + HUGE - (uintptr_t)room % HUGE + atoi(argv[3]);
    if (mmap(place, 2 * HUGE, PROT_READ, MAP_SHARED | MAP_FIXED, fd, 0) != place)
        return 2;
    char *half = place - (uintptr_t)place % HUGE + (atoi(argv[3]) ? HUGE : 0) + (size_t)atoi(argv[2]) * HUGE;
    puts(madvise(half, HUGE, MADV_COLLAPSE) ? strerrorname_np(errno) : "ok");
    return 0;
}
C
cc -o "$dir/collapse" "$dir/collapse.c"
cat >"$dir/try" <<'TRY'
set -eu
dir=$1 file=$1/tmpfs/file
mkdir "$dir/tmpfs"
mount -t tmpfs -o size=16M,huge=never none "$dir/tmpfs"
mount | grep -o "$dir/tmpfs.*huge=[a-z]*" | grep -o "huge=.*" || echo "no huge= among the options of the mount"
resident() {
  echo "$1: $(du -k "$file" | cut -f 1) KiB, pages $("$dir/bookworm/usr/bin/vmtouch" "$file" | grep -o "Resident Pages: [0-9/]*" | cut -d " " -f 3)"
}
truncate -s 4M "$file"
printf x | dd of="$file" conv=notrunc status=none
chmod 444 "$file"
resident "one page written"
echo "mapped elsewhere: $("$dir/collapse" "$file" 0 4096)"
echo "second half: $("$dir/collapse" "$file" 1 0)"
resident "after both"
echo "first half: $("$dir/collapse" "$file" 0 0)"
resident "after it"
TRY
echo "Linux $(uname -r)"
"${own[@]}" bash "$dir/try" "$dir" | tee "$dir/seen"

diff "$dir/seen" - <<'SEEN' || changed "huge pages of tmpfs"
no huge= among the options of the mount
one page written: 4 KiB, pages 1/1024
mapped elsewhere: EINVAL
second half: EINVAL
after both: 4 KiB, pages 1/1024
first half: ok
after it: 2048 KiB, pages 512/1024
SEEN
