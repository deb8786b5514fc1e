# SPDX-License-Identifier: MIT
"""An instance under test: program bindings_instance as a child, with pipes."""

import itertools
import os
import subprocess

_numbers = itertools.count()


class Instance:
    """A context manager that ends the program, which removes the objects."""

    def __init__(self, program, file=None):
        self.name = f"python-{os.getpid()}-{next(_numbers)}"
        command = [program, self.name] + ([file] if file else [])
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._expect("ready")

    def _expect(self, word):
        line = self._process.stdout.readline()
        if line != word + "\n":
            raise RuntimeError(f"{self._process.args[0]} says {line!r} instead of {word}")

    def do(self, *lines):
        for line in lines:
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()
            self._expect("done")

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self._process.stdin.close()
        self._process.stdout.read()
        self._process.wait()
        self._process.stdout.close()
