#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# libsmartcols: a cell that is wrapped loses characters on Debian 13, and column(1) prints some twice.
#
# Expected: SCOLS_FL_WRAP only breaks a long cell into lines. Read one after the other, the lines are the cell, whatever
# the width of the terminal; a control character is shown as \x and its code.
#
# Seen with libsmartcols 2.38.1 (Debian 12): so it is here, also where a line ends inside an escape: \x0 and then 9.
# Seen with libsmartcols 2.41.5 (Debian 13): where the cell goes on in the next line is counted from the printed line,
# an escape as one character. The start of an escape that the end of the line cuts off counts as up to three, so that
# its rest and up to two characters after it are never printed: "spare" becomes "are". Other widths lose nothing.
# column -t -W passes its text on without escapes, and what looks like one in the text itself is counted as one
# character instead of four: the next line repeats three. D:\x64\bin,D:\lib becomes D:\x64\bin,in,D:\lib.
#
# Why it matters: a tab in a remark, or a path with \x64, gives text that is wrong at some widths of the terminal and
# right at others. It looks like data, and no status tells.
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
fetch bookworm libsmartcols1=2.38.1-5+deb12u3 libsmartcols-dev=2.38.1-5+deb12u3 bsdextrautils=2.38.1-5+deb12u3
fetch trixie libsmartcols1=2.41.5-0+deb13u1 bsdextrautils=2.41.5-0+deb13u1 libc6

cat >"$dir/wrap.c" <<'C'
#include <libsmartcols.h>
#include <locale.h>
#include <stdio.h>

/* A table of one row, its last column wrapped, for a terminal of that width. */
static int print(size_t width)
{
    struct libscols_table *table = scols_new_table();
    struct libscols_line *line;
    if (!table || !scols_table_new_column(table, "HOST", 0, 0) ||
        !scols_table_new_column(table, "REMARK", 0, SCOLS_FL_WRAP) || !(line = scols_table_new_line(table, NULL)) ||
        scols_line_set_data(line, 0, "db1") || scols_line_set_data(line, 1, "fan 2 replaced\tspare in rack 4") ||
        scols_table_set_termforce(table, SCOLS_TERMFORCE_ALWAYS) || scols_table_set_termwidth(table, width))
        return -1;
    printf("%zu columns:\n", width);
    int failed = scols_print_table(table);
    scols_unref_table(table);
    return failed;
}

int main(void)
{
    const char *version;
    setlocale(LC_ALL, "");
    scols_get_library_version(&version);
    printf("libsmartcols %s\n", version);
    return print(22) || print(23) ? 2 : 0;
}
C
printf '%s\n' 'tools|D:\x64\bin,D:\lib' 'fonts|D:\fonts' >"$dir/list"
libs12=$(echo "$dir"/bookworm/usr/lib/*-linux-gnu)
libs13=$(echo "$dir"/trixie/usr/lib/*-linux-gnu)
cc -o "$dir/wrap" "$dir/wrap.c" -I"$dir/bookworm/usr/include/libsmartcols" -L"$libs12" -l:libsmartcols.so.1

export LC_ALL=C.UTF-8
both() { # SUITE COMMAND...: what the program and column(1) print, each started by COMMAND
  local suite=$1
  shift
  "$@" "$dir/wrap"
  echo "column:"
  "$@" "$dir/$suite/usr/bin/column" -t -s '|' -W 2 -c 18 "$dir/list"
}
both bookworm env LD_LIBRARY_PATH="$libs12" | tee "$dir/12"
both trixie "$(echo "$libs13"/ld-linux-*.so.*)" --library-path "$libs13" | tee "$dir/13"

diff "$dir/12" - <<'SEEN' || changed "libsmartcols of Debian 12"
libsmartcols 2.38.1
22 columns:
HOST REMARK
db1  fan 2 replaced\x0
     9spare in rack 4
23 columns:
HOST REMARK
db1  fan 2 replaced\x09
     spare in rack 4
column:
tools  D:\x64\bin,
       D:\lib
fonts  D:\fonts
SEEN
diff "$dir/13" - <<'SEEN' || changed "libsmartcols of Debian 13"
libsmartcols 2.41.5
22 columns:
HOST REMARK
db1  fan 2 replaced\x0
     are in rack 4
23 columns:
HOST REMARK
db1  fan 2 replaced\x09
     spare in rack 4
column:
tools  D:\x64\bin,
       in,D:\lib
fonts  D:\fonts
SEEN
