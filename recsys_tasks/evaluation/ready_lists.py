"""Lists that exist already, as a scorer: last night's, as they were published."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.evaluation.protocol import Scorer, replay
from recsys_tasks.evaluation.summary import Evaluation, summarise
from recsys_tasks.interactions import NO_ROW, Catalogue, Interactions


@dataclass(frozen=True)
class ReadyLists:
    """Published lists in the order that they have; a user without a list was shown nothing.

    Items that are not listed are kept out, and tie below the listed ones: `auc` is that of the
    list. Target `new` leaves touched items out, and a list gets shorter by them.

    Attributes:
        name: Of the variant, as in `evaluations`.
        users: Distinct rows of the users who have a list, ascending, shape (n,).
        ranked: Rows of their items, best first, NO_ROW where a list is short, shape (n, k).
        n_items: Items in the catalogue.
    """

    name: str
    users: NDArray[np.int32]
    ranked: NDArray[np.int32]
    n_items: int

    def fit(self, past: Interactions, catalogue: Catalogue, day: int) -> None:
        """Nothing: the lists are there."""

    def scores(
        self, past: Interactions, users: NDArray[np.int32], day: int
    ) -> NDArray[np.float32]:
        """k for the first item of a user's list, down to 1; -inf for what is not listed."""
        del past, day
        scores = np.full((len(users), self.n_items), -np.inf, np.float32)
        found = np.flatnonzero(np.isin(users, self.users))
        ranked = self.ranked[np.searchsorted(self.users, users[found])]
        rows, ranks = np.nonzero(ranked != NO_ROW)
        scores[found[rows], ranked[rows, ranks]] = ranked.shape[1] - ranks
        return scores


def summarise_night(  # noqa: PLR0913 -- what a replay reads, and the lists
    interactions: Interactions,
    catalogue: Catalogue,
    n_users: int,
    day: int,
    published: Sequence[ReadyLists],
    baselines: Sequence[Scorer] = (),
) -> list[Evaluation]:
    """Lists that were made for `day` against what users did on it, beside baselines.

    Raises:
        NothingToEvaluate: Nobody took to anything on `day`.
    """
    scorers = [*published, *baselines]
    return summarise(replay(interactions, catalogue, n_users, scorers, day, day + 1))
