# SPDX-License-Identifier: MIT
import os
import pathlib
import socket
import subprocess
import sys

EXAMPLE = pathlib.Path(__file__).parents[3] / "reader/bindings/python/example.py"


def run_example(instance):
    environment = os.environ | {"LARSHM_INSTANCE": instance.name}
    command = [sys.executable, EXAMPLE, "7", "7"]
    return subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, timeout=60, check=True)


def test_the_example_connects_or_goes_elsewhere(instance):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        instance.do(f"route 7 7 127.0.0.1:{port}")
        assert run_example(instance).stdout == f"connected to 127.0.0.1:{port}\n"
    instance.do(f"route 7 7 127.0.0.1:{port} 127.0.0.1:1")
    assert run_example(instance).stdout in (f"next time 127.0.0.1:{port}\n", "next time 127.0.0.1:1\n")
