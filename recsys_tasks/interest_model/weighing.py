"""What an interaction weighs, by the preset's rule for its type."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.presets import EventType

POSITIVE_SHARE = 0.6  # of the scale: a rating counts from here upward (docs/protocol.md)
LEAST_PRAISED, MOST_PRAISED = -0.5, 1.5  # of a weight: as a rating's worst; half as much again
SCALES = (1.0, 5.0, 10.0, 100.0)  # that ratings are given on


class Weights(NamedTuple):
    """Signed weights of n interactions, of the item and of what the user wrote; shape (n,) each."""

    items: NDArray[np.float32]
    texts: NDArray[np.float32]


def weigh(
    kind: EventType,
    values: NDArray[np.float32],
    largest: float,
    stances: NDArray[np.float32] | None = None,
) -> Weights:
    """The weights of interactions of one type.

    Args:
        kind: The preset's rule for the type.
        values: As the source gives them, shape (n,); nan where there is none.
        largest: The largest value of this type so far, which tells the scale of ratings.
        stances: Of what users wrote, from -1 against to 1 for, shape (n,); 0 where nothing was
            written, None where nobody asks.
    """
    factor = np.ones(len(values), np.float64)
    known = ~np.isnan(values)
    if kind.value == "rating":
        factor[known] = rating_strength(values[known] / scale_of(largest))
    elif kind.value == "log":
        factor[known] = np.log(np.e + values[known])
    if stances is not None and kind.weight > 0:
        rated = known & (kind.value == "rating")
        factor *= np.where(rated, 1.0, turn(stances, kind.stance))
    weights = (kind.weight * factor).astype(np.float32)
    return Weights(weights, (weights * kind.text_weight).astype(np.float32))


def turn(stances: NDArray[np.float32], strength: float) -> NDArray[np.float64]:
    """What stances make of a weight: at full strength from -0.5 of it over all of it to 1.5.

    >>> turn(np.array([-1.0, 0.0, 1.0], np.float32), 1.0).tolist()
    [-0.5, 1.0, 1.5]
    """
    turned = np.where(stances > 0, (MOST_PRAISED - 1) * stances, (1 - LEAST_PRAISED) * stances)
    return 1 + strength * turned.astype(np.float64)


def scale_of(largest: float) -> float:
    """The top of the scale that ratings up to `largest` are given on.

    >>> scale_of(4.5), scale_of(8), scale_of(250)
    (5.0, 10.0, 250.0)
    """
    return next((top for top in SCALES if largest <= top), float(largest))


def rating_strength(share: NDArray[np.floating]) -> NDArray[np.float64]:
    """What a rating says: from -0.5 at none of the scale up to 0, from 0.5 at 0.6 of it up to 1.

    >>> rating_strength(np.array([0.0, 0.3, 0.6, 1.0])).tolist()
    [-0.5, -0.25, 0.5, 1.0]
    """
    liked = 0.5 + 0.5 * (share - POSITIVE_SHARE) / (1 - POSITIVE_SHARE)
    disliked = -0.5 * (POSITIVE_SHARE - share) / POSITIVE_SHARE
    return np.where(share >= POSITIVE_SHARE, liked, disliked).astype(np.float64)
