"""Contests outside pytest: what several ways take for the same, on data that a night left."""

from collections.abc import Callable
from time import perf_counter
from typing import NamedTuple, TypeVar

from benchmarks.measuring import ROUNDS, Figure

Result = TypeVar("Result")


class Contest(NamedTuple):
    """Ways of doing the same; the first one is ours.

    Attributes:
        name: What is done.
        figures: Of the ways that were measured.
    """

    name: str
    figures: list[Figure]

    def add(self, way: str, n: int, seconds: float, besides: str = "") -> None:
        """Add what a way took for n things."""
        ours = self.figures[0] if self.figures else None
        ratio = (seconds / n) / (ours.seconds / ours.n) if ours else 1.0
        self.figures.append(Figure(self.name, way, n, seconds, ratio, besides))


def timed(run: Callable[[], Result], rounds: int = ROUNDS) -> tuple[float, Result]:
    """The seconds of the fastest round, and what the last one returned."""
    seconds, results = zip(*(_once(run) for _ in range(rounds)), strict=True)
    return min(seconds), results[-1]


def _once(run: Callable[[], Result]) -> tuple[float, Result]:
    start = perf_counter()
    result = run()
    return perf_counter() - start, result
