#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# go vet 1.19 computes other sizes than the compiler, and refuses a program that go build accepts.
#
# Expected: unsafe.Sizeof is a constant of the compiler, and all tools of a Go version agree on it.
#
# Seen: a struct of a uint32 and a uint16 has 8 bytes, with the padding at its end, for the compiler of Go 1.19 (Debian 12). Its
# vet takes it for 6 bytes, and ends with a type error in a program that builds and runs. vet 1.24 (Debian 13) says 8. If the
# padding is a field of its own, 1.19 agrees, too.
#
# Why it matters: bindings assert at compile time that a Go struct is laid out as the C struct whose memory it shares. go test
# runs vet first, so a right assertion fails all tests, and it looks as if the layout were wrong.
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
printf 'module size\n\ngo 1.19\n' >"$dir/module/go.mod"
cat >"$dir/module/main.go" <<'GO'
package main

import "unsafe"

type host struct {
	addr uint32
	port uint16
}

// Arrays of other lengths cannot be assigned.
var _ [8]byte = [unsafe.Sizeof(host{})]byte{}

func main() { println(unsafe.Sizeof(host{})) }
GO

ran=$(go_of bookworm run . 2>&1) || changed "go 1.19 does not build it: $ran"
echo "go 1.19 run: $ran"
[ "$ran" = 8 ] || changed "go 1.19 run"
if said=$(go_of bookworm vet . 2>&1); then
  changed "go 1.19 vet accepts it"
fi
echo "go 1.19 vet: $said"
[[ $said == *'[6]byte'*'[8]byte'* ]] || changed "go 1.19 vet"
go_of trixie vet . || changed "go 1.24 vet"
echo "go 1.24 vet: accepts it"
