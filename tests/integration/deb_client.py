# SPDX-License-Identifier: MIT
# usage: python3 deb_client.py run INSTANCE ROUTES | sums INSTANCE
# run: looks routes 1/1 to 1/ROUTES up and reports until SIGTERM, then prints what deb_life reads. sums: what the instance keeps.
import signal
import sys
import time

import larshm


def run(cache, routes):
    lookups = errors = reports = refused = 0
    longest = 0.0
    ends = []
    first = ""
    signal.signal(signal.SIGTERM, lambda *_: ends.append(True))
    for n in range(1, routes + 1):
        cache.wait_route(1, n, timeout=30.0)
    # The fetcher makes room for the results of hosts that are new to it. It has, when none was refused for a second.
    room = False
    before = since = time.monotonic()
    while not ends:
        for n in range(1, routes + 1):
            lookups += 1
            try:
                host = cache.get_host(1, n)
            except larshm.Error as error:
                errors += 1
                first = first or str(error)
                continue
            try:
                cache.report(host, 0)
                reports += 1
            except larshm.Error as error:
                refused += 1
                first = first or str(error)
        now = time.monotonic()
        if not room and refused > 0:
            since, refused, first = now, 0, ""
        if not room and now - since > 1.0:
            room = True
            print("ready", flush=True)
        longest = max(longest, now - before)
        before = now
        time.sleep(0.0005)
    print(lookups, errors, reports, refused, round(longest * 1000), first, flush=True)


def sums(cache):
    hosts = [host for route in cache.routes() for host in cache.hosts(*route)]
    overrides = [host.override for host in hosts]
    print(
        len(hosts),
        sum(host.successes for host in hosts),
        overrides.count(larshm.OVERRIDE_DRAINED),
        overrides.count(larshm.OVERRIDE_PINNED),
    )


with larshm.open(sys.argv[2], timeout=30.0) as opened:
    if sys.argv[1] == "run":
        run(opened, int(sys.argv[3]))
    else:
        sums(opened)
