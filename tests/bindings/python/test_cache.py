# SPDX-License-Identifier: MIT
import gc
import os
import sys
import tracemalloc
import weakref

import pytest

import larshm

HOST = larshm.Host(1, 1, "10.0.0.1", 8080)

CALLS = {
    "get_host": (1, 1),
    "get_host_except": (1, 1, [HOST]),
    "get_hosts": ([(1, 1)],),
    "get_host_batch": (bytearray(0), memoryview(bytearray(0)).cast("i")),
    "get_route": (1, 1),
    "hosts": (1, 1),
    "routes": (),
    "changes": (1,),
    "wait_change": (1,),
    "fileno": (),
    "info": (1, 1),
    "report": (HOST, 0),
    "wait_route": (1, 1),
}


def test_lookups_go_round_the_hosts(cache):
    found = {str(cache.get_host(1, 1)) for _ in range(10)}
    assert found == {"10.0.0.1:8080", "10.0.0.2:8080"}


def test_errors_have_types_codes_and_texts(cache):
    with pytest.raises(larshm.Pending) as pending:
        cache.get_host(9, 9)
    assert pending.value.code == larshm.PENDING
    assert str(pending.value) == larshm.strerror(larshm.PENDING)
    assert isinstance(pending.value, larshm.Error)
    with pytest.raises(larshm.NoExist):
        cache.get_host(1, 6)
    with pytest.raises(TimeoutError):
        cache.wait_route(9, 9, 0)
    with pytest.raises(larshm.Error) as bad:
        cache.get_host_except(1, 1, [HOST] * 9)
    assert bad.value.code == larshm.BAD_ARGUMENT and type(bad.value) is larshm.Error


def test_opening_what_is_not_there_is_an_error():
    with pytest.raises(larshm.NoObject):
        larshm.open("no-fetcher-has-run-here")
    with pytest.raises(larshm.NoObject):
        larshm.open("no-fetcher-has-run-here", timeout=0.03)
    with pytest.raises(larshm.Error, match="argument"):
        larshm.open("no/slash")
    for wrong in (1, b"name"):
        with pytest.raises(TypeError):
            larshm.open(wrong)
    with pytest.raises(ValueError):
        larshm.open("a\0b")


@pytest.mark.parametrize(
    ("timeout", "error"),
    [
        (-1, ValueError),
        (float("nan"), ValueError),
        (float("inf"), OverflowError),
        (1e300, OverflowError),
        ("1", TypeError),
    ],
)
def test_wrong_timeouts_are_refused(cache, timeout, error):
    with pytest.raises(error):
        cache.wait_route(1, 1, timeout)
    with pytest.raises(error):
        larshm.open("no-fetcher-has-run-here", timeout)


@pytest.mark.parametrize("name", CALLS)
def test_a_closed_cache_raises_value_error(cache, name):
    cache.close()
    cache.close()
    assert cache.closed
    with pytest.raises(ValueError, match="closed"):
        getattr(cache, name)(*CALLS[name])
    with pytest.raises(ValueError, match="closed"):
        cache.__enter__()


@pytest.mark.parametrize("name", CALLS)
def test_wrong_numbers_of_arguments_are_type_errors(cache, name):
    for arguments in ((1,) * 7,) if name in ("changes", "routes", "fileno") else ((), (1,) * 7):
        with pytest.raises(TypeError):
            getattr(cache, name)(*arguments)


@pytest.mark.parametrize("name", ["get_host", "info", "hosts", "get_route", "wait_route"])
def test_routes_of_wrong_types_or_range_are_refused(cache, name):
    call = getattr(cache, name)
    for wrong in ("1", 1.0, None, [1], b"1"):
        with pytest.raises(TypeError):
            call(1, wrong)
    for wrong in (-1, 2**32, 2**64, -(2**64), 2**1000):
        with pytest.raises(OverflowError, match="cmdid"):
            call(1, wrong)
        with pytest.raises(OverflowError, match="modid"):
            call(wrong, 1)


def test_what_has_an_index_is_a_number(cache):
    class One:
        def __index__(self):
            return 1

    assert cache.get_host(One(), True)


