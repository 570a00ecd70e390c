"""ItemKNN: items that the same users took to, weighed by how lately this user did.

Sarwar et al., Item-based collaborative filtering recommendation algorithms (WWW 2001), as implicit
computes it; histories that fade are the time-aware ItemKNN of Ding and Li (CIKM 2005).
"""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from implicit.nearest_neighbours import ItemItemRecommender, bm25_weight, normalize, tfidf_weight
from numpy.typing import NDArray
from scipy import sparse

from recsys_tasks.evaluation.baselines.tuning import Tuned
from recsys_tasks.histories import histories, user_items
from recsys_tasks.interactions import Catalogue, Interactions

HALF_LIVES: Final = (14.0, 3.0, 60.0, None)
N_NEIGHBOURS: Final = 200

Similarity = Literal["cosine", "tfidf", "bm25"]
K1: Final = 1.2  # of BM25, as in Robertson and Zaragoza (2009)
B: Final = 0.75


@dataclass(frozen=True)
class Neighbours:
    """The similarity of each item to its nearest, itself among them; shape (n_items, n_items)."""

    similarity: sparse.csr_matrix

    def scores(
        self,
        past: Interactions,
        users: NDArray[np.int32],
        day: int,
        half_life: float | None,
    ) -> NDArray[np.float32]:
        """Similarities to what each user took to, summed; shape (n, n_items)."""
        seen = histories(past, users, day, half_life, self.similarity.shape[0])
        return np.asarray((seen @ self.similarity).toarray(), np.float32)


def item_knn() -> Tuned[Similarity, float | None]:
    """The baseline `item_knn`, which chooses its similarity and the half-life of histories."""
    return Tuned("item_knn", _learn, ("cosine", "tfidf", "bm25"), HALF_LIVES)


def _learn(
    past: Interactions, catalogue: Catalogue, day: int, similarity: Similarity
) -> Neighbours:
    del day
    taken = user_items(past, len(catalogue))
    if not taken.nnz:
        return Neighbours(sparse.csr_matrix(np.zeros((len(catalogue),) * 2, np.float32)))
    model = ItemItemRecommender(K=N_NEIGHBOURS)
    model.fit(_weighted(taken.T, similarity), show_progress=False)
    return Neighbours(model.similarity.astype(np.float32))


def _weighted(item_users: sparse.csc_matrix, similarity: Similarity) -> sparse.csr_matrix:
    """Columns of items whose inner products are the similarity, shape (n_users, n_items)."""
    match similarity:
        case "cosine":
            weighted = normalize(item_users)
        case "tfidf":
            weighted = normalize(tfidf_weight(item_users))
        case "bm25":
            weighted = bm25_weight(item_users, K1, B)
    return sparse.csr_matrix(weighted.T)
