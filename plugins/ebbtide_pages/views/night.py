"""One night: its steps, what was rejected, who was shown what, and how good it was."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Final, NamedTuple

from ebbtide_pages import wording
from ebbtide_pages.asking import Asked
from ebbtide_pages.content import (
    Action,
    Cell,
    Chart,
    Column,
    Facts,
    Link,
    Notice,
    Page,
    Section,
    Series,
    State,
    Table,
    Tone,
)
from ebbtide_pages.ledger import Line, Night
from ebbtide_pages.measures import METRICS, TARGETS, Bar, K, beside
from ebbtide_pages.reading import Reader
from ebbtide_pages.views.nights import newest_published, read_nights

_MOST_REJECTED: Final = 20_000  # rows that are counted
_TONES: Final[Mapping[str, Tone]] = {"done": "good", "failed": "bad", "running": "waiting"}
_SHOWN: Final = ("ndcg", "recall", "hit_rate")


def view(reader: Reader, asked: Asked) -> Page:
    """The night of the parameter `day`; the newest published one without it."""
    day = wording.day_of(asked.text("day")) or newest_published(reader)
    found = read_nights(reader, day, 1) if day else []
    if day is None or not found or found[0].day != day:
        return _missing(day)
    (night,) = found
    sections: list[Section] = [
        Notice(f"{line.step} failed", line.error or "It left no message.", "bad")
        for line in night.lines
        if line.state == "failed"
    ]
    sections += [_facts(night), _steps(night.lines), _rejected(reader, night)]
    sections += [*_measured(reader, day), variants_table(reader, day)]
    return Page(
        name="night",
        title=f"Night {day}",
        lead=f"What users did on {day}; its lists are for {day + timedelta(days=1)}.",
        sections=tuple(sections),
        query={"day": str(day)},
        actions=(_again(day),),
    )


def _missing(day: date | None) -> Page:
    text = f"The ledger has no night {day}." if day else "No night has run yet."
    section = Notice("Nothing here", text, "waiting", (Link("All nights", "nights", {}),))
    actions = (_again(day),) if day else ()
    return Page("night", f"Night {day or ''}".strip(), "", (section,), actions=actions, status=404)


def _again(day: date) -> Action:
    return Action(
        "Run this night again",
        f"Starts nightly_recommendations for {day}. It may run at any time and as often as you"
        " like: it ends in the same tables, and readers keep their lists until new ones are ready.",
        "nightly_recommendations",
        {"day": str(day)},
    )


def _facts(night: Night) -> Facts:
    return Facts(
        "In short",
        (
            ("State", night.state, "text"),
            ("Interactions", night.n_interactions, "count"),
            ("Rejected rows", night.n_rejected, "count"),
            ("Lists", night.n_lists if night.n_lists is not None else night.n_provisional, "count"),
            ("Took", night.seconds, "seconds"),
            ("Published", night.published_at or night.made_at, "time"),
            ("Model", night.model_id, "text"),
        ),
    )


def _steps(lines: tuple[Line, ...]) -> Table:
    rows: list[tuple[Cell, ...]] = [
        (
            line.step,
            State(line.state, _TONES[line.state]),
            line.started_at,
            line.seconds,
            line.error or wording.counts(line.counts),
            line.note or "",
        )
        for line in lines
    ]
    took = Series("took", tuple(line.step for line in lines), tuple(line.seconds for line in lines))
    return Table(
        "steps",
        "Steps",
        (
            Column("step"),
            Column("state"),
            Column("began", "time"),
            Column("took", "seconds"),
            Column("what it did"),
            Column("note"),
        ),
        rows,
        empty="No step has run.",
        chart=Chart("bars", "Seconds of each step", "seconds", (took,)),
        is_folded=False,
    )


def _rejected(reader: Reader, night: Night) -> Table:
    found = reader.rows("page_rejected_by_reason", day=night.day, most=_MOST_REJECTED)
    rows: list[tuple[Cell, ...]] = [tuple(row) for row in found]
    is_cut = sum(n for _, n, *_ in found) == _MOST_REJECTED
    return Table(
        "rejected",
        "Rejected rows by reason",
        (
            Column("reason"),
            Column("rows", "count"),
            Column("an event of them"),
            Column("as it came"),
        ),
        rows,
        empty="No row of this day was rejected.",
        note=f"Of the first {_MOST_REJECTED:,} rows that were found." if is_cut else "",
    )


class Measured(NamedTuple):
    """A row of page_evaluations_of_night."""

    target: str
    variant: str
    metric: str
    value: float | None
    ci_low: float | None
    ci_high: float | None
    n: int


def _measured(reader: Reader, day: date) -> list[Table]:
    """A table a target: how the lists that were served on the day met it."""
    rows = reader.rows("page_evaluations_of_night", night=day, metrics=list(_SHOWN), k=K)
    found = sorted((Measured(*row) for row in rows), key=lambda row: _SHOWN.index(row.metric))
    ours = {name for (name,) in reader.rows("page_variant_names")}
    return [
        _of_target(target, [row for row in found if row.target == target], ours)
        for target in TARGETS
    ]


def _of_target(target: str, found: list[Measured], ours: set[str]) -> Table:
    rows: list[tuple[Cell, ...]] = [
        (METRICS[row.metric], row.variant, row.value, row.ci_low, row.ci_high, row.n)
        for row in found
    ]
    bars = (Bar(row.variant, *row[3:6]) for row in found if row.metric == _SHOWN[0])
    return Table(
        f"measured_{target}",
        f"The lists that were served on this day: {TARGETS[target]}",
        (
            Column("metric"),
            Column("variant"),
            Column("value", "score"),
            Column("from", "score"),
            Column("to", "score"),
            Column("user-days", "count"),
        ),
        rows,
        empty="Not measured: no list was served on this day, or nobody took to anything.",
        chart=Chart("intervals", "NDCG@10 with 95% intervals", "NDCG@10", beside(bars, ours)),
    )


def variants_table(reader: Reader, day: date) -> Table:
    """Which variant was shown to how many of the users on a night."""
    found = reader.rows("page_variants_of_night", night=day)
    rest = 1 - sum(share for _, is_default, _, share, _ in found if not is_default)
    standard: Mapping[str, object] = next(
        (definition for _, is_default, *_, definition in found if is_default), {}
    )
    rows: list[tuple[Cell, ...]] = [
        (
            variant,
            rest if is_default else share,
            State("shown", "good") if is_served else State("the default stood in", "waiting"),
            "the default" if is_default else _unlike(standard, definition),
        )
        for variant, is_default, is_served, share, definition in found
    ]
    return Table(
        "variants",
        "Who is shown what",
        (Column("variant"), Column("users", "share"), Column("state"), Column("what it is")),
        rows,
        empty="This night published no lists.",
    )


def _unlike(standard: Mapping[str, object], definition: Mapping[str, object]) -> str:
    """How a variant differs from the default.

    >>> _unlike({"diversity": 0.0, "stage": None}, {"diversity": 0.3, "stage": None})
    'diversity 0.3'
    """
    found = (
        f"{name.replace('_', ' ')} {'none' if value is None else value}"
        for name, value in definition.items()
        if standard.get(name) != value
    )
    return ", ".join(found) or "as the default"
