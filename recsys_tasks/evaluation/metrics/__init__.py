"""Metrics by their names in `evaluations`: a definition a file, the registry here.

A user-day is a user on a day; a list met what that user did on that day. Relevance is binary.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.evaluation.metrics.auc import auc, wins
from recsys_tasks.evaluation.metrics.average_precision import average_precision
from recsys_tasks.evaluation.metrics.coverage import coverage
from recsys_tasks.evaluation.metrics.debiased_recall import debiased_recall
from recsys_tasks.evaluation.metrics.diversity import diversity
from recsys_tasks.evaluation.metrics.f1 import f1
from recsys_tasks.evaluation.metrics.hit_rate import hit_rate
from recsys_tasks.evaluation.metrics.mrr import mrr
from recsys_tasks.evaluation.metrics.ndcg import ndcg
from recsys_tasks.evaluation.metrics.novelty import novelty
from recsys_tasks.evaluation.metrics.precision import precision
from recsys_tasks.evaluation.metrics.recall import recall

__all__ = [
    "METRICS",
    "Judged",
    "Metric",
    "auc",
    "average_precision",
    "coverage",
    "debiased_recall",
    "diversity",
    "f1",
    "hit_rate",
    "mrr",
    "ndcg",
    "novelty",
    "precision",
    "recall",
    "wins",
]


@dataclass(frozen=True)
class Judged:
    """Lists of n user-days, cut at k, beside what was relevant.

    Attributes:
        ranked: Rows of the listed items, best first, NO_ROW where a list is short, shape (n, k).
        hits: Whether each listed item is relevant, shape (n, k).
        n_relevant: Relevant items of each user-day, shape (n,).
        popularity: Interactions of each listed item before the day, shape (n, k).
        relevant_popularity: The same of the k least popular relevant items, ascending; inf where
            fewer are relevant. Shape (n, k).
        total: Interactions of all items before the day, shape (n,).
        wins: Share of the irrelevant candidates that each relevant item beats, shape (p,).
        rows: The user-day of each of those, shape (p,).
        vectors: Unit vectors of all items, shape (n_items, dim).
        n_listable: Items that exist on at least one of the days.
        has_vector: Which items have one, shape (n_items,); None where nobody looked.
    """

    ranked: NDArray[np.int32]
    hits: NDArray[np.bool_]
    n_relevant: NDArray[np.int32]
    popularity: NDArray[np.float32]
    relevant_popularity: NDArray[np.float32]
    total: NDArray[np.float32]
    wins: NDArray[np.float32]
    rows: NDArray[np.int32]
    vectors: NDArray[np.float32]
    n_listable: int
    has_vector: NDArray[np.bool_] | None = None

    @classmethod
    def unmet(
        cls,
        ranked: NDArray[np.int32],
        popularity: NDArray[np.float32],
        total: NDArray[np.float32],
        vectors: NDArray[np.float32],
        has_vector: NDArray[np.bool_],
    ) -> "Judged":
        """Lists of which nobody asks what they hit."""
        return cls(
            ranked=ranked,
            hits=np.broadcast_to(np.False_, ranked.shape),
            n_relevant=np.broadcast_to(np.int32(0), len(ranked)),
            popularity=popularity,
            relevant_popularity=np.broadcast_to(np.float32(np.inf), ranked.shape),
            total=total,
            wins=np.zeros(0, np.float32),
            rows=np.zeros(0, np.int32),
            vectors=vectors,
            n_listable=0,
            has_vector=has_vector,
        )


class Metric(NamedTuple):
    """How a metric is measured.

    Attributes:
        measure: Its values, shape (n,), or shape () if `pooled`.
        at_k: Whether it reads the list down to k, or the whole catalogue.
        pooled: Whether it is one number for all lists together, and no mean over user-days.
        by_hits: Whether it is 0 for a list without a hit, where something is relevant; what is not
            asks for no hits at all.
    """

    measure: Callable[[Judged], NDArray[np.float64]]
    at_k: bool = True
    pooled: bool = False
    by_hits: bool = True


METRICS: Final[Mapping[str, Metric]] = {
    "ndcg": Metric(lambda judged: ndcg(judged.hits, judged.n_relevant)),
    "recall": Metric(lambda judged: recall(judged.hits, judged.n_relevant)),
    "precision": Metric(lambda judged: precision(judged.hits, judged.n_relevant)),
    "f1": Metric(lambda judged: f1(judged.hits, judged.n_relevant)),
    "hit_rate": Metric(lambda judged: hit_rate(judged.hits, judged.n_relevant)),
    "mrr": Metric(lambda judged: mrr(judged.hits, judged.n_relevant)),
    "map": Metric(lambda judged: average_precision(judged.hits, judged.n_relevant)),
    "auc": Metric(
        lambda judged: auc(judged.wins, judged.rows, len(judged.ranked)), at_k=False, by_hits=False
    ),
    "coverage": Metric(
        lambda judged: coverage(judged.ranked, judged.n_listable), pooled=True, by_hits=False
    ),
    "novelty": Metric(
        lambda judged: novelty(
            judged.ranked >= 0, judged.popularity, judged.total, len(judged.vectors)
        ),
        by_hits=False,
    ),
    "diversity": Metric(
        lambda judged: diversity(judged.ranked, judged.vectors, judged.has_vector), by_hits=False
    ),
    "debiased_recall": Metric(
        lambda judged: debiased_recall(judged.hits, judged.popularity, judged.relevant_popularity)
    ),
}
