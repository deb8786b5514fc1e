# SPDX-License-Identifier: MIT
"""A cache among threads, signals, child processes and interpreters."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time

import pytest

import larshm
from instance import Instance

HOST = larshm.Host(1, 1, "10.0.0.1", 8080)


def test_another_thread_may_close_while_calls_wait(cache):
    raised = []

    def wait():
        try:
            cache.wait_route(9, 9)
        except ValueError as error:
            raised.append(error)

    threads = [threading.Thread(target=wait) for _ in range(4)]
    for thread in threads:
        thread.start()
    time.sleep(0.02)
    cache.close()
    for thread in threads:
        thread.join(timeout=60)
    assert len(raised) == 4


def test_threads_share_a_cache_and_one_closes_it(cache):
    found, started = [], threading.Barrier(5)

    def look_up():
        started.wait()
        try:
            while True:
                found.append(cache.get_host(1, 1).port)
                cache.report(HOST, 0)
        except ValueError:
            pass

    threads = [threading.Thread(target=look_up) for _ in range(4)]
    for thread in threads:
        thread.start()
    started.wait()
    time.sleep(0.05)
    cache.close()
    for thread in threads:
        thread.join(timeout=60)
        assert not thread.is_alive()
    assert set(found) <= {8080}


def test_waits_release_the_gil(instance, cache):
    timer = threading.Timer(0.02, instance.do, ["route 7 7 10.0.0.7:80"])
    timer.start()
    cache.wait_route(7, 7, timeout=60)
    timer.join()
    assert str(cache.get_host(7, 7)) == "10.0.0.7:80"


def test_open_waits_for_the_first_fetcher():
    class Late(Instance):
        def __init__(self):
            pass

    waiting, opened = f"python-late-{os.getpid()}", []
    thread = threading.Thread(target=lambda: opened.append(larshm.open(waiting, timeout=60)))
    thread.start()
    late = Late()
    late.name = waiting
    late._process = subprocess.Popen(
        [os.environ["INSTANCE_PROGRAM"], waiting], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with late:
        thread.join(timeout=60)
        assert opened
        opened[0].close()


def test_a_signal_handler_ends_a_wait(cache):
    class Alarm(Exception):
        pass

    def ring(*_):
        raise Alarm

    before = signal.signal(signal.SIGALRM, ring)
    try:
        newest = cache.changes()[0]
        for wait in (lambda: cache.wait_route(9, 9), lambda: cache.wait_change(newest), lambda: larshm.open("no-fetcher-has-run-here", None)):
            signal.setitimer(signal.ITIMER_REAL, 0.02)
            with pytest.raises(Alarm):
                wait()
    finally:
        signal.signal(signal.SIGALRM, before)


def test_a_child_of_fork_looks_up_and_closes(cache):
    cache.get_host(1, 1)
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            cache.report(cache.get_host(1, 1), 0)
            cache.close()
            status = 0
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert cache.get_host(1, 1)


def run_python(instance, code):
    code = f"import larshm\ncache = larshm.open({instance.name!r})\n" + textwrap.dedent(code)
    return subprocess.run([sys.executable, "-X", "dev", "-c", code], capture_output=True, text=True, timeout=60)


def test_the_interpreter_ends_while_threads_wait_and_look_up(instance):
    ended = run_python(
        instance,
        """
        import threading, time
        cache.fileno()
        def wait():
            cache.wait_route(9, 9)
        def look_up():
            while True:
                cache.get_host(1, 1)
        for target in (wait, wait, look_up, look_up):
            threading.Thread(target=target, daemon=True).start()
        time.sleep(0.05)
        print("end")
        """,
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "end\n", "")


def test_finalizers_may_call_while_the_interpreter_ends(instance):
    ended = run_python(
        instance,
        """
        import os, sys
        class Last:
            def __init__(self):
                self.cache, self.circle, self.found = cache, self, cache.get_host(1, 1)
            def __del__(self, write=os.write, Pending=larshm.Pending):
                self.found = self.cache.get_host(1, 1), self.cache.get_route(1, 1), self.cache.info(1, 1)
                try:
                    self.cache.get_host(9, 9)
                except Pending as error:
                    assert error.code == 4
                write(1, b"called\\n")
        sys.last = Last()
        last = Last()
        """,
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "called\ncalled\n", "")


def test_subinterpreters_have_modules_of_their_own(instance):
    module = "_interpreters" if sys.version_info >= (3, 13) else "_xxsubinterpreters"
    ended = run_python(
        instance,
        f"""
        import {module} as interpreters
        code = '''
        import larshm
        cache = larshm.open({instance.name!r})
        cache.get_host(1, 1)
        try:
            cache.get_host(9, 9)
        except larshm.Pending:
            print(larshm.Pending.code, flush=True)
        '''
        import textwrap
        for _ in range(3):
            other = interpreters.create()
            interpreters.run_string(other, textwrap.dedent(code))
            interpreters.destroy(other)
        assert cache.get_host(1, 1)
        """,
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "4\n" * 3, "")
