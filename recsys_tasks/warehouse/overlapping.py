"""Part after part read, computed and written, so that the database works while we compute."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from recsys_tasks.threads import threads_of

Part = TypeVar("Part")
Read = TypeVar("Read")
Made = TypeVar("Made")


def overlap(
    parts: Iterable[Part],
    read: Callable[[Part], Read],
    compute: Callable[[Read], Made],
    write: Callable[[Made], None],
) -> None:
    """Do for each part what `write(compute(read(part)))` does.

    One thread reads and writes, so that a session's statements come one after another, in an order
    that the parts alone decide: while a part is computed, the one before it is written, and then
    the one after it is read. So no part may read what another one writes, and `compute` may touch
    nothing that the others use but a session, which lets one thread in at a time. Three parts are
    in memory at most.

    Args:
        parts: In their order.
        read: What a part is computed from.
        compute: What is to be written.
        write: It.

    Raises:
        Exception: The first of any of the three; the transaction is to be taken back.
    """
    with threads_of(1, "database") as database:
        ahead = iter(parts)
        reading = _next(database, read, ahead)
        writing: Future[None] | None = None
        while reading is not None:
            found = reading.result()
            reading = _next(database, read, ahead)
            made = compute(found)
            if writing is not None:
                writing.result()
            writing = database.submit(write, made)
        if writing is not None:
            writing.result()


def _next(
    database: ThreadPoolExecutor, read: Callable[[Part], Read], ahead: Iterator[Part]
) -> Future[Read] | None:
    """Begin to read the next part; None after the last."""
    for part in ahead:
        return database.submit(read, part)
    return None
