# SPDX-License-Identifier: MIT
"""Look up Lars routes in shared memory: no system call, no lock, no round trip.

    import socket

    import larshm

    cache = larshm.open()
    cache.wait_route(10001, 1, timeout=1.0)
    host = cache.get_host(10001, 1)
    connection = socket.create_connection(host.address)
    cache.report(host, 0)

A route is named by (modid, cmdid) and leads to hosts. The fetcher of this machine keeps the hosts of every route that a
process has looked up in a shared-memory object, which liblarshm reads in place.

Units: timeouts are seconds, members whose names end in _ms milliseconds. Ports and addresses are in host byte order and in
text, but for the buffers of Cache.get_host_batch(). Errors: what is not OK raises larshm.Error or one of its subclasses; a
number that does not fit raises OverflowError, a closed cache ValueError. Threads: all of it may be used by all threads.
Lifetimes: a Host is independent of its Cache. Fork: a Cache works in the child, too. larshm(7) says more.
"""

from typing import Optional

from ._larshm import *
from ._larshm import __version__
from ._watch import Cache


def open(instance: Optional[str] = None, timeout: Optional[float] = 0.0) -> Cache:
    """Open an instance. None is $LARSHM_INSTANCE, or "default" if that is not set.

    Waits at most `timeout` seconds for the first fetcher of the instance, None forever, and raises NoObject if none has run
    by then. Other errors come at once.
    """
    return Cache(instance, timeout)
