#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# usage: wheel.sh BUILD PYTHON REPLAY-ARGUMENT...
# A wheel that pip builds from the sources, offline, with the library that BUILD installs, works where that is. Without the
# library, the error names the remedy.
set -euo pipefail
build=$1 python=$2
shift 2
here=$(dirname "$0")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
for component in liblarshm0 liblarshm-dev; do
  cmake --install "$build" --prefix "$scratch/installed" --component "$component" >/dev/null
done
PKG_CONFIG_PATH=$(dirname "$(find "$scratch/installed" -name larshm.pc)")
LD_LIBRARY_PATH=$(dirname "$PKG_CONFIG_PATH")
export PKG_CONFIG_PATH LD_LIBRARY_PATH PIP_NO_INDEX=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
cp -r "$here/../../../reader/bindings/python" "$scratch/source"
wheel=("$python" -m pip wheel --quiet --no-build-isolation --no-deps --wheel-dir "$scratch" "$scratch/source")
if PKG_CONFIG_PATH='' PKG_CONFIG_LIBDIR=$scratch "${wheel[@]}" 2>"$scratch/errors"; then exit 1; fi
grep -q 'PKG_CONFIG_PATH=PREFIX/lib/pkgconfig' "$scratch/errors"
"${wheel[@]}"
wheels=("$scratch"/larshm-*-cp311-abi3-linux_*.whl)
"$python" -m pip install --quiet --no-deps --target "$scratch/site" "${wheels[@]}"
[ -e "$scratch/site/larshm/py.typed" ]
export PYTHONPATH=$scratch/site PYTHONDONTWRITEBYTECODE=1
"$python" "$here/replay.py" "$@"
