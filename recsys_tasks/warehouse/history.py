"""The whole history in memory: what the protocol replays."""

from datetime import date
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.errors import NothingToEvaluate
from recsys_tasks.interactions import ALWAYS, NEVER, Catalogue, Interactions, day_number
from recsys_tasks.presets import Preset
from recsys_tasks.warehouse.session import Session
from recsys_tasks.warehouse.text_vectors import Space
from recsys_tasks.warehouse.weighing import Items, taken, weighed_of


class History(NamedTuple):
    """Everything before a day.

    Attributes:
        interactions: Their items are rows of the catalogue; their texts rows of `vectors`.
        catalogue: Every item that is known, in ascending order of ids; one that is not listed
            exists from the largest day on.
        user_keys: By row of the user.
        item_keys: By row of the item.
        vectors: The catalogue's, then those of what users wrote, (n_vectors, dim).
    """

    interactions: Interactions
    catalogue: Catalogue
    user_keys: NDArray[np.int32]
    item_keys: NDArray[np.int32]
    vectors: NDArray[np.float32]


def end_of_history(session: Session, until: date | None = None) -> date:
    """The day after the last that is read: a given one, or that of all that nights have taken.

    Raises:
        NothingToEvaluate: They have taken nothing.
    """
    end: date | None = until or session.value("day_after_the_last")
    if end is None:
        raise NothingToEvaluate(since="the first day", until="the last")
    return end


def read_history(
    session: Session, preset: Preset, space: Space, until: date, rating_scale: float | None = None
) -> History:
    """The interactions before a day, and every item.

    Args:
        session: Of the tenant.
        preset: Gives the weights.
        space: Of the vectors.
        until: The day after the last.
        rating_scale: Top of the scale of ratings, in place of what the largest one tells.
    """
    ids, items, since = read_items(session)
    read = taken(session, "interactions_until", until=until)
    happened = weighed_of(session, read, preset, space, items, rating_scale=rating_scale)
    catalogue = Catalogue(ids, since, happened.vectors[: len(ids)])
    return History(
        happened.interactions, catalogue, happened.user_keys, items.item_keys, happened.vectors
    )


def read_items(session: Session) -> tuple[tuple[str, ...], Items, NDArray[np.int32]]:
    """Every item in ascending order of ids: ids, keys, and the first day of each, (n_items,)."""
    keys, ids, text_keys, are_listed, days = session.columns("all_items")
    since = [_first_day(listed, day) for listed, day in zip(are_listed, days, strict=True)]
    items = Items(np.array(keys, np.int32), np.array(text_keys, np.int32))
    return tuple(ids), items, np.array(since, np.int32)


def _first_day(is_listed: bool, day: date | None) -> int:  # noqa: FBT001  a column of the catalogue
    """The day from which an item may be listed."""
    if not is_listed:
        return NEVER
    return ALWAYS if day is None else day_number(day)
