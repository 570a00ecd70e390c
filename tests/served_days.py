"""A day whose lists are judged, out of a whole history; and the plain ways to judge them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.evaluation import ReadyLists, Replay, SharedScorer, meet_day
from recsys_tasks.evaluation.listing import Before
from recsys_tasks.evaluation.touched import Touched
from recsys_tasks.evaluation.user_days import user_days
from recsys_tasks.interactions import NO_ROW, Catalogue, Interactions
from recsys_tasks.popularity import Popularity


def met_on(
    history: Interactions,
    catalogue: Catalogue,
    n_users: int,
    day: int,
    published: Sequence[ReadyLists],
    baselines: Sequence[SharedScorer],
) -> Replay:
    """Lists and baselines against a day."""
    truth, past = user_days(history, catalogue, n_users, day, day + 1), history.before(day)
    n_items = len(catalogue)
    before = Before(
        Popularity(n_items).before(past, day).astype(np.float32),
        catalogue.since > day,
        Touched.of(past, truth.users, n_items),
    )
    for scorer in baselines:
        scorer.fit(past, catalogue, day)
    scores = {scorer.name: scorer.shared_scores(past, day) for scorer in baselines}
    return meet_day(truth, before, catalogue, day, published, scores)


@dataclass(frozen=True)
class ScoredLists:
    """Published lists as a scorer of all items: the plain way to judge them."""

    lists: ReadyLists
    n_items: int

    @property
    def name(self) -> str:
        """Of the variant."""
        return self.lists.name

    def fit(self, past: Interactions, catalogue: Catalogue, day: int) -> None:
        """Nothing: the lists are there."""

    def scores(self, past: Interactions, users: NDArray[np.int32], day: int) -> NDArray[np.float32]:
        """From k for the first item of a list down to 1; -inf for what is not listed."""
        del past, day
        scores = np.full((len(users), self.n_items), -np.inf, np.float32)
        found = np.flatnonzero(np.isin(users, self.lists.users))
        ranked = self.lists.ranked[np.searchsorted(self.lists.users, users[found])]
        rows, ranks = np.nonzero(ranked != NO_ROW)
        scores[found[rows], ranked[rows, ranks]] = ranked.shape[1] - ranks
        return scores


@dataclass(frozen=True)
class Plain:
    """A scorer that does not say that it scores everyone alike."""

    scorer: SharedScorer

    @property
    def name(self) -> str:
        """As the scorer's."""
        return self.scorer.name

    def fit(self, past: Interactions, catalogue: Catalogue, day: int) -> None:
        """As the scorer does."""
        self.scorer.fit(past, catalogue, day)

    def scores(self, past: Interactions, users: NDArray[np.int32], day: int) -> NDArray[np.float32]:
        """A row for each user."""
        return self.scorer.scores(past, users, day)
