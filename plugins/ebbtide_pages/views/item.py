"""An item: what is like it, how its trend went, and whom it reaches."""

from datetime import date, datetime, timedelta
from itertools import accumulate
from math import sqrt
from random import Random
from typing import Final, NamedTuple

from ebbtide_pages import wording
from ebbtide_pages.asking import Asked, to_item, to_user
from ebbtide_pages.content import (
    Cell,
    Chart,
    Column,
    Facts,
    Field,
    Notice,
    Page,
    Section,
    Series,
    State,
    Table,
)
from ebbtide_pages.reading import Reader
from ebbtide_pages.views.nights import newest_published

LEAD: Final = "What is like it, how its trend went, and whom it reaches."
_NEAR: Final = 20
_SUGGESTED: Final = 12
_DAYS: Final = 180
_TREND_HALF_LIVES: Final = (7, 30)
_LOOKED_AT: Final = 3000  # users whose lists are looked at
_EXAMPLES: Final = 12
_Z: Final = 1.959964


class Item(NamedTuple):
    """A row of page_item."""

    item_key: int
    item_id: str
    title: str | None
    category: str | None
    is_listed: bool
    is_available: bool
    created_at: datetime | None
    text: str | None
    is_filtered: bool

    @property
    def state(self) -> State:
        """Whether lists may show it."""
        if not self.is_listed:
            return State("not in the catalogue", "bad")
        if not self.is_available:
            return State("not available", "waiting")
        if self.is_filtered:
            return State("kept out by RECSYS_LIST_FILTER", "waiting")
        return State("may be listed", "good")


def view(reader: Reader, asked: Asked) -> Page:
    """The item of the parameter `id`."""
    item_id = asked.text("id")
    fields = (Field("id", "Item: id or words of its title", "item", item_id),)
    if not item_id:
        notice = Notice(
            "What do you look for?", "Type the beginning of an id, or words of a title."
        )
        return Page("item", "Item", LEAD, (notice,), fields)
    row = reader.row("page_item", item_id=item_id)
    if row is None:
        near = tuple(to_item(*found) for found in suggestions(reader, item_id))
        text = "No item of the catalogue has this id." + (
            " Did you mean one of these?" if near else ""
        )
        notice = Notice(f"Item {item_id} is not known", text, "waiting", near)
        return Page("item", f"Item {item_id}", LEAD, (notice,), fields, status=404)
    item = Item(*row)
    night = newest_published(reader)
    sections: list[Section] = [_facts(item)]
    if night is not None:
        sections += [_trend(reader, item, night), _places(reader, item, night)]
        sections.append(_reach(reader, item, night))
    sections.append(_near(reader, item))
    title = item.title or f"Item {item_id}"
    return Page("item", title, LEAD, tuple(sections), fields, query={"id": item_id})


def suggestions(reader: Reader, typed: str) -> list[tuple[str, str | None]]:
    """Ids and titles of items that begin as typed, or whose titles have such words."""
    found = reader.rows(
        "page_items_like",
        prefix=wording.prefix_pattern(typed),
        words=wording.word_query(typed),
        n=_SUGGESTED,
    )
    return [(item_id, title) for item_id, title in found]


def _facts(item: Item) -> Facts:
    return Facts(
        "In short",
        (
            ("Id", item.item_id, "text"),
            ("State", item.state, "text"),
            ("Category", item.category, "text"),
            ("Since", item.created_at, "time"),
            ("What the encoder reads", item.text or "no text", "text"),
        ),
    )


def _trend(reader: Reader, item: Item, night: date) -> Table:
    since = night - timedelta(days=_DAYS)
    found = reader.rows("page_trend_of_item", item_key=item.item_key, since=since, until=night)
    by_day: dict[date, float] = dict(found)
    days = [since + timedelta(days=n + 1) for n in range(_DAYS)] if found else []
    masses = [by_day.get(day, 0.0) for day in days]
    decayed = {half_life: _decayed(masses, half_life) for half_life in _TREND_HALF_LIVES}
    rows: list[tuple[Cell, ...]] = [
        (day, mass, *(column[at] for column in decayed.values()))
        for at, (day, mass) in enumerate(zip(days, masses, strict=True))
    ]
    x = tuple(map(str, days))
    series = [Series("users that day", x, tuple(masses), is_ours=False)]
    series += [
        Series(f"half-life {half_life} days", x, tuple(column))
        for half_life, column in decayed.items()
    ]
    return Table(
        "trend",
        "Trend over time",
        (
            Column("day"),
            Column("users that day", "number"),
            *(Column(f"half-life {half_life} days", "number") for half_life in _TREND_HALF_LIVES),
        ),
        rows[::-1],
        empty=f"Nobody took to it in the {_DAYS} days until night {night}.",
        note="Users who did something good with it, and decayed counts: what was there fades by"
        " half in the half-life.",
        chart=Chart("lines", "Decayed counts by day", "users", tuple(series)),
    )


