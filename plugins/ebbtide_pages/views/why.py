"""Why a user has the score that they have for an item: every part of it, recomputed."""

from typing import TYPE_CHECKING

from ebbtide_pages.asking import Asked, to_item, to_user
from ebbtide_pages.content import (
    Cell,
    Chart,
    Column,
    Facts,
    Field,
    Link,
    Notice,
    Page,
    Section,
    Series,
    Table,
)
from ebbtide_pages.reading import Reader
from ebbtide_pages.tenants import warehouse_of
from recsys_tasks.errors import NoNight, UnknownItem, UnknownUser

if TYPE_CHECKING:
    from recsys_tasks.justifying import Why

_PATIENCE = 60  # seconds a statement: it reads what a night reads, for one user
_NOTEWORTHY = 1e-3  # of a score: more than adding up in another order changes
_DRAWN = 15
LEAD = "Every part that the score of an item for a user is the sum of."


def view(reader: Reader, asked: Asked) -> Page:
    """Of the parameters `id`, the user, and `item`."""
    del reader  # the night's own code reads
    user_id, item_id = asked.text("id"), asked.text("item")
    fields = (
        Field("id", "User: id or name", "user", user_id),
        Field("item", "Item: id or title", "item", item_id),
    )
    if not user_id or not item_id:
        notice = Notice("Of whom, and what?", "Choose a user and an item.")
        return Page("why", "Why this item", LEAD, (notice,), fields)
    from recsys_tasks import justifying  # noqa: PLC0415  as heavy as a night

    try:
        found = justifying.why(
            warehouse_of(asked.settings, _PATIENCE), asked.settings, user_id, item_id
        )
    except (UnknownUser, UnknownItem, NoNight) as unknown:
        notice = Notice("There is nothing to explain", str(unknown), "waiting")
        return Page("why", "Why this item", LEAD, (notice,), fields, status=404)
    return Page(
        "why",
        f"Why {item_id} for {user_id}",
        LEAD,
        tuple(_sections(found, user_id, item_id)),
        fields,
        query={"id": user_id, "item": item_id},
    )


def _sections(found: "Why", user_id: str, item_id: str) -> list[Section]:
    sections: list[Section] = [_facts(found, user_id, item_id)]
    if found.obstacles:
        text = "; ".join(found.obstacles) + "."
        sections.append(Notice("No list of this user holds it", text, "waiting"))
    if not found.parts:
        sections.append(Notice("It has no score", "The night did not rank it.", "waiting"))
        return sections
    if found.listed_score is not None and abs(found.listed_score - found.scores[0]) > _NOTEWORTHY:
        text = f"It was listed with {found.listed_score:+.4f}: something changed since that night."
        sections.append(Notice("The score is another now", text, "waiting"))
    sections.append(_parts(found))
    return sections


def _facts(found: "Why", user_id: str, item_id: str) -> Facts:
    return Facts(
        "In short",
        (
            ("User", to_user(user_id), "text"),
            ("Item", to_item(item_id), "text"),
            ("Rank in the list", found.rank or "not in it", "count"),
            ("Score", found.scores[0] if found.parts else None, "score"),
            ("Night", Link(str(found.night), "night", {"day": str(found.night)}), "text"),
            ("Model", found.model_id, "text"),
            ("Ranked last by", found.stage, "text"),
            ("Variant", found.variant, "text"),
        ),
    )


def _parts(found: "Why") -> Table:
    rows: list[tuple[Cell, ...]] = [
        (
            part.text,
            to_item(part.item_id) if part.item_id else None,
            part.part,
            part.first_stage,
        )
        for part in found.parts
    ]
    largest = sorted(found.parts, key=lambda part: -abs(part.part))[:_DRAWN]
    drawn = Series(
        "part", tuple(part.text for part in largest), tuple(part.part for part in largest)
    )
    return Table(
        "parts",
        "Parts that add up to the score",
        (
            Column("part"),
            Column("item"),
            Column("of the score", "signed"),
            Column("of the first stage", "signed"),
        ),
        rows,
        empty="None.",
        chart=Chart("intervals", "The largest parts of the score", "part of the score", (drawn,)),
    )
