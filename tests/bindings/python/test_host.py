# SPDX-License-Identifier: MIT
import copy
import gc
import pickle
import socket
import sys

import pytest

import larshm

HOST = larshm.Host(1, 2, "10.0.0.1", 80)


def test_a_host_has_texts_and_numbers():
    assert (HOST.modid, HOST.cmdid, HOST.addr, HOST.port) == (1, 2, "10.0.0.1", 80)
    assert HOST.address == ("10.0.0.1", 80)
    assert str(HOST) == "10.0.0.1:80"
    assert repr(HOST) == "Host(modid=1, cmdid=2, addr='10.0.0.1', port=80)"
    assert str(larshm.Host(0, 0, "255.255.255.255", 65535)) == "255.255.255.255:65535"


def test_the_address_is_what_sockets_take():
    with socket.create_server(("127.0.0.1", 0)) as server:
        host = larshm.Host(1, 1, "127.0.0.1", server.getsockname()[1])
        with socket.create_connection(host.address, timeout=10) as connection:
            assert connection.getpeername() == host.address


def test_hosts_are_equal_by_value_and_can_be_keys():
    same = larshm.Host(1, 2, "10.0.0.1", 80)
    others = [larshm.Host(*values) for values in ((2, 2, "10.0.0.1", 80), (1, 3, "10.0.0.1", 80),
                                                  (1, 2, "10.0.0.2", 80), (1, 2, "10.0.0.1", 81))]  # fmt: skip
    assert HOST == same and hash(HOST) == hash(same)
    assert all(HOST != other for other in others)
    assert len({HOST, same, *others}) == 5
    assert HOST != ("10.0.0.1", 80)
    with pytest.raises(TypeError):
        HOST < same


def test_hosts_are_copied_and_pickled():
    assert pickle.loads(pickle.dumps(HOST)) == HOST
    assert copy.deepcopy(HOST) == HOST


@pytest.mark.parametrize("name", ["addr", "port", "modid", "unknown"])
def test_a_host_is_immutable(name):
    with pytest.raises(AttributeError):
        setattr(HOST, name, 1)
    with pytest.raises(TypeError):
        larshm.Host.addr = "10.0.0.9"


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ((1, 1, "10.0.0.1"), TypeError),
        ((1, 1, b"10.0.0.1", 80), TypeError),
        (("1", 1, "10.0.0.1", 80), TypeError),
        ((1.0, 1, "10.0.0.1", 80), TypeError),
        ((1, 1, "10.0.0", 80), ValueError),
        ((1, 1, "::1", 80), ValueError),
        ((1, 1, "10.0.0.1\0", 80), ValueError),
        ((1, 1, "10.0.0.1", 65536), OverflowError),
        ((1, 1, "10.0.0.1", -1), OverflowError),
        ((2**32, 1, "10.0.0.1", 80), OverflowError),
        ((2**100, 1, "10.0.0.1", 80), OverflowError),
    ],
)
def test_a_host_of_wrong_values_is_refused(values, error):
    with pytest.raises(error):
        larshm.Host(*values)


def test_a_host_outlives_its_cache(instance):
    cache = larshm.open(instance.name)
    host = cache.get_host(1, 1)
    cache.close()
    del cache
    gc.collect()
    assert host.addr in ("10.0.0.1", "10.0.0.2")


def test_hosts_leave_no_reference_behind():
    before = sys.getrefcount(larshm.Host)
    for _ in range(10_000):
        larshm.Host(1, 2, "10.0.0.1", 80)
    assert sys.getrefcount(larshm.Host) - before < 100
