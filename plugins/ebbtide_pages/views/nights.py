"""Nights: the ledger, durations, rows, and how good lists were."""

from datetime import UTC, date, datetime, timedelta
from typing import Final

from ebbtide_pages import wording
from ebbtide_pages.asking import Asked
from ebbtide_pages.content import (
    Action,
    Cell,
    Chart,
    Column,
    Facts,
    Form,
    Link,
    Page,
    Section,
    Series,
    Table,
)
from ebbtide_pages.ledger import REFRESH, STEPS, Line, Night, alerts, with_lines
from ebbtide_pages.measures import METRICS, SEGMENTS, TARGETS, Figure, K, over_nights
from ebbtide_pages.reading import Reader

SHOWN: Final = 30
_END_OF_TIME = date(9999, 12, 31)
_MOST_ALERTS = 6


def view(reader: Reader, asked: Asked) -> Page:
    """The newest nights until the parameter `until`."""
    until = wording.day_of(asked.text("until"))
    nights = read_nights(reader, until or _END_OF_TIME, SHOWN)
    newest = newest_published(reader)
    sections: list[Section] = []
    if nights and until is None:
        found = list(alerts(nights[:7], newest, datetime.now(UTC)))
        sections += found[:_MOST_ALERTS]
        sections.append(_last_night(nights, newest))
    if nights:
        sections.append(_measured(reader, asked, nights))
        sections.append(_durations(nights))
    sections.append(_ledger(nights))
    return Page(
        name="nights",
        title="Nights",
        lead="Each night takes in a day of behaviour and makes the lists of the next.",
        sections=tuple(sections),
        choosers=(
            asked.chooser("metric", "Metric", METRICS),
            asked.chooser("target", "Counts as right", TARGETS),
            asked.chooser("segment", "Of", SEGMENTS),
        ),
        query={"until": str(until)} if until else {},
        actions=(_refresh(),),
    )


def read_nights(reader: Reader, until: date, n: int) -> list[Night]:
    """The newest nights until a day, with their lines."""
    nights = [Night(*row) for row in reader.rows("page_nights", until=until, n=n)]
    if not nights:
        return []
    span = {"since": nights[-1].day, "until": nights[0].day}
    return with_lines(nights, (Line(*row) for row in reader.rows("page_steps", **span)))


def newest_published(reader: Reader) -> date | None:
    """The night whose lists are served."""
    row = reader.row("page_newest_published")
    return row[0] if row else None


def to_night(day: date) -> Link:
    """The page of a night."""
    return Link(str(day), "night", {"day": str(day)})


def _refresh() -> Action:
    return Action(
        "Refresh today's lists now",
        "Gives everybody who did something today a new list from what the day has brought so far."
        " Tonight's night replaces it.",
        "refresh_today",
        {},
    )


def _last_night(nights: list[Night], newest: date | None) -> Facts:
    last = next((night for night in nights if night.day == newest), nights[0])
    return Facts(
        f"Lists that are served: night {last.day}",
        (
            ("State", last.state, "text"),
            ("Lists", last.n_lists, "count"),
            ("Interactions", last.n_interactions, "count"),
            ("Rejected rows", last.n_rejected, "count"),
            ("Took", last.seconds, "seconds"),
            ("Published", last.published_at, "time"),
            *_delay(nights),
        ),
    )


def _delay(nights: list[Night]) -> list[tuple[str, Cell, Form]]:
    """How long the last refresh's new interactions had waited to reach a list; their median."""
    refreshed = (line for night in nights for line in night.lines if line.step == REFRESH)
    found = next((line.counts.get("seconds_of_median_delay") for line in refreshed), None)
    return [("From event to list", found, "seconds")] if isinstance(found, int | float) else []


def _measured(reader: Reader, asked: Asked, nights: list[Night]) -> Table:
    metric = asked.chosen("metric", METRICS)
    rows = reader.rows(
        "page_evaluations_over_nights",
        metric=metric,
        k=K,
        target=asked.chosen("target", TARGETS),
        segment=asked.chosen("segment", SEGMENTS),
        since=nights[-1].day,
        until=nights[0].day,
    )
    ours = {name for (name,) in reader.rows("page_variant_names")}
    return over_nights([Figure(*row) for row in rows], ours, metric)


def _durations(nights: list[Night]) -> Table:
    took = {(line.day, line.step): line.seconds for night in nights for line in night.lines}
    columns = (
        Column("night"),
        *(Column(step, "seconds") for step in STEPS),
        Column("all", "seconds"),
    )
    rows: list[tuple[Cell, ...]] = [
        (to_night(night.day), *(took.get((night.day, step)) for step in STEPS), night.seconds)
        for night in nights
    ]
    oldest_first = [night.day for night in reversed(nights)]
    series = tuple(
        Series(
            step,
            tuple(map(str, oldest_first)),
            tuple(took.get((day, step)) for day in oldest_first),
        )
        for step in STEPS
    )
    return Table(
        "durations",
        "How long each step took",
        columns,
        rows,
        empty="No step has run yet.",
        chart=Chart("stacked", "Seconds of each step by night", "seconds", series),
    )


def _ledger(nights: list[Night]) -> Table:
    rows: list[tuple[Cell, ...]] = [
        (
            to_night(night.day),
            night.state,
            night.n_interactions,
            night.n_rejected,
            night.n_provisional if night.n_lists is None else night.n_lists,
            night.seconds,
            night.published_at or night.made_at,
            night.model_id,
        )
        for night in nights
    ]
    older = (
        Link("Older nights", "nights", {"until": str(nights[-1].day - timedelta(days=1))})
        if len(nights) == SHOWN
        else None
    )
    return Table(
        "nights",
        "The ledger",
        (
            Column("night"),
            Column("state"),
            Column("interactions", "count"),
            Column("rejected", "count"),
            Column("lists", "count"),
            Column("took", "seconds"),
            Column("published", "time"),
            Column("model"),
        ),
        rows,
        empty="No night has run yet. Trigger the DAG nightly_recommendations, or run"
        " `ebbtide night DAY`.",
        more=(older,) if older else (),
    )
