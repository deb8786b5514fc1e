# SPDX-License-Identifier: MIT
"""usage: bench.py INSTANCE MODID CMDID COUNT

Prints "CALL<TAB>NANOSECONDS" for each call: COUNT lookups of the route, through this package, through ctypes, and of its key
in a dict. get_host and get_host_batch, of 100, are what the benches of all languages print. It is the median of many short
runs.
"""

import array
import ctypes
import statistics
import sys
import timeit

import larshm

BATCH = 100
LARGE = 1000
CALLS = 1000  # of a run


class CHost(ctypes.Structure):
    _fields_ = [
        ("modid", ctypes.c_uint32),
        ("cmdid", ctypes.c_uint32),
        ("addr", ctypes.c_uint32),
        ("port", ctypes.c_uint16),
    ]


def by_ctypes(instance):
    library = ctypes.CDLL("liblarshm.so.0")
    library.larshm_get_host.argtypes = [ctypes.c_void_p, ctypes.c_uint32, ctypes.c_uint32, ctypes.POINTER(CHost)]
    handle = ctypes.c_void_p()
    if library.larshm_open(ctypes.byref(handle), instance.encode()) != larshm.OK:
        raise RuntimeError("ctypes cannot open the instance")
    return library.larshm_get_host, handle


def main(instance, modid, cmdid, count):
    modid, cmdid, count = int(modid), int(cmdid), int(count)
    cache = larshm.open(instance)
    host = cache.get_host(modid, cmdid)
    get_host, handle = by_ctypes(instance)
    values = {
        "cache": cache, "m": modid, "c": cmdid, "table": {(modid, cmdid): host}, "routes": [(modid, cmdid)] * LARGE,
        "hosts": array.array("I", [modid, cmdid, 0, 0] * BATCH), "codes": array.array("i", [0] * BATCH),
        "large": array.array("I", [modid, cmdid, 0, 0] * LARGE), "large_codes": array.array("i", [0] * LARGE),
        "get_host": get_host, "handle": handle, "out": ctypes.byref(CHost()), "host": host,
    }  # fmt: skip
    for name, call, lookups in (
        ("get_host", "cache.get_host(m, c)", 1),
        ("get_host().address", "cache.get_host(m, c).address", 1),
        ("get_host_batch", "cache.get_host_batch(hosts, codes)", BATCH),
        (f"get_host_batch of {LARGE}", "cache.get_host_batch(large, large_codes)", LARGE),
        (f"get_hosts of {LARGE}", "cache.get_hosts(routes)", LARGE),
        ("report", "cache.report(host, 0)", 1),
        ("ctypes", "get_host(handle, m, c, out)", 1),
        ("dict", "table[m, c]", 1),
    ):
        runs = timeit.repeat(call, globals=values, number=CALLS // lookups, repeat=max(1, count // CALLS))
        print(f"{name}\t{statistics.median(runs) * 1e9 / CALLS:.1f}")


main(*sys.argv[1:])
