"""What a model learned: half-lives, event weights, and what counts whoever the user is."""

from collections.abc import Mapping
from typing import Any

from ebbtide_pages import wording
from ebbtide_pages.asking import Asked
from ebbtide_pages.content import Cell, Chart, Column, Section, Series, Table
from ebbtide_pages.parameters import Parameters
from ebbtide_pages.reading import Reader
from recsys_tasks.settings import preset_of


def sections_of(reader: Reader, asked: Asked, found: Parameters) -> list[Section]:
    """A table each."""
    return [_half_lives(found), _weights(reader, asked, found), _tau(found)]


def of_preset(given: Mapping[str, Any]) -> Parameters:
    """The parameters of a model before anything is learned, as its row has them."""
    names = (f"trend, half-life {half_life:g} days" for half_life in given["trend_half_lives"])
    return Parameters(
        half_lives=tuple(given["half_lives"]),
        scales=tuple(given["scales"]),
        prior_mass=given["prior_mass"],
        trend_half_lives=tuple(given["trend_half_lives"]),
        tau=tuple(zip(names, given["trend_weights"], strict=True)),
    )


def _half_lives(found: Parameters) -> Table:
    pairs = list(zip(found.half_lives, found.scales, strict=True))
    rows: list[tuple[Cell, ...]] = [
        (wording.span(half_life), half_life, scale) for half_life, scale in pairs
    ]
    bar = Series(
        "scale",
        tuple(f"{wording.span(half_life)} ({half_life:.3g} d)" for half_life, _ in pairs),
        tuple(scale for _, scale in pairs),
    )
    return Table(
        "half_lives",
        "Half-lives of interests",
        (Column("what it holds"), Column("half-life (days)", "number"), Column("scale", "number")),
        rows,
        empty="None.",
        note=f"How long each interest remembers, and how much it counts in a score. With evidence"
        f" {found.prior_mass:.3g} a user's own interest weighs as much as the prior.",
        chart=Chart("bars", "Scale of each half-life", "scale", (bar,)),
    )


def _weights(reader: Reader, asked: Asked, found: Parameters) -> Table:
    names: dict[int, str] = dict(reader.rows("page_event_types"))
    gains = {names.get(key): rest for key, *rest in found.gains}
    kinds = preset_of(asked.settings).event_types
    known = [name for name in names.values() if name in kinds]
    rows: list[tuple[Cell, ...]] = []
    for name in sorted(known, key=lambda name: -kinds[name].weight):
        above, below, of_text = gains.get(name, (1.0, 1.0, 1.0))
        kind = kinds[name]
        gain = above if kind.weight >= 0 else below
        text_weight = kind.weight * kind.text_weight * of_text if kind.text_weight else None
        rows.append((name, kind.weight, gain, kind.weight * gain, text_weight))
    drawn = Series(
        "weight", tuple(str(row[0]) for row in rows), tuple(float(str(row[3])) for row in rows)
    )
    return Table(
        "weights",
        "What an event says",
        (
            Column("event type"),
            Column("the preset's weight", "signed"),
            Column("learned gain", "number"),
            Column("weight", "signed"),
            Column("of its words", "signed"),
        ),
        rows,
        empty="No event type has been met yet.",
        note="A weight below 0 says that the item is not wanted.",
        chart=Chart("intervals", "Weight of each event type", "weight", (drawn,)),
    )


def _tau(found: Parameters) -> Table:
    rows: list[tuple[Cell, ...]] = list(found.tau)
    drawn = Series(
        "weight", tuple(name for name, _ in found.tau), tuple(tau for _, tau in found.tau)
    )
    return Table(
        "trends",
        "What counts whoever the user is",
        (Column("feature of an item"), Column("weight", "signed")),
        rows,
        empty="None.",
        chart=Chart("intervals", "Weight of each feature", "weight", (drawn,)),
    )
