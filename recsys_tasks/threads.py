"""Threads that come to life, or do not begin at all."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from mmap import mmap
from threading import Barrier
from typing import Final

ROOM: Final = 64 << 20  # bytes that a thread may need to come to life: its stack, and a heap


def threads_of(
    n: int, name: str = "", initializer: Callable[[], object] | None = None
) -> ThreadPoolExecutor:
    """A pool of n threads that are alive; arguments as of ThreadPoolExecutor.

    Without memory a thread can die on its first steps, and whoever started it waits for ever to
    hear that it lives (CPython, Thread.start). So each begins only where there is room for it, and
    what is done afterwards fails as it does in one thread.

    Raises:
        MemoryError: There is not.
    """
    pool, together = ThreadPoolExecutor(n, name, initializer), Barrier(n + 1)
    try:
        for _ in range(n):
            _ask_for_room()
            pool.submit(together.wait)  # which keeps it from the next one's work
        together.wait()
    except BaseException:
        together.abort()
        pool.shutdown()
        raise
    return pool


def _ask_for_room() -> None:
    """Ask for it, and give it back untouched."""
    try:
        mmap(-1, ROOM).close()
    except OSError as refused:
        message = f"no room for a thread: {refused}"
        raise MemoryError(message) from refused
