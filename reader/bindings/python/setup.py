# SPDX-License-Identifier: MIT
"""What pyproject.toml cannot say: the extension, with where liblarshm is installed, and that it uses the stable ABI."""

import glob
import os
import shlex
import subprocess
import sys

from setuptools import Extension, setup


def pkg_config(option):
    command = [os.environ.get("PKG_CONFIG", "pkg-config"), option, "larshm"]
    try:
        return shlex.split(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
    except FileNotFoundError:
        sys.exit(f"larshm: there is no {command[0]}: install the package pkg-config")
    except subprocess.CalledProcessError:
        sys.exit("larshm: liblarshm and its header are not installed: cmake --install puts them into place; "
                 "PKG_CONFIG_PATH=PREFIX/lib/pkgconfig finds them in a prefix of their own")


setup(
    ext_modules=[
        Extension(
            "larshm._larshm",
            sources=sorted(glob.glob("extension/*.c")),
            depends=glob.glob("extension/*.h"),
            extra_compile_args=["-std=c11", "-D_GNU_SOURCE", "-fvisibility=hidden", *pkg_config("--cflags")],
            extra_link_args=pkg_config("--libs"),
            py_limited_api=True,
        )
    ],
    options={"bdist_wheel": {"py_limited_api": "cp311"}},
)
