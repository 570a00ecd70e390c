"""A search for a user in every column of every table of the schema that could hold one."""

from collections.abc import Sequence
from itertools import product
from typing import Final, NamedTuple

from recsys_tasks.warehouse.session import Session

# In a shorter id, letters that stand in another word by chance are no mention of it.
DISTINCTIVE: Final = 6  # characters

# Columns whose values are words of the product, names of items, or what somebody said: a user who
# is called "view", "42" or "red" is not meant by them.
OF_OTHER_MEANING: Final = frozenset({
    *("item_id", "title", "category", "content"),
    *("event_type", "verb", "strategy", "variant", "salt", "metric", "segment", "target"),
    *("step", "state", "kind", "name", "encoder_id", "model_id", "key_id", "partition_name"),
})
ITEM_ID: Final = "item_id"


class Found(NamedTuple):
    """Where a user was found.

    Attributes:
        n_columns: How many columns were searched.
        held: Rows by table and column that hold the user: the key or, as the whole value, the id.
        mentioned: Rows by table and column in which the id stands beside other words, or by
            chance as something else's name.
    """

    n_columns: int
    held: dict[str, int]
    mentioned: dict[str, int]


def search(
    session: Session, names: Sequence[str], user_key: int | None, *, has_people: bool
) -> Found:
    """Look for a user everywhere.

    Args:
        session: Whose schema is searched.
        names: The source's id, and the pseudonym where there is one.
        user_key: Ours, of a user who is known or was until now.
        has_people: Whether an item's id may be a user's.
    """
    held: dict[str, int] = {}
    mentioned: dict[str, int] = {}
    by_key = session.rows("searches_for_key") if user_key is not None else []
    for place, statement in by_key:
        ((n,),) = session.select(statement, {"user_key": user_key})
        held[place] = int(n)
    columns = session.rows("searches_for_id")
    for name, (place, column, statement) in product(names, columns):
        # What no text holds stands for a short id: the characters of a word of its own are too few.
        sought = name if len(name) >= DISTINCTIVE else "\x01"
        ((whole, part),) = session.select(statement, {"user_id": name, "sought": sought})
        is_other = column in OF_OTHER_MEANING and not (has_people and column == ITEM_ID)
        held[place] = held.get(place, 0) + (0 if is_other else int(whole))
        mentioned[place] = mentioned.get(place, 0) + int(part) + (int(whole) if is_other else 0)
    return Found(
        len(by_key) + len(columns),
        {place: n for place, n in held.items() if n},
        {place: n for place, n in mentioned.items() if n},
    )
