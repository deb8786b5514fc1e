# SPDX-License-Identifier: MIT
"""Changes of routes in asyncio."""

from __future__ import annotations

import os
import typing
from typing import Optional, Set, Tuple

from . import _larshm

if typing.TYPE_CHECKING:
    import asyncio  # watch() imports it: programs that do not watch need not wait for it


class _Watched:
    """A cache's descriptor in an event loop, for all who watch the cache there.

    It is a copy, so that a close of the cache leaves the loop a descriptor of its own. That is at its end then, unless a
    child of fork has its other side.
    """

    def __init__(self, cache: _larshm._Cache, loop: asyncio.AbstractEventLoop):
        self.loop = loop
        self.pid = os.getpid()
        self.watchers: Set[asyncio.Event] = set()
        self.fd = self._copy(cache)
        loop.add_reader(self.fd, self._notify)

    @staticmethod
    def _copy(cache: _larshm._Cache) -> int:
        number = cache.fileno()
        try:
            fd = os.dup(number)
        except OSError:
            cache.fileno()  # raises ValueError if another thread, or a signal handler, has closed the cache
            raise
        if cache.closed:  # and this is of what has its number now
            os.close(fd)
            cache.fileno()
        return fd

    def _notify(self) -> None:
        try:
            if not os.read(self.fd, 8):
                self.loop.remove_reader(self.fd)
        except BlockingIOError:
            pass
        self._wake()

    def _wake(self) -> None:
        for watcher in self.watchers:
            watcher.set()

    def wake(self) -> None:
        """In any thread."""
        try:
            self.loop.call_soon_threadsafe(self._wake)
        except RuntimeError:
            pass  # the loop is closed, and with it all that watched in it

    def end(self) -> None:
        if self.fd < 0:
            return
        # A child of fork shares the parent's epoll: the descriptor would be removed from that.
        if self.pid == os.getpid() and not self.loop.is_closed():
            self.loop.remove_reader(self.fd)
        os.close(self.fd)
        self.fd = -1


class Cache(_larshm._Cache):
    __doc__ = _larshm._Cache.__doc__
    __slots__ = ("_watched", "__weakref__")
    _watched: Optional[_Watched]

    def _watch_in(self, loop: asyncio.AbstractEventLoop) -> _Watched:
        watched = getattr(self, "_watched", None)
        if watched and watched.pid == os.getpid() and watched.loop.is_closed():
            watched.end()
            watched = None
        if not watched or watched.pid != os.getpid():
            watched = self._watched = _Watched(self, loop)
        if watched.loop is not loop:
            raise RuntimeError("the cache is watched in another event loop: open another one for this")
        return watched

    async def watch(self, since: int = 0) -> typing.AsyncGenerator[Optional[Tuple[int, int]], None]:
        """The routes (modid, cmdid) that change, as they do; None: look at all routes.

        It begins behind the position `since` of changes(); with 0, None comes at once. None comes again if more has
        changed at a time than is remembered. Several tasks of an event loop may watch a cache, and tasks of other loops
        another cache. Raises ValueError once the cache is closed.
        """
        import asyncio

        watched = self._watch_in(asyncio.get_running_loop())
        changed = asyncio.Event()
        watched.watchers.add(changed)
        try:
            while True:
                changed.clear()
                since, routes = self.changes(since)
                if routes is None:
                    yield None
                    continue
                for route in routes:
                    yield route
                if not routes:
                    await changed.wait()
        finally:
            watched.watchers.discard(changed)
            if not watched.watchers:
                if self._watched is watched:
                    self._watched = None
                watched.end()

    def close(self) -> None:
        super().close()
        watched = getattr(self, "_watched", None)
        if watched and watched.pid == os.getpid():
            watched.wake()

    close.__doc__ = _larshm._Cache.close.__doc__
