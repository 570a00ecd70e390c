"""The forecast: each step's seconds, and the night's memory, as sums of what they grow with.

The coefficients are fitted to measured nights by least squares, none below zero, every night
counting by its relative error; the product of users with items takes what it takes here. Where
nights have run on the database itself, theirs are the better witnesses: the forecast of a step is
then what it took, times how much larger the night is.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
from scipy.optimize import nnls

from recsys_tasks.errors import BadSettings
from recsys_tasks.planning.calibrating import Speed
from recsys_tasks.planning.measured import MeasuredNight
from recsys_tasks.planning.sizes import Sizes
from recsys_tasks.steps.rank.making import MOST
from recsys_tasks.warehouse import Session

Work = Callable[[Sizes], tuple[float, ...]]
MILLION: Final = 1e6

# What a step does, in units that are near each other; the first of each is there whatever the size.
WORK: Final[Mapping[str, Work]] = {
    "extract": lambda n: (1, n.events * (1 + n.late_days) / MILLION),
    "embed_items": lambda n: (1, n.items / MILLION),
    "accumulate": lambda n: (1, n.events / MILLION),
    "merge": lambda n: (1, n.active * n.half_lives * n.dim / MILLION),
    "rank": lambda n: (
        1,
        n.ranked / MILLION,
        n.items / MILLION,
    ),
    "check": lambda n: (1, n.ranked / MILLION),
    "publish": lambda n: (1, n.ranked / MILLION),
    "topics": lambda n: (1, n.active / MILLION, n.items / MILLION, n.history / MILLION),
    "evaluate": lambda n: (1, n.active / MILLION, n.items / MILLION, n.history / MILLION),
}
LEAST: Final = 0.1  # of what a night took, that is more than its product
NO_LEDGER: Final = frozenset({"embed_items"})  # of new items, which differ from night to night


class Forecast(NamedTuple):
    """What a night will cost.

    Attributes:
        seconds: By step, in order.
        product_seconds: Of `rank`, those of the product of users with items.
        peak_gib: Most memory at once, Postgres's counted with it.
        nights: Of this database that the forecast was scaled from; 0 for none.
    """

    seconds: dict[str, float]
    product_seconds: float
    peak_gib: float
    nights: int


class Ledger(NamedTuple):
    """What the steps of this database's newest nights took.

    Attributes:
        seconds: By step, median.
        nights: How many they are.
    """

    seconds: Mapping[str, float]
    nights: int


def read_ledger(session: Session) -> Ledger:
    """The newest seven nights that made lists, but for the first one, which embeds everything."""
    rows = session.rows("plan_ledger")
    return Ledger(
        {step: float(seconds) for step, seconds, _ in rows},
        max((n for *_, n in rows), default=0),
    )


def forecast(
    sizes: Sizes,
    measured: Sequence[MeasuredNight],
    speed: Speed,
    ledger: Ledger,
    now: Sizes | None = None,
) -> Forecast:
    """Tell what a night of a size takes.

    Args:
        sizes: Of the night.
        measured: Nights to learn from.
        speed: Of this machine.
        ledger: Nights of this database; without seconds where there is none.
        now: How large the nights of the ledger were; None for `sizes`.

    Raises:
        BadSettings: No night was measured.
    """
    if not measured:
        raise BadSettings(problem="no night was measured: run python benchmarks/curves.py")
    seconds, product = {}, 0.0
    for step, work in WORK.items():
        took = [night.seconds[step] * night.speed.times(speed) for night in measured]
        told = [
            max(each - _product(step, night.sizes, speed), LEAST * each)
            for each, night in zip(took, measured, strict=True)
        ]
        weights = _fit([work(night.sizes) for night in measured], told)
        factor = 1.0
        if step in ledger.seconds and step not in NO_LEDGER:
            then = now or sizes
            fitted = weights @ np.array(work(then)) + _product(step, then, speed)
            factor = ledger.seconds[step] / max(fitted, 1e-9)
        of_product = _product(step, sizes, speed) * factor
        seconds[step] = float(weights @ np.array(work(sizes))) * factor + of_product
        product += of_product
    held = [_held(night.sizes) for night in measured]
    memory = _fit(held, [night.peak_gib for night in measured])
    return Forecast(seconds, product, float(memory @ _held(sizes)), ledger.nights)


def _product(step: str, n: Sizes, speed: Speed) -> float:
    """Seconds of the product of users with items: of this machine it is known, and not fitted."""
    return n.ranked * n.items * n.dim / (1e9 * speed.product) if step == "rank" else 0.0


def _held(n: Sizes) -> tuple[float, ...]:
    """What a night holds at once, in million numbers: totals of a block, and vectors of items."""
    block = min(n.ranked, MOST)
    return (1, block * n.half_lives * n.dim / MILLION, n.items * n.dim / MILLION)


def _fit(work: Sequence[tuple[float, ...]], told: Sequence[float]) -> np.ndarray:
    """Coefficients of the work, none below zero, that come nearest to what was measured."""
    told_ = np.maximum(np.array(told, np.float64), 1e-6)
    weights, _ = nnls(np.array(work) / told_[:, None], np.ones(len(told_)))
    return np.asarray(weights)
