"""How much an item speaks for another, by the users who took to both.

Two ways, kept sparse: the `N_KEPT` strongest for each item.

- EASE^R: Steck, Embarrassingly shallow autoencoders for sparse data (WWW 2019), in closed form.
  With the Gram matrix G of users by items and P = (G + l2 * I)^-1, item i speaks for item j by
  -P[i, j] / P[j, j], and never for itself.
- Cosine of the items' columns: Sarwar et al., Item-based collaborative filtering recommendation
  algorithms (WWW 2001), as implicit computes it.
"""

from typing import NamedTuple

import numpy as np
from implicit.nearest_neighbours import ItemItemRecommender, normalize
from numpy.typing import NDArray
from scipy import linalg, sparse

N_KEPT = 200
EASE_MAX_ITEMS = 15_000  # EASE inverts a dense matrix of all items
L2 = 300.0
_COLUMNS = 1024  # ordered at once: places take twice the memory of weights


class EaseWeights(NamedTuple):
    """Weights among the items that share users with others.

    Attributes:
        items: Rows of those a items, ascending, shape (a,).
        weights: How item i speaks for item j, shape (a, a).
    """

    items: NDArray[np.intp]
    weights: NDArray[np.float32]


class Cooccurrence(NamedTuple):
    """How item i (row) speaks for item j (column), shape (n_items, n_items) each.

    Attributes:
        ease: EASE^R; without entries for a catalogue too large for it.
        cosine: Cosine.
    """

    ease: sparse.csr_matrix
    cosine: sparse.csr_matrix


def ease_weights(user_items: sparse.csr_matrix, l2: float) -> EaseWeights:
    """EASE^R in closed form; two matrices of a * a floats are held at once.

    Args:
        user_items: 1 where a user took to an item, shape (n_users, n_items).
        l2: What pulls weights to 0.
    """
    gram = (user_items.T @ user_items).tocsr()
    # An item that shares no user with another has weight 0 to all: the inverse is block by block.
    items = np.flatnonzero(np.diff(gram.indptr) > 1)
    dense = gram[items][:, items].toarray()
    dense[np.diag_indices(len(items))] += l2
    inverse = linalg.inv(dense, overwrite_a=True, assume_a="pos")
    inverse /= -inverse.diagonal()
    np.fill_diagonal(inverse, 0)
    return EaseWeights(items, inverse)


def cooccurrence(user_items: sparse.csr_matrix) -> Cooccurrence:
    """Both ways, from who took to what, shape (n_users, n_items)."""
    n_items = user_items.shape[1]
    none = np.zeros(0, np.intp)
    nothing = sparse.csr_matrix((np.zeros(0, np.float32), (none, none)), shape=(n_items, n_items))
    if not user_items.nnz:
        return Cooccurrence(nothing, nothing)
    ease = _sparse_ease(user_items) if n_items <= EASE_MAX_ITEMS else nothing
    return Cooccurrence(ease, _sparse_cosine(user_items))


def _sparse_ease(user_items: sparse.csr_matrix) -> sparse.csr_matrix:
    """The strongest that speak for each item."""
    items, weights = ease_weights(user_items, L2)
    n_items = user_items.shape[1]
    if len(items) > N_KEPT:
        # Along a column: a score sums what speaks for the item, so its own strongest must be there.
        for start in range(0, len(items), _COLUMNS):
            columns = weights[:, start : start + _COLUMNS]
            weakest = np.argpartition(columns, -N_KEPT, axis=0)[:-N_KEPT]
            np.put_along_axis(columns, weakest, 0, axis=0)
    kept = sparse.coo_matrix(weights)
    pairs = (items[kept.row], items[kept.col])
    return sparse.csr_matrix((kept.data, pairs), shape=(n_items, n_items), dtype=np.float32)


def _sparse_cosine(user_items: sparse.csr_matrix) -> sparse.csr_matrix:
    model = ItemItemRecommender(K=N_KEPT)
    # What its CosineRecommender does, without its warning of a matrix that it makes itself.
    model.fit(normalize(user_items.T).T.tocsr(), show_progress=False)
    similarity = sparse.csr_matrix(model.similarity, dtype=np.float32)
    similarity.setdiag(0)
    similarity.eliminate_zeros()
    return similarity
