"""Lists that exist already, as a scorer: last night's, as they were published."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.evaluation.protocol import Scorer, replay
from recsys_tasks.evaluation.replays import Replay
from recsys_tasks.evaluation.summary import Evaluation, summarise
from recsys_tasks.interactions import NO_ROW, Catalogue, Interactions


@dataclass(frozen=True)
class ReadyLists:
    """Published lists in the order that they have.

    Target `new` leaves touched items out, and a list gets shorter by them. No AUC is defined: a
    list does not rank the whole catalogue.

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

    def scores(self, past: Interactions, users: NDArray[np.int32], day: int) -> NDArray[np.float32]:
        """From k for the first item of a list down to 1; -inf for what is not listed."""
        del past, day
        scores = np.full((len(users), self.n_items), -np.inf, np.float32)
        found = np.flatnonzero(np.isin(users, self.users))
        ranked = self.ranked[np.searchsorted(self.users, users[found])]
        rows, ranks = np.nonzero(ranked != NO_ROW)
        scores[found[rows], ranked[rows, ranks]] = ranked.shape[1] - ranks
        return scores


def meet_night(
    interactions: Interactions,
    catalogue: Catalogue,
    n_users: int,
    day: int,
    published: Sequence[ReadyLists],
    baselines: Sequence[Scorer] = (),
) -> Replay:
    """Lists that were made for `day` against what users did on it, beside baselines.

    Raises:
        NothingToEvaluate: Nobody took to anything on `day`.
    """
    return replay(interactions, catalogue, n_users, [*published, *baselines], day, day + 1)


def met_by(met: Replay, published: Sequence[ReadyLists]) -> Iterator[tuple[ReadyLists, Replay]]:
    """Each variant's lists, and what its users did.

    A user who was shown another variant's list says nothing about a variant. A user who was shown
    none at all counts as one whose list is empty.
    """
    for lists in published:
        elsewhere = [other.users for other in published if other is not lists]
        users = np.setdiff1d(met.user_days.users, np.concatenate([[], *elsewhere]))
        yield lists, met.among(users, [lists.name])


def summarise_met(met: Replay, published: Sequence[ReadyLists]) -> list[Evaluation]:
    """Every metric of every variant over its users, and of every baseline over all of them.

    Args:
        met: As of `meet_night`.
        published: The lists that it met; all else are baselines.
    """
    rows = [row for _, theirs in met_by(met, published) for row in summarise(theirs)]
    names = {lists.name for lists in published}
    baselines = [name for name in met.variants if name not in names]
    return rows + summarise(met.among(met.user_days.users, baselines))


def summarise_night(
    interactions: Interactions,
    catalogue: Catalogue,
    n_users: int,
    day: int,
    published: Sequence[ReadyLists],
    baselines: Sequence[Scorer] = (),
) -> list[Evaluation]:
    """`meet_night` in figures.

    Raises:
        NothingToEvaluate: Nobody took to anything on `day`.
    """
    met = meet_night(interactions, catalogue, n_users, day, published, baselines)
    return summarise_met(met, published)
