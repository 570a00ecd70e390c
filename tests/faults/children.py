"""Steps in processes of their own, which can be killed, run out of memory, or run at once."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from multiprocessing import get_context
from multiprocessing.context import ForkServerContext, ForkServerProcess

from recsys_tasks import nightly

from .injecting import Script, die
from .places import LAST, Place

# Modules that a step needs, imported once and inherited by every child.
_PRELOADED = ["faults.children", "lightgbm", "sentence_transformers", "torch"]


def start(place: Place, *steps: str, at: int | None = None, day: date = LAST) -> ForkServerProcess:
    """A process that runs steps one after another; where `at` is given it kills itself there."""
    child = _context().Process(target=_run, args=(place, steps or nightly.STEPS, at, day))
    child.start()
    return child


@contextmanager
def running(place: Place, *steps: str) -> Iterator[ForkServerProcess]:
    """The same; it has ended afterwards, whatever it did."""
    child = start(place, *steps)
    try:
        yield child
    finally:
        child.kill()
        child.join()


def start_with_little_memory(place: Place, step: str, n_bytes: int) -> ForkServerProcess:
    """A process that may have so many bytes more than it has at its start."""
    child = _context().Process(target=_run_with_little_memory, args=(place, step, n_bytes))
    child.start()
    return child


def _context() -> ForkServerContext:
    context = get_context("forkserver")
    context.set_forkserver_preload(_PRELOADED)
    return context


def _run(place: Place, steps: tuple[str, ...], at: int | None, day: date) -> None:
    script = Script(at, die)
    for step in steps:
        place.run(step, day, script)


def _run_with_little_memory(place: Place, step: str, n_bytes: int) -> None:
    with open("/proc/self/statm") as statm:  # noqa: PTH123  a file of the kernel's
        has = int(statm.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (has + n_bytes, has + n_bytes))
    place.run(step)
