"""Contests: our way, the plain ones and the machine's floor, on the same data in the same run."""

from collections.abc import Callable, Iterator
from itertools import groupby
from typing import NamedTuple, TypeVar

from pytest_benchmark.fixture import BenchmarkFixture

Result = TypeVar("Result")
ROUNDS = 3  # the fastest counts
HEADINGS = ("contest", "way", "times ours", "each", "a second", "besides")


class Figure(NamedTuple):
    """How long one way took.

    Attributes:
        contest: Who competes: what is done, and to how much of it.
        way: How it was done.
        n: Things done at once, of the contest's kind.
        seconds: Of all n, in the fastest round: what disturbs a round only adds to it.
        ratio: Time a thing, over that of the contest's first way: ours.
        besides: What else is worth knowing.
    """

    contest: str
    way: str
    n: int
    seconds: float
    ratio: float
    besides: str


class Measure:
    """Times one way, and keeps its figure for the table at the end of the run."""

    def __init__(self, benchmark: BenchmarkFixture, figures: list[Figure]) -> None:
        """Add to `figures` what `benchmark` measures."""
        self.benchmark = benchmark
        self.figures = figures

    def __call__(
        self,
        contest: str,
        way: str,
        n: int,
        run: Callable[[], Result],
        *,
        setup: Callable[[], None] | None = None,
        besides: str = "",
    ) -> Result:
        """Run ROUNDS times, each after a setup that is not timed.

        The first way of a contest is ours: the others' ratios are over its time a thing. Ways may
        do different numbers of things, so a slow one may do fewer.

        Returns:
            What the last round returned.
        """
        self.benchmark.group = contest
        result: Result = self.benchmark.pedantic(  # type: ignore[no-untyped-call]
            run, setup=setup, rounds=ROUNDS
        )
        if self.benchmark.stats is None:  # --benchmark-disable: nothing was timed
            return result
        seconds = min(self.benchmark.stats.stats.data)
        ours = next((figure for figure in self.figures if figure.contest == contest), None)
        ratio = (seconds / n) / (ours.seconds / ours.n) if ours else 1.0
        self.figures.append(Figure(contest, way, n, seconds, ratio, besides))
        self.benchmark.extra_info |= {"way": way, "n": n, "ratio": ratio, "besides": besides}
        return result


def table(figures: list[Figure]) -> Iterator[str]:
    """The lines of a Markdown table, contest by contest in the order in which they were first."""
    yield _line(HEADINGS)
    yield _line(("---", "---", "--:", "--:", "--:", "---"))
    contests = list(dict.fromkeys(figure.contest for figure in figures))
    ordered = sorted(figures, key=lambda figure: contests.index(figure.contest))
    for contest, ways in groupby(ordered, key=lambda figure: figure.contest):
        for position, way in enumerate(ways):
            each = way.seconds / way.n
            cells = (
                way.way,
                f"{way.ratio:.2f}",
                f"{each * 1e3:.3g} ms",
                f"{1 / each:,.0f}",
                way.besides,
            )
            yield _line(("" if position else contest, *cells))


def _line(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"
