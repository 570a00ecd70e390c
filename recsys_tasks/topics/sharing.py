"""What part of a user's interest goes to which topic: decayed sums by topic.

    mass(user, topic)  = sum over interactions of  w * 2^(-age / half_life),  seen from the user's
                         last active day; topics whose sum is not above 0 have no part
    share(user, topic) = mass / sum over the user's topics

An idle day shrinks all of a user's masses alike, so shares stay: an idle user costs nothing. A
trend holds shares at a short half-life against shares at the longest.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.decay import retention


class Contributions(NamedTuple):
    """What interactions add to users' topics; every array has shape (n,).

    Attributes:
        users: Keys.
        topics: Keys.
        times: Days from 1970-01-01, with their fraction.
        weights: Signed.
    """

    users: NDArray[np.int32]
    topics: NDArray[np.int32]
    times: NDArray[np.float64]
    weights: NDArray[np.float32]


class Shares(NamedTuple):
    """Users' topics, by ascending user and topic; every array has shape (n,).

    Attributes:
        users: Keys.
        topics: Keys.
        days: The user's last day, which masses are seen from the end of.
        masses: Above 0.
        shares: They add up to 1 over a user's topics.
        usual_shares: The same at the longest half-life.
    """

    users: NDArray[np.int32]
    topics: NDArray[np.int32]
    days: NDArray[np.int32]
    masses: NDArray[np.float32]
    shares: NDArray[np.float32]
    usual_shares: NDArray[np.float32]


def lately(half_lives: tuple[float, ...]) -> float:
    """The half-life that shares are told at: the middle one, or the shorter of two.

    >>> lately((2, 14, 90)), lately((7, 30)), lately((14,))
    (14, 7, 14)
    """
    return half_lives[(len(half_lives) - 1) // 2]


def share(given: Contributions, half_lives: tuple[float, ...]) -> Shares:
    """Sum up. A user's rows depend on the user's own contributions alone, to the bit.

    Args:
        given: In any order; of one user and topic, always in the same.
        half_lives: Of interests, ascending, in days.
    """
    users, user_rows = np.unique(given.users, return_inverse=True)
    topics, topic_rows = np.unique(given.topics, return_inverse=True)
    last = np.full(len(users), -np.inf)
    np.maximum.at(last, user_rows, np.floor(given.times))
    ages = last[user_rows] + 1 - given.times
    left = retention(ages, (lately(half_lives), half_lives[-1]))
    cells, cell_rows = np.unique(user_rows * len(topics) + topic_rows, return_inverse=True)
    owners = cells // max(len(topics), 1)
    masses = np.column_stack([
        np.maximum(np.bincount(cell_rows, given.weights * kept, len(cells)), 0) for kept in left.T
    ])
    shares = (
        masses
        / np.maximum(
            np.column_stack([np.bincount(owners, column, len(users)) for column in masses.T]),
            np.finfo(np.float64).tiny,
        )[owners]
    )
    has_part = masses[:, 0] > 0
    return Shares(
        users[owners[has_part]],
        topics[(cells % max(len(topics), 1))[has_part]],
        last[owners[has_part]].astype(np.int32),
        masses[has_part, 0].astype(np.float32),
        shares[has_part, 0].astype(np.float32),
        shares[has_part, 1].astype(np.float32),
    )
