"""Whether a text speaks for or against: which way from complaint to praise its vector lies.

Zero-shot by anchors, as Radford et al., "Learning transferable visual models from natural language
supervision" (2021), name classes: a few sentences of praise and of complaint, read by the encoder
itself. An encoder that reads many languages knows them in those too.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.encoder.model import Encoder

PRAISE: Final = (
    "This is excellent, I love it.",
    "It works perfectly and I recommend it.",
    "Great quality, very happy with it.",
    "Thank you, this is a very good answer.",
    "I agree, well explained and helpful.",
)
COMPLAINT: Final = (
    "This is terrible, I hate it.",
    "It does not work and I do not recommend it.",
    "Poor quality, very disappointed.",
    "This is wrong and makes no sense.",
    "I disagree, this is unclear and unhelpful.",
)
DEAD_ZONE: Final = 0.3  # of the way from the middle to the anchors: most texts take no side


class Direction(NamedTuple):
    """From complaint to praise.

    Attributes:
        vector: Shape (dim,); zero for an encoder that sees no difference.
        middle: Inner product with it of what lies halfway.
    """

    vector: NDArray[np.float32]
    middle: float


def direction_of(encoder: Encoder) -> Direction:
    """The direction on which praise lies at 1 and complaint at -1, once the middle is taken off."""
    praise, complaint = (
        encoder.encode(texts, by_users=True).mean(axis=0) for texts in (PRAISE, COMPLAINT)
    )
    apart = praise - complaint
    half = float(apart @ apart) / 2
    if half < np.finfo(np.float32).eps:
        return Direction(np.zeros_like(apart), 0.0)
    vector = (apart / half).astype(np.float32)
    return Direction(vector, float((praise + complaint) @ vector) / 2)


def stances(places: NDArray[np.float32]) -> NDArray[np.float32]:
    """What texts say, from -1 against to 1 for, by their places on the direction; shape (n,) each.

    >>> stances(np.array([-2, -0.65, -0.2, 0.3, 1], np.float32)).round(2).tolist()
    [-1.0, -0.5, -0.0, 0.0, 1.0]
    """
    beyond = np.clip((np.abs(places) - DEAD_ZONE) / (1 - DEAD_ZONE), 0, 1)
    found: NDArray[np.float32] = (np.sign(places) * beyond).astype(np.float32)
    return found
