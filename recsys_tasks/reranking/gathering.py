"""Chooses the candidates of users, and says what is known of each pair."""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.histories import once_a_day
from recsys_tasks.interactions import NO_ROW, Interactions
from recsys_tasks.interest_model import ItemFacts
from recsys_tasks.reranking.candidates import Source, candidates
from recsys_tasks.reranking.features import TASTE, Known, describe
from recsys_tasks.reranking.plain_scores import (
    Evidence,
    Sides,
    history_of,
    plain_scores,
    sources,
)

N_OWN: Final = 100  # of what a user took to before


class Candidates(NamedTuple):
    """c pairs of a user and an item, by user and then by item.

    Attributes:
        users: Row of the user, ascending, shape (c,).
        items: Row of the item, shape (c,).
        are_touched: Whether the user ever had to do with the item, shape (c,).
        features: As FEATURES names them, shape (c, len(FEATURES)).
    """

    users: NDArray[np.intp]
    items: NDArray[np.intp]
    are_touched: NDArray[np.bool_]
    features: NDArray[np.float32]

    def where(self, mask: NDArray[np.bool_]) -> "Candidates":
        """Those that the mask selects."""
        return Candidates(
            self.users[mask], self.items[mask], self.are_touched[mask], self.features[mask]
        )


def gather(
    evidence: Evidence,
    sides: Sides,
    facts: ItemFacts,
    past: Interactions,
    day: int,
    absent: NDArray[np.bool_],
) -> Candidates:
    """Choose the candidates of n users, and say what is known of each pair.

    Among items that a user never touched each plain score proposes its best; what the user took to
    before is proposed beside, the latest first.

    Args:
        evidence: Of the catalogue.
        sides: Of the n users and the catalogue.
        facts: Of the catalogue, as the night before `day` knows them.
        past: Of the n users, before `day`; `users` are rows of `sides.users`.
        day: The day that lists are made for.
        absent: Items that no list may hold, shape (n_items,).
    """
    shape = (len(sides.users), len(sides.items))
    taken = once_a_day(past)
    touched = np.zeros(shape, np.bool_)
    with_item = past.items != NO_ROW
    touched[past.users[with_item], past.items[with_item]] = True
    scores = plain_scores(evidence, sides, taken, day)
    own = history_of(taken, day, TASTE, shape).toarray()
    pairs = candidates([
        *((source, touched | absent) for source in sources(scores, facts)),
        (Source(own, N_OWN), (own == 0) | absent),
    ])
    features = describe(Known(day, facts, past, taken, scores, own), pairs)
    return Candidates(*pairs, touched[pairs], features)