def test_a_cache_that_is_closed_while_arguments_are_converted_raises(instance):
    class Closes:
        def __index__(self):
            cache.close()
            return 1

    def closes():
        cache.close()
        yield HOST

    for call in (
        lambda: cache.get_host(1, Closes()),
        lambda: cache.get_host_except(1, 1, closes()),
        lambda: cache.get_hosts([(1, Closes())]),
        lambda: cache.report(HOST, Closes()),
        lambda: cache.wait_route(1, Closes()),
    ):
        cache = larshm.open(instance.name)
        with pytest.raises(ValueError, match="closed"):
            call()


@pytest.mark.parametrize("name", [*CALLS, "list"])
def test_the_garbage_collector_may_close_the_cache_within_a_call(instance, name):
    cache = larshm.open(instance.name)
    arguments = CALLS | {"changes": (cache.changes()[0],), "hosts": (1, 2), "get_hosts": ([(1, 1)] * 20,)}
    instance.do(*(f"route 3 {i} 10.0.0.3:80" for i in range(20)))
    call, given = (list, (cache.routes(),)) if name == "list" else (getattr(cache, name), arguments[name])
    full = [(i, i) for i in range(5000)], [[] for _ in range(500)]  # for objects at hand nothing is collected

    def close(*_):
        cache.close()

    thresholds = gc.get_threshold()
    gc.collect()
    gc.callbacks.append(close)
    gc.set_threshold(1)
    try:
        call(*given)
    except ValueError:
        pass
    gc.set_threshold(*thresholds)
    gc.collect()
    gc.callbacks.remove(close)
    assert cache.closed and full


def test_wrong_reports_are_refused(cache):
    for host in (None, ("10.0.0.1", 80), "10.0.0.1:80"):
        with pytest.raises(TypeError):
            cache.report(host, 0)
    with pytest.raises(OverflowError):
        cache.report(HOST, 2**31)
    with pytest.raises(OverflowError):
        cache.report(HOST, 0, duration_ms=-1)
    with pytest.raises(TypeError):
        cache.report(HOST, 0, duration=1)
    with pytest.raises(TypeError):
        cache.report(host=HOST, retcode=0)
    cache.report(HOST, 0, None)
    cache.report(HOST, 1, duration_ms=2**32 - 1)


def test_tried_hosts_of_wrong_types_are_refused(cache):
    for wrong in (1, [1], [HOST, None], HOST):
        with pytest.raises(TypeError):
            cache.get_host_except(1, 1, wrong)

    def endless():
        while True:
            yield HOST

    with pytest.raises(larshm.Error):
        cache.get_host_except(1, 1, endless())


def test_hosts_are_listed_with_their_state(cache):
    states = {str(host): state for host, state in cache.get_route(1, 2)}
    assert states == {"10.0.0.8:80": larshm.HOST_IN_ROTATION, "10.0.0.9:80": larshm.HOST_EJECTED}


def test_hosts_are_listed_with_their_records(cache):
    hosts = {str(info.host): info for info in cache.hosts(1, 2)}
    ejected = hosts["10.0.0.9:80"]
    assert (ejected.state, ejected.share) == (larshm.HOST_EJECTED, 0)
    assert hosts["10.0.0.8:80"].state == larshm.HOST_IN_ROTATION
    with pytest.raises(larshm.NoExist):
        cache.hosts(1, 6)
    with pytest.raises(AttributeError):
        ejected.state = 0


def test_all_routes_are_listed(cache):
    assert sorted(cache.routes()) == [(1, 1), (1, 2), (1, 6)]
    routes = cache.routes()
    next(routes)
    assert len(list(routes)) == 2
    assert next(routes, None) is None
    with pytest.raises(TypeError):
        type(routes)()


def test_a_list_of_routes_ends_when_its_cache_is_closed(instance):
    cache = larshm.open(instance.name)
    routes, others = cache.routes(), cache.routes()
    next(routes)
    cache.close()
    with pytest.raises(ValueError, match="closed"):
        next(routes)
    assert next(routes, None) is None
    del others, cache


