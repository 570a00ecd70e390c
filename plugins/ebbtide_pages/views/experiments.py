"""Experiments: variants beside the default, with intervals, and how long a difference takes."""

from datetime import date
from typing import Final, NamedTuple

from ebbtide_pages.asking import Asked
from ebbtide_pages.content import (
    Cell,
    Chart,
    Column,
    Facts,
    Page,
    Section,
    Series,
    State,
    Table,
)
from ebbtide_pages.measures import METRICS, SEGMENTS, TARGETS, K
from ebbtide_pages.reading import Reader
from ebbtide_pages.views.night import variants_table
from ebbtide_pages.views.nights import newest_published

LEAD: Final = "Variants beside the default: chance alone decides who is shown which."
_COMPARED: Final = {
    name: METRICS[name] for name in ("ndcg", "recall", "hit_rate", "mrr", "novelty", "diversity")
}
_DIFFERENCES: Final = {"0.01": "0.01", "0.005": "0.005", "0.02": "0.02", "0.05": "0.05"}


class Comparison(NamedTuple):
    """A row of the query `experiments`."""

    variant: str
    against: str
    target: str
    nights: int
    n: int
    n_against: int
    value: float
    against_value: float
    difference: float
    ci_low: float | None
    ci_high: float | None
    is_beyond_noise: bool
    since: date
    until: date

    @property
    def verdict(self) -> State:
        """What the interval says."""
        if not self.is_beyond_noise:
            return State("level", "plain")
        return State("wins", "good") if self.difference > 0 else State("loses", "bad")


def view(reader: Reader, asked: Asked) -> Page:
    """By the parameters `metric`, `segment` and `difference`."""
    metric = asked.chosen("metric", _COMPARED)
    segment = asked.chosen("segment", SEGMENTS)
    found = [
        Comparison(*row)
        for row in reader.session.rows("experiments", metric=metric, segment=segment, k=K)
    ]
    sections: list[Section] = []
    if found:
        sections.append(_facts(found))
    sections += [_compared(target, found, metric) for target in TARGETS]
    sections.append(_power(reader, asked, metric))
    night = newest_published(reader)
    if night is not None:
        sections.append(variants_table(reader, night))
    return Page(
        "experiments",
        "Experiments",
        LEAD,
        tuple(sections),
        choosers=(
            asked.chooser("metric", "Metric", _COMPARED),
            asked.chooser("segment", "Of", SEGMENTS),
            asked.chooser("difference", "A difference of", _DIFFERENCES),
        ),
    )


def _facts(found: list[Comparison]) -> Facts:
    return Facts(
        "In short",
        (
            ("Variants", len({row.variant for row in found}), "count"),
            ("Nights", max(row.nights for row in found), "count"),
            ("Since night", str(min(row.since for row in found)), "text"),
            ("Until day", str(max(row.until for row in found)), "text"),
        ),
    )


def _compared(target: str, found: list[Comparison], metric: str) -> Table:
    those = [row for row in found if row.target == target]
    rows: list[tuple[Cell, ...]] = [
        (
            *(row.variant, row.verdict, row.difference, row.ci_low, row.ci_high),
            *(row.value, row.against_value, row.against, row.nights, row.n, row.n_against),
        )
        for row in those
    ]
    drawn = Series(
        "difference",
        tuple(f"{row.variant} beside {row.against}" for row in those),
        tuple(row.difference for row in those),
        tuple(row.ci_low for row in those),
        tuple(row.ci_high for row in those),
    )
    name = METRICS[metric]
    return Table(
        f"compared_{target}",
        f"{name}: {TARGETS[target]}",
        (
            *(Column("variant"), Column("verdict"), Column("difference", "signed")),
            *(Column("from", "signed"), Column("to", "signed"), Column(name, "score")),
            *(Column("of the default", "score"), Column("the default")),
            *(Column("nights", "count"), Column("user-days", "count")),
            Column("of the default", "count"),
        ),
        rows,
        empty="Nothing to compare yet: RECSYS_VARIANTS makes variants, nights fill them.",
        note="95% intervals over users. Right of 0 the variant is better; an interval that holds 0"
        " is level so far.",
        chart=Chart(
            "intervals", f"Difference in {name} to the default", f"difference in {name}", (drawn,)
        ),
    )


def _power(reader: Reader, asked: Asked, metric: str) -> Table:
    difference = asked.chosen("difference", _DIFFERENCES)
    found = reader.session.rows("nights_to_see", difference=float(difference), metric=metric, k=K)
    rows: list[tuple[Cell, ...]] = [
        (variant or "a new one, half of the users", against, TARGETS.get(target, target), nights)
        for variant, against, target, nights in found
    ]
    return Table(
        "power",
        f"Nights to see a difference of {difference} in {METRICS[metric]}",
        (
            Column("variant"),
            Column("against"),
            Column("counts as right"),
            Column("nights", "count"),
        ),
        rows,
        empty="It is known once nights have been measured.",
        note="With 80% power at the 95% level, by the variance seen so far.",
    )
