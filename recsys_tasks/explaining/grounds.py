"""What an entry of a list can rest on, and its score's parts, put together by that.

A user buys an item after looking at it twice, and a trend is counted at two half-lives: a person
takes either for one reason. So parts are summed by kind, item and day, trends by what they are
called.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.interest_model import InterestModel

# Kinds, as in SQL's reason_in_words.
EARLIER: Final = 0  # what the history at hand does not reach; no reason by itself
INTERACTION: Final = 1  # an item that the user had to do with, on a day
TEXT: Final = 2  # what the user wrote, of an item or of none, on a day
TREND: Final = 3  # how popular the item is now, this week or this month
NEW: Final = 4  # how new it is
TOGETHER: Final = 5  # an item of the user's that others took together with it
HABITS: Final = 6  # how much, how lately and what kind of items the user takes to
EVERYONE: Final = 7  # what every user or every item starts with
PEERS: Final = 8  # what users with the same attributes are interested in

OWN: Final = (EARLIER, INTERACTION, TEXT, TOGETHER, PEERS)
OF_THE_ITEM: Final = (TREND, NEW)

_NAMED_SPANS: Final = (1, 7)  # days; a longer half-life is a month's


class Grounds(NamedTuple):
    """What the entries of n lists can rest on; shape (n, A) each.

    Attributes:
        kinds: As above.
        items: Row of the item among those of the history; NO_ROW for none.
        details: Key of the event type, or days of the trend.
        days: Of the interaction, from 1970-01-01; else 0.
        weights: Of the interaction, signed; else 0.
    """

    kinds: NDArray[np.int16]
    items: NDArray[np.int32]
    details: NDArray[np.int16]
    days: NDArray[np.int32]
    weights: NDArray[np.float32]

    def beside(self, other: "Grounds") -> "Grounds":
        """These and then others of the same lists."""
        return Grounds(
            np.concatenate([self.kinds, other.kinds], axis=1),
            np.concatenate([self.items, other.items], axis=1),
            np.concatenate([self.details, other.details], axis=1),
            np.concatenate([self.days, other.days], axis=1),
            np.concatenate([self.weights, other.weights], axis=1),
        )

    def are(self, kinds: tuple[int, ...]) -> NDArray[np.bool_]:
        """Which are of some kinds, shape (n, A)."""
        return np.isin(self.kinds, kinds)


def put_together(grounds: Grounds, parts: NDArray[np.float32]) -> NDArray[np.float32]:
    """The sums over each reason: where its heaviest member stands, and 0 at the others.

    Args:
        grounds: Of n lists, shape (n, A).
        parts: What each gives to the entries, shape (n, k, A).
    """
    last = np.where(grounds.kinds == TREND, grounds.details, grounds.days).astype(np.int64)
    reasons = (grounds.kinds.astype(np.int64) << 56) + (grounds.items.astype(np.int64) + 1 << 24)
    reasons += last
    order = np.lexsort((-np.abs(grounds.weights), reasons), axis=-1)
    ordered = np.take_along_axis(reasons, order, axis=1)
    begins = np.diff(ordered, axis=1, prepend=-1) != 0
    firsts = np.maximum.accumulate(np.where(begins, np.arange(order.shape[1]), 0), axis=1)
    heads = np.empty_like(order)
    np.put_along_axis(heads, order, np.take_along_axis(order, firsts, axis=1), axis=1)
    onto = np.zeros((*heads.shape, heads.shape[1]), np.float32)
    np.put_along_axis(onto, heads[..., None], 1, axis=2)
    summed: NDArray[np.float32] = np.matmul(parts, onto)
    return summed


def trend_days(model: InterestModel) -> NDArray[np.int16]:
    """What a trend at each half-life is called, shape (K,): 1 for now, 7 this week, 30 this month.

    >>> from recsys_tasks.interest_model import ZeroShot
    >>> trend_days(ZeroShot((2.0,), (1.0,), 1.0, (0.5, 3.0, 7.0, 60.0), (1.0,) * 4)).tolist()
    [1, 7, 7, 30]
    """
    named = np.searchsorted(_NAMED_SPANS, model.trend_half_lives)
    return np.array([*_NAMED_SPANS, 30], np.int16)[named]


def horizons(model: InterestModel, n_features: int) -> NDArray[np.float32]:
    """Which of K horizons each feature of an item tells of, as ones: (F, K + 1).

    Features are one number a trend half-life, or two; what follows them tells how new the item is,
    which is the last column.
    """
    n_trends = len(model.trend_half_lives)
    groups = np.zeros((n_features, n_trends + 1), np.float32)
    groups[:n_trends, :n_trends] = np.eye(n_trends)
    if n_features > n_trends:
        groups[n_trends : 2 * n_trends, :n_trends] = np.eye(n_trends)
        groups[2 * n_trends :, n_trends] = 1
    return groups
