# SPDX-License-Identifier: MIT
import asyncio
import gc
import os
import select
import threading

import pytest

import larshm


def run(coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, 60))


def test_the_descriptor_is_readable_after_a_change(instance, cache):
    since = cache.changes()[0]
    poll = select.poll()
    poll.register(cache, select.POLLIN)
    assert cache.fileno() == cache.fileno() and not os.get_inheritable(cache.fileno())
    instance.do("route 7 7 10.0.0.7:80")
    while (7, 7) not in cache.changes(since)[1]:
        assert poll.poll(60_000)
        assert len(os.read(cache.fileno(), 8)) == 8


def test_a_task_watches_changes(instance, cache):
    async def watch():
        changes = cache.watch()
        assert await changes.__anext__() is None
        instance.do("route 7 7 10.0.0.7:80")
        assert await changes.__anext__() == (7, 7)
        instance.do("drain 7 7 10.0.0.7:80")
        assert await changes.__anext__() == (7, 7)
        await changes.aclose()

    run(watch())


def test_a_pending_route_is_told_when_it_comes(instance, cache):
    instance.do("answer 5 5 10.0.0.5:80")

    async def first_lookup():
        async for change in cache.watch():
            try:
                return cache.get_host(5, 5)
            except larshm.Pending:
                pass

    assert str(run(first_lookup())) == "10.0.0.5:80"


def test_tasks_of_a_loop_share_a_cache(instance, cache):
    async def watch():
        async def one():
            async for change in cache.watch():
                if change == (7, 7):
                    return change

        tasks = [asyncio.create_task(one()) for _ in range(3)]
        await asyncio.sleep(0.01)
        instance.do("route 7 7 10.0.0.7:80")
        return await asyncio.gather(*tasks)

    assert run(watch()) == [(7, 7)] * 3


def test_watching_leaves_nothing_behind(instance, cache):
    cache.fileno()
    before = len(os.listdir("/proc/self/fd"))

    async def watch():
        async for change in cache.watch():
            assert change is None
            break

    async def cancelled():
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(endless(), 0.01)

    async def endless():
        async for _ in cache.watch():
            pass

    for coroutine in (watch, cancelled, watch):
        run(coroutine())
    gc.collect()
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_loop_that_ended_beneath_its_watchers_leaves_nothing_behind(cache):
    def descriptors():
        return len(os.listdir("/proc/self/fd"))

    cache.fileno()
    before, watchers = descriptors(), []
    for _ in range(3):
        loop = asyncio.new_event_loop()
        watchers.append(cache.watch())
        loop.run_until_complete(watchers[-1].__anext__())
        loop.close()
    assert descriptors() == before + 1
    for watcher in watchers:
        run(watcher.aclose())
    assert descriptors() == before


@pytest.mark.parametrize("closer", [lambda call: call(), lambda call: threading.Thread(target=call).start()])
def test_watchers_end_when_the_cache_is_closed(cache, closer):
    async def watch():
        changes = cache.watch()
        assert await changes.__anext__() is None
        waiting = asyncio.ensure_future(changes.__anext__())
        await asyncio.sleep(0.01)
        closer(cache.close)
        with pytest.raises(ValueError, match="closed"):
            await waiting

    run(watch())


def test_another_loop_needs_another_cache(cache):
    async def watch():
        changes = cache.watch()
        await changes.__anext__()
        with pytest.raises(RuntimeError, match="another event loop"):
            await asyncio.to_thread(lambda: asyncio.run(cache.watch().__anext__()))
        await changes.aclose()

    run(watch())
    run(watch())


def test_a_closed_cache_has_no_descriptor(cache):
    cache.close()
    with pytest.raises(ValueError, match="closed"):
        cache.fileno()
    with pytest.raises(ValueError, match="closed"):
        run(cache.watch().__anext__())


def test_a_child_of_fork_watches_by_itself(instance, cache):
    async def watch():
        changes = cache.watch()
        await changes.__anext__()
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                asyncio.events._set_running_loop(None)
                child = asyncio.new_event_loop()
                child.run_until_complete(cache.watch().__anext__())
                cache.close()
                status = 0
            finally:
                os._exit(status)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        instance.do("route 7 7 10.0.0.7:80")
        assert await changes.__anext__() == (7, 7)
        await changes.aclose()

    run(watch())


def test_a_child_of_fork_that_ends_a_watch_leaves_the_parents(instance, cache):
    async def watch():
        changes = cache.watch()
        await changes.__anext__()
        waiting = asyncio.ensure_future(changes.__anext__())
        await asyncio.sleep(0.01)
        pid = os.fork()
        if pid == 0:
            waiting.cancel()
            try:
                await waiting
            finally:
                os._exit(0 if waiting.cancelled() else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        instance.do("route 7 7 10.0.0.7:80")
        assert await waiting == (7, 7)
        await changes.aclose()

    run(watch())


@pytest.mark.parametrize("reused", [False, True])
def test_a_cache_that_is_closed_as_a_watch_begins_raises(cache, monkeypatch, reused):
    before, dup, others = len(os.listdir("/proc/self/fd")), os.dup, []

    def close_first(fd):
        cache.close()
        if reused:
            others.append(os.open("/dev/null", os.O_RDONLY))
            others.append(dup(others[0]) if others[0] == fd else os.dup2(others[0], fd))
        return dup(fd)

    async def watch():
        with pytest.raises(ValueError, match="closed"):
            await cache.watch().__anext__()

    monkeypatch.setattr(os, "dup", close_first)
    run(watch())
    monkeypatch.undo()
    for fd in others:
        os.close(fd)
    assert len(os.listdir("/proc/self/fd")) <= before
