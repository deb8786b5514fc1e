#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# iniparser: the same configuration file gives other values on Debian 13 than on Debian 12, and a comment can hide a
# line.
#
# Expected: a quoted value is taken as it stands between its quotes, in every version. A comment ends with its line.
#
# Seen: iniparser 4.1 (Debian 12) takes a backslash in a quoted value literally, and ends the value at the first
# quote, also at one with a backslash before it. iniparser 4.2.6 (Debian 13) takes the backslash as an escape and
# drops it, whatever follows: "^\d+$" becomes ^d+$. Neither reports anything. Without quotes both keep the backslash.
# In both, a comment whose last character is a backslash goes on: the next line belongs to it, and its key is not set.
#
# Why it matters: a password or a pattern with a backslash is another one after the upgrade, with the file untouched.
# And a harmless remark such as "# was \\host\share\" puts the setting under it back to its default, without an error.
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
fetch bookworm libiniparser-dev=4.1-6
fetch trixie libiniparser-dev=4.2.6-1

cat >"$dir/settings.ini" <<'INI'
[db]
password = "tr\ee"
pattern = "^\d+$"
greeting = "say \"hi\" twice"
bare = ^\d+$
# the replica was on \\host\share\
port = 3307
user = reader
INI
cat >"$dir/values.c" <<'C'
#include <iniparser.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    const char *keys[] = {"db:password", "db:pattern", "db:greeting", "db:bare", "db:user"};
    dictionary *settings = argc == 2 ? iniparser_load(argv[1]) : NULL;
    if (!settings)
        return 2;
    for (int i = 0; i < 5; i++)
        printf("%s = %s\n", keys[i], iniparser_getstring(settings, keys[i], "(not set)"));
    printf("db:port = %d\n", iniparser_getint(settings, "db:port", 3306));
    iniparser_freedict(settings);
    return 0;
}
C
values() { # SUITE
  cc -o "$dir/values" "$dir/values.c" -I"$dir/$1/usr/include" -I"$dir/$1/usr/include/iniparser" \
    "$dir/$1"/usr/lib/*-linux-gnu/libiniparser.a
  "$dir/values" "$dir/settings.ini"
}
echo "the file:"
cat "$dir/settings.ini"
echo "iniparser 4.1:"
values bookworm | tee "$dir/12"
echo "iniparser 4.2.6:"
values trixie | tee "$dir/13"

diff "$dir/12" - <<'SEEN' || changed "iniparser 4.1"
db:password = tr\ee
db:pattern = ^\d+$
db:greeting = say \
db:bare = ^\d+$
db:user = reader
db:port = 3306
SEEN
diff "$dir/13" - <<'SEEN' || changed "iniparser 4.2.6"
db:password = tree
db:pattern = ^d+$
db:greeting = say "hi" twice
db:bare = ^\d+$
db:user = reader
db:port = 3306
SEEN