def _decayed(masses: list[float], half_life: float) -> list[float]:
    """Decayed sums after each day.

    >>> _decayed([4.0, 0.0, 1.0], 1)
    [4.0, 2.0, 2.0]
    """
    fading = 0.5 ** (1 / half_life)
    return list(accumulate(masses, lambda total, mass: total * fading + mass))


def _places(reader: Reader, item: Item, night: date) -> Table:
    found = reader.rows("page_places_of_item", night=night, item_key=item.item_key)
    rows: list[tuple[Cell, ...]] = [tuple(row) for row in found]
    return Table(
        "places",
        "Place among what trends",
        (
            Column("half-life (days)", "count"),
            Column("rank", "count"),
            Column("decayed count", "number"),
        ),
        rows,
        empty=f"Not among the first hundred of night {night} at any half-life.",
    )


def _reach(reader: Reader, item: Item, night: date) -> Table:
    row = reader.row("page_largest_user_key")
    keys = sample(row[0] if row and row[0] else 0)
    found = reader.rows(
        "page_reach_of_item", item_key=item.item_key, night=night, user_keys=keys, n=_EXAMPLES
    )
    n_read, n_with, n_high = found[0][:3]
    rows: list[tuple[Cell, ...]] = [
        (to_user(user_id, name), rank) for *_, user_id, name, rank in found if user_id is not None
    ]
    return Table(
        "reach",
        "Whom it reaches",
        (Column("user"), Column("rank in the list", "count")),
        rows,
        empty=f"None of the {n_read:,} lists of night {night} that were looked at holds it.",
        note=_reach_in_words(n_read, n_with, n_high, night) if n_with else "",
    )


def _reach_in_words(n_read: int, n_with: int, n_high: int, night: date) -> str:
    low, high = wilson(n_with, n_read)
    return (
        f"Of {n_read:,} lists of night {night} that were looked at, {n_with:,} hold it, {n_high:,}"
        f" of them among the first ten: {n_with / n_read:.1%} (95% interval of a random sample:"
        f" {low:.1%} to {high:.1%}). These have it highest."
    )


def sample(largest: int) -> list[int]:
    """Keys from 1 to `largest`, drawn with a seed; all where they are few.

    >>> sample(3), len(sample(10**9)), sample(0)
    ([1, 2, 3], 3000, [])
    """
    keys = range(1, largest + 1)
    return list(keys) if largest <= _LOOKED_AT else Random(0).sample(keys, _LOOKED_AT)  # noqa: S311


def wilson(n_with: int, n: int) -> tuple[float, float]:
    """The 95% interval of a share (Wilson 1927); needs n above 0.

    >>> [round(end, 4) for end in wilson(5, 100)]
    [0.0215, 0.1118]
    """
    share = n_with / n
    centre, spread = (
        share + _Z**2 / (2 * n),
        _Z * sqrt(share * (1 - share) / n + _Z**2 / (4 * n**2)),
    )
    scale = 1 + _Z**2 / n
    return (centre - spread) / scale, (centre + spread) / scale


def _near(reader: Reader, item: Item) -> Table:
    rows: list[tuple[Cell, ...]] = [
        (to_item(item_id, title), category, score)
        for item_id, title, category, score in reader.rows(
            "page_items_near", item_key=item.item_key, n=_NEAR
        )
    ]
    return Table(
        "similar",
        "Similar by what the texts mean",
        (Column("item"), Column("category"), Column("cosine", "score")),
        rows,
        empty="It has no text, or came after the last night.",
    )
