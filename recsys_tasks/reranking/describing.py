"""Candidates out of a history in memory, as training and the protocol ask for them."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.cooccurrence import Cooccurrence
from recsys_tasks.interactions import NO_ROW, Catalogue, Interactions
from recsys_tasks.interest_model import InterestModel, centre_of
from recsys_tasks.interest_scorer import InterestScorer
from recsys_tasks.reranking.gathering import Candidates, gather
from recsys_tasks.reranking.plain_scores import Evidence, Sides


class Describer:
    """Describes candidates by a first stage; days are asked for in ascending order."""

    def __init__(
        self,
        model: InterestModel,
        together: Cooccurrence,
        vectors: NDArray[np.float32],
        catalogue: Catalogue,
        day: int,
    ) -> None:
        """Read what does not change.

        Args:
            model: The first stage; its items are the catalogue's.
            together: Of the catalogue's items.
            vectors: Of items, by row of the catalogue, then of what users wrote.
            catalogue: All items.
            day: The first day that will be asked for.
        """
        self._scorer = InterestScorer("first stage", model, vectors)
        self._scorer.fit(_NOTHING, catalogue, day)
        self._catalogue = catalogue
        self._rank = model.rank(catalogue.vectors.shape[1])
        self._evidence = Evidence(unit_texts(catalogue.vectors, catalogue.since < day), together)

    def candidates(
        self, past: Interactions, users: NDArray[np.int32], day: int
    ) -> tuple[Candidates, NDArray[np.float32]]:
        """Candidates of some users, with the first stage's scores of all items, (n, n_items).

        Args:
            past: The interactions that precede `day`; they extend those of the days before.
            users: Distinct rows of users, shape (n,).
            day: The day that lists are made for.
        """
        facts = self._scorer.facts(past, day)
        sides = Sides(
            self._scorer.user_side(past, users, day), self._scorer.item_side(facts), self._rank
        )
        absent = self._catalogue.since > day
        found = gather(self._evidence, sides, facts, renumbered(past, users), day, absent)
        return found, sides.users @ sides.items.T


def unit_texts(vectors: NDArray[np.float32], are_known: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Vectors less their centre, at length 1; zero rows, which are no texts, stay.

    Args:
        vectors: Shape (n, dim).
        are_known: Of which the centre is taken, shape (n,).
    """
    centred = np.where(
        vectors.any(axis=1, keepdims=True), vectors - centre_of(vectors[are_known]), 0
    )
    lengths = np.linalg.norm(centred, axis=1, keepdims=True)
    units: NDArray[np.float32] = centred / np.maximum(lengths, 1e-9)
    return units.astype(np.float32)


def renumbered(past: Interactions, users: NDArray[np.int32]) -> Interactions:
    """The interactions of some users, who become the rows of `users`."""
    places = np.full(max(past.users.max(initial=0), users.max(initial=0)) + 1, NO_ROW, np.int32)
    places[users] = np.arange(len(users))
    theirs = past.where(places[past.users] != NO_ROW)
    return replace(theirs, users=places[theirs.users])


_NOTHING = Interactions(*(np.zeros(0, kind) for kind in ("i4", "i4", "f8", "f4", "i4", "f4", "i2")))
