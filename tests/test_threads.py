"""Threads that come to life, or do not begin at all."""

import subprocess
import sys
from threading import current_thread

import pytest

from recsys_tasks.threads import threads_of

LITTLE_MEMORY = """
import resource
from recsys_tasks.threads import threads_of
with open("/proc/self/statm") as statm:
    has = int(statm.read().split()[0]) * resource.getpagesize()
for n_mib in range(2, 300, 2):
    resource.setrlimit(resource.RLIMIT_AS, (has + (n_mib << 20), resource.RLIM_INFINITY))
    try:
        with threads_of(2) as threads:
            done = sum(threads.map(int, "12"))
    except MemoryError:
        done = None
    print(n_mib, done)
"""


def test_each_thread_is_there_before_anything_is_to_be_done() -> None:
    with threads_of(3, "alive") as threads:
        names = {threads.submit(current_thread).result().name for _ in range(20)}

    assert names <= {"alive_0", "alive_1", "alive_2"}


def test_an_error_of_what_is_done_is_raised() -> None:
    with threads_of(2) as threads, pytest.raises(ZeroDivisionError):
        list(threads.map(divmod, (1, 1), (1, 0)))


def test_without_memory_there_is_an_error_and_nobody_waits() -> None:
    """In as little as there may be, and a little more each time, until there is enough."""
    ended = subprocess.run(
        [sys.executable, "-c", LITTLE_MEMORY],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    said = [line.split()[1] for line in ended.stdout.splitlines()]

    assert said[0] == "None"
    assert said[-1] == "3"
    assert {*said} == {"None", "3"}
