# SPDX-License-Identifier: MIT
# usage: python3 example.py MODID CMDID
import socket
import sys

import larshm

modid, cmdid = int(sys.argv[1]), int(sys.argv[2])
with larshm.open(timeout=10.0) as cache:
    cache.wait_route(modid, cmdid, timeout=10.0)
    host = cache.get_host(modid, cmdid)
    try:
        with socket.create_connection(host.address, timeout=1.0):
            print(f"connected to {host}")
        cache.report(host, 0)
    except OSError:
        cache.report(host, 1)
        print("next time", cache.get_host_except(modid, cmdid, [host]))
