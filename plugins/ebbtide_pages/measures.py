"""The metrics that pages show, and series of them."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Final, NamedTuple

from ebbtide_pages.content import Cell, Chart, Column, Series, Table

K: Final = 10
METRICS: Final = {
    "ndcg": "NDCG@10",
    "recall": "Recall@10",
    "hit_rate": "Hit rate@10",
    "mrr": "MRR@10",
    "precision": "Precision@10",
    "novelty": "Novelty@10",
    "diversity": "Diversity@10",
    "coverage": "Coverage@10",
}
TARGETS: Final = {"new": "new to the user", "all": "everything taken to"}
SEGMENTS: Final = {
    "all": "all users",
    "cold": "cold users",
    "light": "light users",
    "warm": "warm users",
    "new_items": "new items",
    "known_items": "known items",
}


class Figure(NamedTuple):
    """A row of page_evaluations_over_nights."""

    night: date
    variant: str
    value: float | None
    ci_low: float | None
    ci_high: float | None
    n: int


class Bar(NamedTuple):
    """What a variant or baseline was worth, with an interval where there is one."""

    variant: str
    value: float | None
    low: float | None = None
    high: float | None = None


def over_nights(figures: list[Figure], ours: set[str], metric: str) -> Table:
    """One metric over nights: what is served, with intervals, and baselines."""
    rows: list[tuple[Cell, ...]] = [tuple(figure) for figure in reversed(figures)]
    return Table(
        name="metrics",
        title=f"{METRICS[metric]} over nights",
        columns=(
            Column("night"),
            Column("variant"),
            Column(METRICS[metric], "score"),
            Column("from", "score"),
            Column("to", "score"),
            Column("user-days", "count"),
        ),
        rows=rows,
        empty="Nothing was measured yet: lists are judged by what users do the day after.",
        note="A night's lists against what users then did, with 95% intervals. Dotted lines are"
        " baselines: what was popular, equal for all.",
        chart=Chart("lines", f"{METRICS[metric]} by night", METRICS[metric], series(figures, ours)),
    )


def series(figures: Iterable[Figure], ours: set[str]) -> tuple[Series, ...]:
    """A series a variant: ours first, then the best baseline; the others can be switched on."""
    by_variant: Mapping[str, list[Figure]] = defaultdict(list)
    for figure in figures:
        by_variant[figure.variant].append(figure)
    order = sorted(by_variant, key=lambda name: (name not in ours, -_mean(by_variant[name]), name))
    best_baseline = next((name for name in order if name not in ours), None)
    return tuple(
        _one(
            name,
            by_variant[name],
            is_ours=name in ours,
            is_hidden=name not in {*ours, best_baseline},
        )
        for name in order
    )


def beside(bars: Iterable[Bar], ours: set[str]) -> tuple[Series, Series]:
    """Two series: what is served, and baselines."""
    sides: dict[bool, list[Bar]] = {True: [], False: []}
    for bar in bars:
        sides[bar.variant in ours].append(bar)
    return _side("served", sides[True], is_ours=True), _side(
        "baselines", sides[False], is_ours=False
    )


def _side(name: str, bars: list[Bar], *, is_ours: bool) -> Series:
    has_intervals = any(bar.low is not None for bar in bars)
    return Series(
        name,
        x=tuple(bar.variant for bar in bars),
        y=tuple(bar.value for bar in bars),
        low=tuple(bar.low for bar in bars) if has_intervals else (),
        high=tuple(bar.high for bar in bars) if has_intervals else (),
        is_ours=is_ours,
    )


def _one(name: str, figures: list[Figure], *, is_ours: bool, is_hidden: bool) -> Series:
    return Series(
        name=name,
        x=tuple(str(figure.night) for figure in figures),
        y=tuple(figure.value for figure in figures),
        low=tuple(figure.ci_low for figure in figures) if is_ours else (),
        high=tuple(figure.ci_high for figure in figures) if is_ours else (),
        is_ours=is_ours,
        is_hidden=is_hidden,
    )


def _mean(figures: list[Figure]) -> float:
    """Over user-days; of none, less than any."""
    known = [(figure.value, figure.n) for figure in figures if figure.value is not None]
    n = sum(weight for _, weight in known)
    return sum(value * weight for value, weight in known) / n if n else float("-inf")
