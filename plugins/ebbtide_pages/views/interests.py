"""A user's interests in words and items, and how alpha went over time."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from typing import Final, NamedTuple

from ebbtide_pages import wording
from ebbtide_pages.asking import to_item
from ebbtide_pages.content import Card, Cards, Cell, Chart, Column, Section, Series, Table
from ebbtide_pages.reading import Reader

_NEAREST: Final = 30  # items whose words an interest is told by
_SHOWN: Final = 5
_NIGHTS: Final = 400  # rows of alphas: some hundred nights
_NOTHING: Final = 1e-9


class Interest(NamedTuple):
    """A row of page_interests_of_user."""

    half_life: float
    mass: float
    alpha: float
    night: date


class Near(NamedTuple):
    """A row of page_items_near_interest."""

    item_id: str
    title: str | None
    category: str | None
    score: float


def sections_of(reader: Reader, user_key: int) -> list[Section]:
    """Cards of the interests with their table, and alpha over time."""
    interests = [Interest(*row) for row in reader.rows("page_interests_of_user", user_key=user_key)]
    near = {interest: _near(reader, user_key, interest) for interest in interests}
    return [_cards(near), _table(near), _alphas(reader, user_key)]


def _near(reader: Reader, user_key: int, interest: Interest) -> list[Near]:
    if abs(interest.mass) < _NOTHING:
        return []
    rows = reader.rows(
        "page_items_near_interest",
        user_key=user_key,
        night=interest.night,
        half_life=interest.half_life,
        n=_NEAREST,
    )
    return [Near(*row) for row in rows]


def _cards(near: Mapping[Interest, list[Near]]) -> Cards:
    night = next((str(interest.night) for interest in near), "")
    return Cards(
        "Interests",
        f"As of night {night}, the last one on whose day the user was active. The words and items"
        " are those nearest to each interest."
        if night
        else "",
        tuple(_card(interest, found) for interest, found in near.items()),
        empty="No interest is shown yet: the user did nothing that has a text, or no night has"
        " taken it in.",
    )


def _card(interest: Interest, near: list[Near]) -> Card:
    span = wording.span(interest.half_life)
    lead = (
        f"Fades by half in {wording.days(round(interest.half_life, 2))}. Evidence"
        f" {interest.mass:,.1f}; the last active day left {interest.alpha:.0%} of it as it was."
    )
    words = wording.words_of(item.title or item.item_id for item in near)
    links = tuple(to_item(item.item_id, item.title) for item in near[:_SHOWN])
    return Card(span[:1].upper() + span[1:], lead, words, links)


def _table(near: Mapping[Interest, list[Near]]) -> Table:
    rows: list[tuple[Cell, ...]] = [
        (interest.half_life, to_item(item.item_id, item.title), item.category, item.score)
        for interest, found in near.items()
        for item in found
    ]
    return Table(
        "interests",
        "Items nearest to each interest",
        (
            Column("half-life (days)", "number"),
            Column("item"),
            Column("category"),
            Column("part of score", "score"),
        ),
        rows,
        empty="None.",
        is_folded=True,
    )


def _alphas(reader: Reader, user_key: int) -> Table:
    found = reader.rows("page_alphas_of_user", user_key=user_key, n=_NIGHTS)
    by_half_life: dict[float, list[tuple[str, float]]] = defaultdict(list)
    for night, half_life, alpha, _ in reversed(found):
        by_half_life[half_life].append((str(night), alpha))
    series = tuple(
        Series(
            f"half-life {wording.days(round(half_life, 2))}",
            tuple(night for night, _ in points),
            tuple(alpha for _, alpha in points),
        )
        for half_life, points in sorted(by_half_life.items())
    )
    rows: list[tuple[Cell, ...]] = [tuple(row) for row in found]
    is_drawn = any(len(points) > 1 for points in by_half_life.values())
    return Table(
        "alphas",
        "Alpha over time",
        (
            Column("night"),
            Column("half-life (days)", "number"),
            Column("alpha", "score"),
            Column("evidence", "number"),
        ),
        rows,
        empty="No active night is shown yet.",
        note="The share of the older interest that an active day left: near 1, the day changed"
        " little; at 0 it is all that is known. A day without activity changes nothing.",
        chart=Chart("lines", "Alpha by night and half-life", "alpha", series) if is_drawn else None,
    )
