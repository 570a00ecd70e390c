"""Which texts are near to equal: by cosine, within blocks, so that the cost stays in bounds.

All pairs of n texts would cost n * n products. Trees of random projections (Dasgupta and Freund,
"Random projection trees and low dimensional manifolds", 2008) part the texts into blocks of
neighbours, and only pairs of a block are compared. What one tree parts another keeps together: at a
cosine of .98 a plane parts a pair with probability acos(.98) / pi = .06.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

BLOCK: Final = 1024
N_TREES: Final = 4


class Links(NamedTuple):
    """Near-duplicates, in the order of their rows.

    Attributes:
        rows: Of the duplicates, (n,).
        originals: Row of what each is a duplicate of, (n,); smaller than its own, and no duplicate.
        likeness: Cosine of the two, (n,).
    """

    rows: NDArray[np.intp]
    originals: NDArray[np.intp]
    likeness: NDArray[np.float32]


def link_near_duplicates(
    vectors: NDArray[np.float32], likeness: float, block: int = BLOCK
) -> Links:
    """Link each vector to the first one that it is near to; equal input gives equal links.

    A chain of neighbours is no group: what is near to a duplicate, but not to its original, stays
    unlinked.

    Args:
        vectors: Unit rows, (n, dim), the preferred one of two first.
        likeness: Least cosine of a link.
        block: Most vectors that are compared with each other; up to so many, all are.
    """
    n = len(vectors)
    nearest = np.arange(n)
    for rows in _blocks(vectors, block):
        alike = np.tril(vectors[rows] @ vectors[rows].T >= likeness, -1)
        found = np.flatnonzero(alike.any(axis=1))
        first = rows[alike[found].argmax(axis=1)]
        nearest[rows[found]] = np.minimum(nearest[rows[found]], first)
    originals = np.arange(n)
    for row in np.flatnonzero(nearest != np.arange(n)):
        original = originals[nearest[row]]
        if vectors[row] @ vectors[original] >= likeness:
            originals[row] = original
    rows = np.flatnonzero(originals != np.arange(n))
    products = vectors[rows] * vectors[originals[rows]]
    cosines = products.sum(axis=1, dtype=np.float32)
    return Links(rows, originals[rows], cosines.clip(max=1))


def _blocks(vectors: NDArray[np.float32], block: int) -> Iterator[NDArray[np.intp]]:
    """Rows of neighbours, ascending, at most `block` of them; each row once a tree."""
    n = len(vectors)
    for tree in range(N_TREES if n > block else min(n, 1)):
        directions = np.random.default_rng(tree)
        waiting = [np.arange(n)]
        while waiting:
            rows = waiting.pop()
            if len(rows) <= block:
                yield rows
                continue
            direction = directions.standard_normal((vectors.shape[1],)).astype(np.float32)
            order = np.argsort(vectors[rows] @ direction, kind="stable")
            half = len(rows) // 2
            waiting += [np.sort(rows[order[:half]]), np.sort(rows[order[half:]])]
