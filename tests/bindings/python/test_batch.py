# SPDX-License-Identifier: MIT
import array
import ctypes
import mmap
import struct

import pytest

import larshm

ROUTES = [(1, 1), (1, 6), (9, 9), (1, 1)]
EXPECTED = [larshm.OK, larshm.NOEXIST, larshm.PENDING, larshm.OK]
RECORD = struct.Struct("=IIIHxx")


class Record(ctypes.Structure):
    _fields_ = [
        ("modid", ctypes.c_uint32),
        ("cmdid", ctypes.c_uint32),
        ("addr", ctypes.c_uint32),
        ("port", ctypes.c_uint16),
    ]


class Codes(ctypes.Structure):
    _fields_ = [("codes", ctypes.c_int32 * 4)]


def records():
    return bytearray(b"".join(RECORD.pack(*route, 0, 0) for route in ROUTES))


def codes():
    return array.array("i", [-1] * len(ROUTES))


def anonymous_map():
    memory = mmap.mmap(-1, len(records()))
    memory[:] = bytes(records())
    return memory


def matrix():
    return memoryview(records()).cast("I", (4, 4))


@pytest.mark.parametrize(
    "hosts",
    [
        records,
        lambda: memoryview(records()),
        lambda: array.array("I", bytes(records())),
        lambda: (Record * 4)(*ROUTES),
        matrix,
        anonymous_map,
    ],
)
def test_a_batch_fills_buffers_in_place(cache, hosts):
    buffer, results = hosts(), codes()
    assert cache.get_host_batch(buffer, results) == 2
    assert list(results) == EXPECTED
    found = list(RECORD.iter_unpack(memoryview(buffer).cast("B")))
    assert [record[:2] for record in found] == ROUTES
    for record in (found[0], found[3]):
        addr, port = memoryview(buffer).cast("B")[8:12], int.from_bytes(struct.pack("=H", record[3]), "big")
        assert port == 8080 and bytes(addr)[:3] == b"\x0a\0\0"


def test_a_batch_of_numpy_arrays(cache):
    numpy = pytest.importorskip("numpy")
    record = numpy.dtype(
        {"names": ["modid", "cmdid", "addr", "port"], "formats": ["u4", "u4", ">u4", ">u2"], "itemsize": 16}
    )
    hosts, results = numpy.zeros(4, record), numpy.zeros(4, "i4")
    hosts["modid"], hosts["cmdid"] = zip(*ROUTES)
    assert cache.get_host_batch(hosts, results) == 2
    assert list(results) == EXPECTED
    assert hosts["port"][0] == 8080
    for wrong in (hosts[::2], numpy.zeros(4, "c16"), numpy.zeros((4, 4), "f4")):
        with pytest.raises((TypeError, BufferError, ValueError)):
            cache.get_host_batch(wrong, results)


def test_a_batch_of_an_iterable(cache):
    found = cache.get_hosts(ROUTES)
    assert [getattr(item, "code", larshm.OK) for item in found] == EXPECTED
    assert isinstance(found[0], larshm.Host) and isinstance(found[1], larshm.NoExist)
    assert cache.get_hosts([]) == []
    assert len(cache.get_hosts([1, 1] for _ in range(1000))) == 1000
    assert len(cache.get_hosts({(1, 1): "a", (9, 9): "b"})) == 2


@pytest.mark.parametrize(
    ("routes", "error"),
    [
        (1, TypeError),
        (None, TypeError),
        ([1], TypeError),
        ([(1,)], ValueError),
        ([(1, 1, 1)], ValueError),
        (["ab"], TypeError),
        ([("1", 1)], TypeError),
        ([(1, 1), (1, -1)], OverflowError),
    ],
)
def test_iterables_of_wrong_routes_are_refused(cache, routes, error):
    with pytest.raises(error):
        cache.get_hosts(routes)


def test_an_iterable_that_raises_is_let_through(cache):
    def broken():
        yield 1, 1
        raise KeyError("mine")

    with pytest.raises(KeyError):
        cache.get_hosts(broken())


@pytest.mark.parametrize(
    ("hosts", "results", "error"),
    [
        (bytes(records()), codes(), BufferError),
        (records(), bytes(16), BufferError),
        (records(), memoryview(codes()).toreadonly(), BufferError),
        (memoryview(records())[::2], codes(), BufferError),
        (records()[:-1], codes(), ValueError),
        (records()[16:], codes(), ValueError),
        (records(), array.array("i"), ValueError),
        (array.array("d", [0.0] * 8), codes(), TypeError),
        (array.array("f", [0.0] * 16), codes(), TypeError),
        (array.array("i", [0] * 16), codes(), TypeError),
        (records(), array.array("I", [0] * 4), TypeError),
        (records(), array.array("f", [0] * 4), TypeError),
        (records(), array.array("q", [0] * 4), TypeError),
        (records(), bytearray(16), TypeError),
        (memoryview(bytearray(65))[1:], codes(), ValueError),
        ((Codes * 4)(), codes(), TypeError),
        ("routes", codes(), TypeError),
        (records(), 4, TypeError),
        (None, None, TypeError),
        ([(1, 1)], codes(), TypeError),
    ],
)
def test_wrong_buffers_are_refused_and_untouched(cache, hosts, results, error):
    before = list(results) if isinstance(results, array.array) else None
    with pytest.raises(error):
        cache.get_host_batch(hosts, results)
    if before is not None:
        assert list(results) == before


def test_buffers_must_not_overlap(cache):
    memory = memoryview(bytearray(80))
    with pytest.raises(ValueError, match="overlap"):
        cache.get_host_batch(memory[:64], memory[60:76].cast("i"))
    assert cache.get_host_batch(memory[:64], memory[64:].cast("i")) == 0


def test_empty_buffers_are_fine(cache):
    assert cache.get_host_batch(bytearray(), array.array("i")) == 0


def test_a_huge_batch_works(cache):
    count = 100_000
    hosts, results = array.array("I", [1, 1, 0, 0]) * count, array.array("i", [-1]) * count
    assert cache.get_host_batch(hosts, results) == count


def test_buffers_can_be_resized_again_after_a_batch(cache):
    hosts, results = records(), codes()
    cache.get_host_batch(hosts, results)
    with pytest.raises(ValueError):
        cache.get_host_batch(hosts, array.array("i"))
    hosts.append(0)
    results.append(0)
