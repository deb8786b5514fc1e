#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# protobuf-c: a field that the reader does not expect costs the whole message, or gives another value than in
# protobuf.
#
# Expected: protobuf's rule of evolution holds in every implementation. What a reader does not know is skipped and
# kept, and the rest of the message is read as ever.
#
# Seen with protobuf-c 1.4.1 (Debian 12), against protobuf 3.21.12 on the same bytes, all of them valid:
# - An unknown field in group encoding (a proto2 group; a "delimited" field of edition 2023): protobuf skips it,
# protobuf-c returns NULL for the whole message. Unknown fields of the other encodings are skipped by both.
# - A field whose type was changed, so that its wire type is another: protobuf treats it as unknown, protobuf-c
# returns NULL.
# - A proto2 enum value that the reader's enum lacks: protobuf treats the field as not set and reads its default;
# protobuf-c sets has_FIELD and hands the number through, so that a switch meets a value outside its enum. Where the
# field is required, protobuf calls the message incomplete and protobuf-c takes it.
# - A message of a oneof that comes in two parts: protobuf merges them, protobuf-c keeps the second part only, though
# it merges a plain optional message like protobuf.
#
# Why it matters: "adding a field is compatible" is what a rolling upgrade rests on. With protobuf-c readers it has
# exceptions that a test with protobuf's own decoder does not show.
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
fetch bookworm libprotobuf-c-dev=1.4.1-1+b1 protobuf-c-compiler=1.4.1-1+b1 protobuf-compiler=3.21.12-3+deb12u1 \
  libprotoc32=3.21.12-3+deb12u1 libprotobuf32=3.21.12-3+deb12u1
libs=$(echo "$dir"/bookworm/usr/lib/*-linux-gnu)
protoc() { LD_LIBRARY_PATH=$libs PATH=$dir/bookworm/usr/bin:$PATH "$dir/bookworm/usr/bin/protoc" -I "$dir" "$@"; }

cat >"$dir/host.proto" <<'PROTO'
syntax = "proto2";
enum State { UP = 0; DOWN = 5; }
message Place { optional int32 rack = 1; optional int32 row = 2; }
message Host {
  optional int32 port = 1;
  optional State state = 2 [default = DOWN];
  optional Place home = 3;
  oneof at { Place place = 4; string name = 5; }
}
message Check { required int32 port = 1; required State state = 2; }
PROTO
protoc --c_out="$dir" "$dir/host.proto"
cat >"$dir/read.c" <<'C'
#include "host.pb-c.h"
#include <stdio.h>

static void place(const char *name, const Place *p)
{
    if (p && p->has_rack)
        printf(" %s.rack=%d", name, p->rack);
    if (p && p->has_row)
        printf(" %s.row=%d", name, p->row);
}

int main(int argc, char **argv)
{
    uint8_t bytes[64];
    size_t size = fread(bytes, 1, sizeof bytes, stdin);

    if (argc == 2 && argv[1][0] == 'C') {
        Check *check = check__unpack(NULL, size, bytes);
        printf(check ? " port=%d state=%d\n" : " NULL\n", check ? check->port : 0, check ? (int)check->state : 0);
        return 0;
    }
    Host *host = host__unpack(NULL, size, bytes);
    if (!host) {
        puts(" NULL");
        return 0;
    }
    if (host->has_port)
        printf(" port=%d", host->port);
    if (host->has_state)
        printf(" state=%d", host->state);
    place("home", host->home);
    place("place", host->at_case == HOST__AT_PLACE ? host->place : NULL);
    printf(" unknown=%u\n", host->base.n_unknown_fields);
    return 0;
}
C
cc -o "$dir/read" "$dir/read.c" "$dir/host.pb-c.c" -I"$dir" -I"$dir/bookworm/usr/include" "$libs/libprotobuf-c.a"

show() { # MESSAGE BYTES WHAT
  printf '%b' "$(sed 's/[0-9a-f][0-9a-f]/\\x&/g; s/ //g' <<<"$2")" >"$dir/bytes"
  echo "$3 ($2)"
  echo "  protobuf-c:$("$dir/read" "$1" <"$dir/bytes")"
  echo "  protobuf:" "$(protoc --decode="$1" "$dir/host.proto" <"$dir/bytes" 2>&1 | tr -s ' \n' ' ')"
}
{
  show Host "08 07 a0 06 01" "an unknown varint"
  show Host "08 07 a3 06 a4 06" "an unknown group"
  show Host "08 07 12 01 41" "a string where the reader has an enum"
  show Host "08 07 10 06" "an enum value that the reader lacks"
  show Check "08 07 10 06" "the same in a required field"
  show Host "1a 02 08 01 1a 02 10 02" "an optional message in two parts"
  show Host "22 02 08 01 22 02 10 02" "a message of a oneof in two parts"
} | sed 's/ *$//' | tee "$dir/seen"

diff "$dir/seen" - <<'SEEN' || changed "protobuf-c or protobuf"
an unknown varint (08 07 a0 06 01)
  protobuf-c: port=7 unknown=1
  protobuf: port: 7 100: 1
an unknown group (08 07 a3 06 a4 06)
  protobuf-c: NULL
  protobuf: port: 7 100 { }
a string where the reader has an enum (08 07 12 01 41)
  protobuf-c: NULL
  protobuf: port: 7 2: "A"
an enum value that the reader lacks (08 07 10 06)
  protobuf-c: port=7 state=6 unknown=0
  protobuf: port: 7 2: 6
the same in a required field (08 07 10 06)
  protobuf-c: port=7 state=6
  protobuf: warning: Input message is missing required fields: state port: 7 2: 6
an optional message in two parts (1a 02 08 01 1a 02 10 02)
  protobuf-c: home.rack=1 home.row=2 unknown=0
  protobuf: home { rack: 1 row: 2 }
a message of a oneof in two parts (22 02 08 01 22 02 10 02)
  protobuf-c: place.row=2 unknown=0
  protobuf: place { rack: 1 row: 2 }
SEEN
