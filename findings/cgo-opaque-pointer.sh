#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# cgo 1.19: a pointer to an opaque C struct costs an allocation in each call that it is passed to.
#
# Expected: a handle of a C library, "typedef struct opaque opaque" with functions on opaque *, is passed as the word that it is.
# A pointer fits into an interface value without an allocation, and one to C memory is no matter for Go's heap.
#
# Seen: Go 1.19 (Debian 12) puts the pointer on the heap in each call, 8 bytes, to check it by cgo's rules: pointers to types
# that cgo does not know are not in the heap for it, and such a pointer becomes an interface value only by way of memory. With
# Go 1.24 (Debian 13) the call allocates nothing. Nor does one that takes the handle as a uintptr_t, in both.
#
# Why it matters: the allocation is a third of the price of a short call, and brings the garbage collector into a program that
# otherwise makes no garbage.
set -euo pipefail
dir=$(mktemp -d)
trap 'chmod -R u+w "$dir"; rm -rf "$dir"' EXIT
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

# go_of SUITE ARGUMENTS...: that version of go, on the module in $dir/module, with no other and no network
go_of() {
  local root
  root=$(echo "$dir/$1"/usr/lib/go-*)
  shift
  (cd "$dir/module" && env HOME="$dir" GOROOT="$root" GOCACHE="$dir/cache" GOPATH="$dir/path" GOPROXY=off GOFLAGS=-mod=mod \
    GOTOOLCHAIN=local GOWORK=off "$root/bin/go" "$@")
}

command -v cc >/dev/null || cannot "no C compiler"
fetch bookworm golang-1.19-go=1.19.8-2 golang-1.19-src=1.19.8-2
fetch trixie golang-1.24-go=1.24.4-1 golang-1.24-src=1.24.4-1

mkdir "$dir/module"
printf 'module opaque\n\ngo 1.19\n' >"$dir/module/go.mod"
cat >"$dir/module/main.go" <<'GO'
package main

/*
#include <stdint.h>
#include <stdlib.h>
typedef struct opaque opaque;
static opaque *make(void) { return (opaque *)malloc(1); }
static int by_pointer(opaque *o) { return o != 0; }
static int by_number(uintptr_t o) { return o != 0; }
*/
import "C"

import (
	"fmt"
	"runtime"
	"unsafe"
)

var (
	pointer = C.make()
	number  = C.uintptr_t(uintptr(unsafe.Pointer(pointer)))
)

// allocations of a thousand calls, divided by a thousand: what else the runtime allocates meanwhile does not count.
func allocations(call func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for i := 0; i < 1000; i++ {
		call()
	}
	runtime.ReadMemStats(&after)
	return (after.Mallocs - before.Mallocs) / 1000
}

func main() {
	fmt.Println("opaque *:", allocations(func() { C.by_pointer(pointer) }), "uintptr_t:", allocations(func() { C.by_number(number) }))
}
GO

for suite in bookworm trixie; do
  go_of "$suite" run . >"$dir/$suite.said"
  echo "allocations with $(go_of "$suite" version): $(cat "$dir/$suite.said")"
done
[ "$(cat "$dir/bookworm.said")" = 'opaque *: 1 uintptr_t: 0' ] || changed "Go 1.19"
[ "$(cat "$dir/trixie.said")" = 'opaque *: 0 uintptr_t: 0' ] || changed "Go 1.24"
