"""What interactions weigh: by their types and values and, where asked for, by what was said."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.encoder import stances
from recsys_tasks.interactions import rows_of
from recsys_tasks.interest_model import weigh
from recsys_tasks.presets import Preset
from recsys_tasks.warehouse import copying
from recsys_tasks.warehouse.session import Session
from recsys_tasks.warehouse.text_vectors import Space


class Taken(NamedTuple):
    """Interactions as they were read; shape (n,) each, of the kinds of _COLUMNS."""

    user_keys: NDArray[np.int32]
    item_keys: NDArray[np.int32]
    times: NDArray[np.float64]
    kinds: NDArray[np.int16]
    values: NDArray[np.float32]
    item_text_keys: NDArray[np.int32]
    text_keys: NDArray[np.int32]


def weights_of(
    session: Session,
    preset: Preset,
    space: Space,
    read: Taken,
    rating_scale: float | None = None,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Signed weights of the item and of what the user wrote, shape (n,) each.

    Args:
        session: Of the night.
        preset: Gives the rules.
        space: Whose vectors tell the stance of a text.
        read: What happened.
        rating_scale: Top of the scale of ratings, in place of what the largest one tells.
    """
    weights = np.zeros(len(read.kinds), np.float32)
    text_weights = np.zeros(len(read.kinds), np.float32)
    for key, name, largest in session.rows("largest_values"):
        chosen = read.kinds == key
        # A type that was declared once and is not any more has left its interactions behind.
        if chosen.any() and (kind := preset.event_types.get(name)):
            said = stances_of(session, space, read.text_keys[chosen]) if kind.stance else None
            top = rating_scale or largest
            weights[chosen], text_weights[chosen] = weigh(kind, read.values[chosen], top, said)
    return weights, text_weights


def stances_of(session: Session, space: Space, text_keys: NDArray[np.int32]) -> NDArray[np.float32]:
    """What texts say, from -1 against to 1 for; 0 for key 0, and for a text without a vector."""
    wanted = np.unique(text_keys[text_keys > 0])
    keys, places = session.copy_out(
        "places_on_direction",
        (copying.INT4, copying.FLOAT4),
        encoder_id=space.encoder_id,
        text_keys=wanted.tolist(),
    )
    rows, found = rows_of(keys, text_keys)
    said = np.zeros(len(text_keys), np.float32)
    said[found] = stances(places)[rows[found]]
    return said
