# SPDX-License-Identifier: MIT
"""Replays vectors.txt, which says what a replay is. usage: replay.py INSTANCE_PROGRAM FILE"""

import array
import sys

import larshm
from instance import Instance

NAMES = {
    getattr(larshm, name): name
    for name in (
        "OK OVERLOAD SYSTEM_ERROR NOEXIST PENDING FULL STALE TIMEOUT NO_OBJECT NO_PERMISSION FOREIGN UNSAFE SHORT "
        "NOT_LARSHM LAYOUT CORRUPT BAD_ARGUMENT CUT_OFF END OVERRUN"
    ).split()
}
STATES = {
    larshm.HOST_IN_ROTATION: "rotation",
    larshm.HOST_EJECTED: "ejected",
    larshm.HOST_DRAINED: "drained",
}
CALLS = 100


def host(modid, cmdid, word):
    addr, port = word.split(":")
    return larshm.Host(int(modid), int(cmdid), addr, int(port))


def picks(pick):
    return ["OK"] + sorted({str(pick()) for _ in range(CALLS)})


def get(cache, modid, cmdid):
    return picks(lambda: cache.get_host(int(modid), int(cmdid)))


def get_except(cache, modid, cmdid, words):
    tried = [] if words == "-" else [host(modid, cmdid, word) for word in words.split(",")]
    return picks(lambda: cache.get_host_except(int(modid), int(cmdid), tried))


def batch(cache, *words):
    routes = [tuple(map(int, word.partition("=")[0].split(":"))) for word in words]
    hosts = array.array("I", [number for route in routes for number in (*route, 0, 0)])
    codes = array.array("i", [-1] * len(routes))
    succeeded = cache.get_host_batch(hosts, codes)
    came = [f"{modid}:{cmdid}={NAMES[code]}" for (modid, cmdid), code in zip(routes, codes)]
    if succeeded != sum(code == larshm.OK for code in codes):
        came.append("another-count-is-returned")
    objects = [getattr(item, "code", larshm.OK) for item in cache.get_hosts(routes)]
    if objects != list(codes):
        came.append("get_hosts-differs")
    return came


def hosts(cache, modid, cmdid):
    found = sorted(f"{host}={STATES[state]}" for host, state in cache.get_route(int(modid), int(cmdid)))
    listed = sorted(f"{info.host}={STATES[info.state]}" for info in cache.hosts(int(modid), int(cmdid)))
    return ["OK", *found] if found == listed else ["OK", *found, "and-as-a-list", *listed]


def size(cache, modid, cmdid):
    return ["OK", str(len(cache.get_route(int(modid), int(cmdid))))]


def info(cache, modid, cmdid):
    found = cache.info(int(modid), int(cmdid))
    return [NAMES[found.code]] + [f"{name}={getattr(found, name)}" for name in ("hosts", "ejected", "drained")]


def report(cache, modid, cmdid, word, retcode):
    cache.report(host(modid, cmdid, word), int(retcode))
    return ["OK"]


def wait(cache, modid, cmdid, timeout_ms):
    cache.wait_route(int(modid), int(cmdid), None if timeout_ms == "-1" else int(timeout_ms) / 1000)
    return ["OK"]


class Changes:
    """Where the calls before have ended."""

    since = 0


def changes(cache):
    Changes.since, routes = cache.changes(Changes.since)
    if routes is None:
        return ["OVERRUN"]
    return ["END"] + sorted({f"{modid}:{cmdid}" for modid, cmdid in routes})


def change(cache, timeout_ms):
    return ["OK" if cache.wait_change(Changes.since, int(timeout_ms) / 1000) else "TIMEOUT"]


def routes(cache):
    return sorted(f"{modid}:{cmdid}" for modid, cmdid in cache.routes())


def format_host(_, *words):
    return [str(host(0, 0, word)) for word in words]


def open_other(_, name):
    larshm.open(name).close()
    return ["OK"]


def strerror(_, *names):
    texts = {name: larshm.strerror(code) for code, name in NAMES.items()}
    own = [name for name in names if texts[name] and list(texts.values()).count(texts[name]) == 1]
    return own if len(own) == len(set(own)) else ["a-code-stands-twice"]


# How many words are arguments, and the function.
VERBS = {
    "get": (2, get),
    "except": (3, get_except),
    "batch": (None, batch),
    "hosts": (2, hosts),
    "size": (2, size),
    "info": (2, info),
    "report": (4, report),
    "wait": (3, wait),
    "changes": (0, changes),
    "change": (1, change),
    "routes": (0, routes),
    "format": (None, format_host),
    "open": (1, open_other),
    "strerror": (None, strerror),
}
OF_INSTANCE = {"route", "eject", "drain", "answer"}
SORTED = {"get", "except", "hosts", "changes"}


def call(cache, verb, words):
    count, function = VERBS[verb]
    try:
        return function(cache, *words[:count])
    except larshm.Error as error:
        return [NAMES[error.code]]
    except OverflowError:
        return ["RANGE"]


def replay_line(cache, number, line):
    """True: the call went as the line says."""
    verb, *words = line.partition("#")[0].split() or [""]
    if not verb or verb in OF_INSTANCE:
        return True
    if verb not in VERBS:
        print(f"{number}: no such call: {verb}")
        return False
    count = VERBS[verb][0]
    expected = words if count is None else words[count:]
    came = call(cache, verb, words)
    if verb in SORTED:
        expected[1:] = sorted(expected[1:])
    if verb == "routes":
        expected.sort()
    if came != expected:
        print(f"{number}: {verb} {' '.join(words[:count or 0])}: expected {expected}, came {came}")
    return came == expected


def main(program, path):
    passed = True
    with Instance(program, path) as instance, larshm.open(instance.name) as cache, open(path) as file:
        for number, line in enumerate(file, 1):
            passed = replay_line(cache, number, line) and passed
    return 0 if passed else 1


sys.exit(main(*sys.argv[1:]))
