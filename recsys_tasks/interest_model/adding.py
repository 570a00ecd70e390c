"""What interactions add to interests: each its weight times a vector, summed by user and day."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recsys_tasks.decay import Decayed, retention
from recsys_tasks.interactions import Interactions


class Deltas(NamedTuple):
    """What days added to interests.

    Attributes:
        users: Row of the user of each delta, ascending, shape (n,).
        added: Totals of shape (n, H, width), masses and days.
    """

    users: NDArray[np.int32]
    added: Decayed


def deltas(
    interactions: Interactions, inputs: NDArray[np.float32], half_lives: tuple[float, ...]
) -> Deltas:
    """What each active day added to each user's interest, seen from the day's end.

    Sums run in the interactions' order, so equal input gives equal bits.

    Args:
        interactions: In any number of days; `items` and `texts` are rows of `inputs`, or NO_ROW.
        inputs: What the model sums, of items and of what users wrote, shape (n_vectors, width); a
            zero row adds nothing.
        half_lives: In days, length H.
    """
    brought = contributions(interactions, inputs)
    users, days = interactions.users[brought.interactions], interactions.days[brought.interactions]
    order = np.lexsort((days, users))
    users, days = users[order], days[order]
    starts = np.flatnonzero((np.diff(users, prepend=-1) != 0) | (np.diff(days, prepend=-1) != 0))
    pointers = np.append(starts, len(users))
    shape = (len(starts), len(inputs))
    totals = np.empty((len(starts), len(half_lives), inputs.shape[1]), np.float32)
    masses = np.empty((len(starts), len(half_lives)), np.float32)
    ages = days + 1 - interactions.times[brought.interactions][order]
    for h, gamma in enumerate(retention(ages, half_lives).T):
        aged = brought.weights[order] * gamma
        totals[:, h] = sparse.csr_array((aged, brought.rows[order], pointers), shape) @ inputs
        masses[:, h] = np.add.reduceat(np.abs(aged), starts) if len(starts) else 0
    return Deltas(users[starts], Decayed(totals, masses, days[starts]))


class Contributions(NamedTuple):
    """One row a vector that an interaction adds, in the interactions' order; shape (n,) each.

    Attributes:
        interactions: Row of the interaction.
        rows: Row of the vector.
        weights: Its signed weight.
        are_texts: Whether it is of what the user wrote, and not the item's.
    """

    interactions: NDArray[np.intp]
    rows: NDArray[np.int32]
    weights: NDArray[np.float32]
    are_texts: NDArray[np.bool_]

    def at(self, places: NDArray[np.intp]) -> "Contributions":
        """Those in some places, in their order."""
        return Contributions(
            self.interactions[places],
            self.rows[places],
            self.weights[places],
            self.are_texts[places],
        )


def contributions(interactions: Interactions, inputs: NDArray[np.float32]) -> Contributions:
    """The item's vector, then the text's, of each interaction; none where it is zero."""
    is_known = np.append(inputs.any(axis=1), np.False_)  # the last is NO_ROW's
    rows = np.column_stack([interactions.items, interactions.texts])
    weights = np.column_stack([interactions.weights, interactions.text_weights])
    kept = is_known[rows] & (weights != 0)
    positions, columns = np.nonzero(kept)
    return Contributions(positions, rows[kept], weights[kept], columns == 1)