def test_a_list_of_routes_in_a_circle_is_collected(instance):
    class Mine(larshm.Cache):
        pass

    before = len(os.listdir("/proc/self/fd"))
    cache = Mine(instance.name)
    cache.list = cache.routes()
    cache.end = weakref.ref(cache)
    end = cache.end
    del cache
    gc.collect()
    assert end() is None and len(os.listdir("/proc/self/fd")) == before


def test_changes_are_told_from_a_position_on(instance, cache):
    assert cache.wait_change(0, 0)
    since, routes = cache.changes()
    assert routes is None
    assert cache.changes(since) == (since, [])
    assert not cache.wait_change(since, 0)
    instance.do("route 1 1 10.0.0.1:8080", "route 8 8 10.0.0.1:80")
    assert cache.wait_change(since, timeout=60)
    later, routes = cache.changes(since)
    assert set(routes) == {(1, 1), (8, 8)}
    assert cache.changes(later) == (later, [])
    assert set(cache.changes(since)[1]) == {(1, 1), (8, 8)}


def test_wrong_positions_are_refused(cache):
    for call in (cache.changes, lambda since: cache.wait_change(since, 0)):
        for wrong in (-1, 2**64):
            with pytest.raises(OverflowError):
                call(wrong)
        for wrong in ("1", 1.0, None):
            with pytest.raises(TypeError):
                call(wrong)
    assert cache.changes(2**64 - 1)[1] is None


def test_what_is_known_of_a_route_is_told(cache):
    info = cache.info(1, 2)
    assert (info.code, info.hosts, info.ejected, info.fetcher_alive) == (larshm.OK, 2, 1, True)
    assert cache.info(9, 9).code == larshm.PENDING
    assert cache.info(1, 6).code == larshm.NOEXIST
    with pytest.raises(AttributeError):
        info.hosts = 1


def test_subclasses_work(instance):
    class Mine(larshm.Cache):
        def pick(self):
            return self.get_host(1, 1)

    with Mine(instance.name) as cache:
        cache.note = cache  # a circle that the collector finds
        assert cache.pick().port == 8080
    del cache
    gc.collect()
    with pytest.raises(TypeError):
        type("Sub", (larshm.Host,), {})


def test_a_cache_that_was_not_constructed_cannot_be_had():
    with pytest.raises(larshm.NoObject):
        larshm.Cache.__new__(larshm.Cache, "no-fetcher-has-run-here")
    with pytest.raises(TypeError):
        object.__new__(larshm.Cache)


def test_calls_keep_no_memory(instance, cache):
    routes = [(1, 1), (9, 9)]

    def call_all():
        host = cache.get_host(1, 1)
        str(host), repr(host), host.address, hash(host)
        cache.get_host_except(1, 1, [host])
        cache.get_hosts(routes)
        cache.get_route(1, 2), cache.info(1, 1), cache.hosts(1, 2), list(cache.routes()), next(cache.routes())
        cache.changes(), cache.changes(cache.changes()[0])
        cache.report(host, 0, duration_ms=1)
        for call in (lambda: cache.get_host(9, 9), lambda: cache.get_host(1, -1), lambda: cache.get_hosts([(1,)])):
            try:
                call()
            except (larshm.Error, OverflowError, ValueError):
                pass

    for _ in range(100):
        call_all()
    objects = (None, larshm.Host, larshm.Pending, larshm.RouteInfo, larshm.HostInfo, cache, larshm._larshm)
    before = [sys.getrefcount(item) for item in objects[1:]]
    tracemalloc.start()
    base = tracemalloc.get_traced_memory()[0]
    for _ in range(5_000):  # 100,000 calls
        call_all()
    grown = tracemalloc.get_traced_memory()[0] - base
    tracemalloc.stop()
    assert grown < 50_000
    assert max(now - then for now, then in zip(map(sys.getrefcount, objects[1:]), before)) < 100


def test_opening_and_closing_keeps_no_descriptor(instance):
    def descriptors():
        return len(os.listdir("/proc/self/fd"))

    before = descriptors()
    for i in range(50):
        opened = larshm.open(instance.name)
        if i % 2:
            opened.close()
        del opened
    assert descriptors() == before
