"""The whole history in memory: what the protocol replays."""

from datetime import date
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.interactions import ALWAYS, NEVER, Catalogue, Interactions, day_number
from recsys_tasks.presets import Preset
from recsys_tasks.warehouse.models import StoredModel
from recsys_tasks.warehouse.session import Session
from recsys_tasks.warehouse.weighing import Items, weighed


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


def read_history(session: Session, preset: Preset, model: StoredModel, until: date) -> History:
    """The interactions before a day, and every item."""
    keys, ids, text_keys, are_listed, days = session.columns("all_items")
    items = Items(np.array(keys, np.int32), np.array(text_keys, np.int32))
    happened = weighed(session, "interactions_until", preset, model, items, until=until)
    since = [_first_day(listed, day) for listed, day in zip(are_listed, days, strict=True)]
    vectors = happened.vectors[: len(keys)]
    catalogue = Catalogue(tuple(ids), np.array(since, np.int32), vectors)
    return History(
        happened.interactions, catalogue, happened.user_keys, items.item_keys, happened.vectors
    )


def _first_day(is_listed: bool, day: date | None) -> int:  # noqa: FBT001  a column of the catalogue
    """The day from which an item may be listed."""
    if not is_listed:
        return NEVER
    return ALWAYS if day is None else day_number(day)
