"""A user: what they are interested in, what they did, and their list, with why."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from ebbtide_pages import wording
from ebbtide_pages.asking import Asked, to_item, to_user
from ebbtide_pages.content import (
    Cell,
    Column,
    Facts,
    Field,
    Link,
    Notice,
    Page,
    Part,
    Reasons,
    Section,
    Table,
)
from ebbtide_pages.reading import Reader
from ebbtide_pages.views.interests import sections_of

_LISTED: Final = 50
_EVENTS: Final = 30
_NEAR: Final = 10
_SUGGESTED: Final = 12
LEAD: Final = "Interests, alpha, what they did last, and their list with its reasons."


class User(NamedTuple):
    """A row of page_user."""

    user_key: int
    user_id: str
    name: str | None
    attributes: Mapping[str, object] | None
    created_at: datetime | None
    variant: str | None


class Entry(NamedTuple):
    """A row of page_list_of_user."""

    rank: int
    item_id: str
    title: str | None
    score: float
    reason: str
    reasons: list[dict[str, Any]] | None
    strategy: str
    variant: str | None
    night: object
    model_id: str | None
    made_at: datetime | None


def view(reader: Reader, asked: Asked) -> Page:
    """The user of the parameter `id`."""
    user_id = asked.text("id")
    fields = (field(user_id),)
    if not user_id:
        notice = Notice("Whom do you look for?", "Type the beginning of an id or of a name.")
        return Page("user", "User", LEAD, (notice,), fields)
    row = reader.row("page_user", user_id=user_id)
    entries = [
        Entry(*found) for found in reader.rows("page_list_of_user", user_id=user_id, n=_LISTED)
    ]
    if row is None:
        return _unknown(reader, user_id, entries)
    user = User(*row)
    sections: list[Section] = [
        _facts(user, entries),
        *sections_of(reader, user.user_key),
        list_table(user_id, entries),
        _events(reader, user.user_key),
        _near(reader, user.user_key),
    ]
    title = user.name or f"User {user_id}"
    return Page("user", title, LEAD, tuple(sections), fields, query={"id": user_id})


def field(user_id: str) -> Field:
    """The search field."""
    return Field("id", "User: id or name", "user", user_id)


def suggestions(reader: Reader, typed: str) -> list[tuple[str, str | None]]:
    """Ids and names of users that begin as typed."""
    prefix = wording.prefix_pattern(typed)
    found = reader.rows("page_users_like", prefix=prefix, n=_SUGGESTED)
    return [(user_id, name) for user_id, name in found]


def _unknown(reader: Reader, user_id: str, entries: list[Entry]) -> Page:
    """What whoever is not known is shown, and who may have been meant."""
    near = tuple(to_user(*found) for found in suggestions(reader, user_id))
    text = "Nobody with this id has done anything yet. Whoever is not known is shown this list."
    notice = Notice(f"User {user_id} is not known", text, "waiting", near)
    sections = (notice, list_table(user_id, entries))
    return Page(
        "user",
        f"User {user_id}",
        LEAD,
        sections,
        (field(user_id),),
        query={"id": user_id},
        status=404,
    )


def _facts(user: User, entries: list[Entry]) -> Facts:
    first = entries[0] if entries else None
    provisional = first is not None and first.made_at is not None
    return Facts(
        "In short",
        (
            ("Id", user.user_id, "text"),
            ("List of", _night_of(first), "text"),
            ("Made" if provisional else "By", first and (first.made_at or first.model_id), "time"),
            ("Strategy", first and first.strategy, "text"),
            ("Variant", user.variant, "text"),
            ("Known since", user.created_at, "time"),
            *((name, str(value), "text") for name, value in (user.attributes or {}).items()),
        ),
    )


def _night_of(entry: Entry | None) -> Cell:
    if entry is None or entry.night is None:
        return None
    if entry.made_at is not None:
        return f"{entry.night}, provisional"
    return Link(f"night {entry.night}", "night", {"day": str(entry.night)})


def list_table(user_id: str, entries: list[Entry]) -> Table:
    """A list, with the reasons of its first entries."""
    rows: list[tuple[Cell, ...]] = [
        (
            entry.rank,
            to_item(entry.item_id, entry.title),
            entry.score,
            reasons_of(entry),
            Link("why in full", "why", {"id": user_id, "item": entry.item_id}),
        )
        for entry in entries
    ]
    return Table(
        "list",
        "The list",
        (
            Column("rank", "count"),
            Column("item"),
            Column("score", "score"),
            Column("reason"),
            Column(""),
        ),
        rows,
        empty="There is nothing to recommend: no item is known.",
        note="Open a reason to see what the score consists of. Why in full recomputes every part,"
        " which takes some seconds.",
    )


def reasons_of(entry: Entry) -> Reasons:
    """What is told, and all parts."""
    parts = tuple(
        Part(str(part["text"]), float(part.get("share") or 0)) for part in entry.reasons or ()
    )
    return Reasons(entry.reason, parts)


def _events(reader: Reader, user_key: int) -> Table:
    rows: list[tuple[Cell, ...]] = [
        (occurred_at, event_type, to_item(item_id, title) if item_id else None, value, text)
        for occurred_at, _, event_type, item_id, title, value, text in reader.rows(
            "page_events_of_user", user_key=user_key, n=_EVENTS
        )
    ]
    return Table(
        "events",
        "What they did last",
        (
            Column("when", "time"),
            Column("what"),
            Column("item"),
            Column("value", "number"),
            Column("words"),
        ),
        rows,
        empty="Nothing yet.",
    )


def _near(reader: Reader, user_key: int) -> Table:
    rows: list[tuple[Cell, ...]] = [
        (to_user(user_id, name), score)
        for user_id, name, score in reader.rows("page_users_near", user_key=user_key, n=_NEAR)
    ]
    return Table(
        "similar_users",
        "Users with like interests",
        (Column("user"), Column("cosine", "score")),
        rows,
        empty="None is kept: neighbours are found among the users who were active last.",
    )
