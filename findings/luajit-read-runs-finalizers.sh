#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# LuaJIT: to read a field of a C struct may run finalizers.
#
# Expected: `struct.field` of an FFI object is a load. Between two such reads, with no call and nothing made, no other
# code of the program can run.
#
# Seen with LuaJIT 2.1 of Debian 12 (20220320) and of Debian 13 (20250117): a loop that only reads a field and compares it.
# Where the field is a number of 32 bits or a double, no finalizer runs in a million reads. Where it has 64 bits, or is a
# pointer, interpreted code makes an object for each value read, so the garbage collector advances, and the finalizer
# (ffi.gc) of an object that is no longer reached runs in the midst of the loop, after some thousand reads. Where the loop
# is compiled, the object is left out, and no finalizer runs.
#
# Why it matters: a binding that checks a handle, then reads two of its fields for a call, may find the handle closed in
# between, if the program's finalizer closes it, and only where the code happens to be interpreted: it passes every test
# that is hot. Read fields into locals first, then check, then call; or keep pointers in Lua values.
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

fetch bookworm luajit=2.1.0~beta3+git20220320+dfsg-4.1+deb12u1 libluajit-5.1-2=2.1.0~beta3+git20220320+dfsg-4.1+deb12u1 \
  libc6 libgcc-s1
fetch trixie luajit=2.1.0+openresty20250117-2 libluajit-5.1-2=2.1.0+openresty20250117-2 libc6 libgcc-s1

# in_suite SUITE PROGRAM ARGUMENT...: with that suite's libraries, and its C library
in_suite() {
  local root=$dir/$1 loader
  shift
  loader=$(find "$root" -name 'ld-linux-*.so.*' | head -n 1)
  "$loader" --library-path "$(printf '%s:' "$root"/usr/lib/*-linux-gnu "$root"/lib/*-linux-gnu)" "$@"
}

cat >"$dir/reads.lua" <<'LUA'
local ffi = require "ffi"
ffi.cdef "typedef struct { uint64_t wide; void *pointer; uint32_t narrow; double real; } fields;"

local function left_behind(finalizer)
  ffi.gc(ffi.new("int[1]"), finalizer)
end

-- Whether a finalizer runs while this field is read, a million times at the most.
local function runs(field)
  local object, finalized, reads = ffi.new("fields"), false, 0
  collectgarbage()
  collectgarbage()
  left_behind(function() finalized = true end)
  while not finalized and reads < 1000000 do
    if object[field] == 8 then return "?" end
    reads = reads + 1
  end
  return finalized and "runs" or "none"
end

jit[arg[1]]()
local seen = {}
for _, field in ipairs { "wide", "pointer", "narrow", "real" } do
  seen[#seen + 1] = field .. " " .. runs(field)
end
print(table.concat(seen, ", "))
LUA
for suite in bookworm trixie; do
  interpreted=$(in_suite $suite "$(echo "$dir/$suite"/usr/bin/luajit*)" "$dir/reads.lua" off)
  compiled=$(in_suite $suite "$(echo "$dir/$suite"/usr/bin/luajit*)" "$dir/reads.lua" on)
  echo "$suite, a finalizer in a loop of reads, interpreted: $interpreted"
  echo "$suite, the same compiled:                           $compiled"
  [ "$interpreted" = "wide runs, pointer runs, narrow none, real none" ] || changed "interpreted"
  [ "$compiled" = "wide none, pointer none, narrow none, real none" ] || changed "compiled"
done
