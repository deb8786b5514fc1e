#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# usage: types.sh FOLDER PYTHON...
# The type stubs are right in themselves, and say what the package has.
set -euo pipefail
folder=$1
shift
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
ln -s "$folder/larshm" "$scratch/larshm"
cd "$scratch"
"$@" -m mypy --strict -p larshm
"$@" -m mypy.stubtest larshm
