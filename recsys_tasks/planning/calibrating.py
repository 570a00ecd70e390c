"""How fast this machine and its database are, in two figures that take a second."""

from time import perf_counter
from typing import Final, NamedTuple

import numpy as np

from recsys_tasks.warehouse import Session, copying

ROUNDS: Final = 5  # the median counts: what else the machine does is part of it
USERS, ITEMS, DIM = 512, 4_096, 384
ROWS: Final = 5_000


class Speed(NamedTuple):
    """What a machine does in a second.

    Attributes:
        product: Multiplications of a product of users with items, in thousand millions.
        copy: Rows of an interest copied into a table and out again, in thousands.
    """

    product: float
    copy: float

    def times(self, other: "Speed") -> float:
        """How many times as fast as another one, products and rows counting alike."""
        return float(np.sqrt(self.product / other.product * self.copy / other.copy))


def measure_speed(session: Session) -> Speed:
    """Try it. What is written is gone with the transaction."""
    return Speed(_product(), _copy(session))


def _product() -> float:
    rng = np.random.default_rng(0)
    users = rng.standard_normal((USERS, DIM), np.float32)
    items = rng.standard_normal((ITEMS, DIM), np.float32)
    users @ items.T  # the first one wakes the library
    return (
        USERS * ITEMS * DIM / 1e9 / _median([_timed_product(users, items) for _ in range(ROUNDS)])
    )


def _timed_product(users: np.ndarray, items: np.ndarray) -> float:
    start = perf_counter()
    users @ items.T
    return perf_counter() - start


def _copy(session: Session) -> float:
    columns = (copying.INT4, copying.vector(DIM))
    arrays = (np.arange(ROWS, dtype=np.int32), np.ones((ROWS, DIM), np.float32))
    session.execute("plan_create_probe")
    seconds = []
    for _ in range(ROUNDS):
        start = perf_counter()
        session.copy_in("plan_copy_probe_in", columns, arrays)
        seconds.append(perf_counter() - start)
    start = perf_counter()
    session.copy_out("plan_copy_probe_out", columns)
    out = (perf_counter() - start) / ROUNDS
    return ROWS / 1e3 / (_median(seconds) + out)


def _median(seconds: list[float]) -> float:
    return float(np.median(seconds))
