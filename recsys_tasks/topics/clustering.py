"""Topics are clusters of texts' unit vectors: spherical k-means, seeded, from the topics of before.

The same vectors and the same start give the same bits: one thread, and rows in blocks of one size.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans, kmeans_plusplus
from threadpoolctl import threadpool_limits

MOST = 200  # topics: more, and nobody reads their names
SAMPLE = 20_000  # texts that topics are found among; the others are assigned to them
BLOCK = 1024  # rows of a product: of more or fewer, BLAS takes other paths to other last bits
_SEED = 0


class Topics(NamedTuple):
    """Where topics lie, and how well texts fit them.

    Attributes:
        centroids: Unit vectors, shape (k, dim).
        labels: The nearest topic of each text, as a row of `centroids`, shape (n,).
        closeness: Its cosine, shape (n,).
    """

    centroids: NDArray[np.float32]
    labels: NDArray[np.int32]
    closeness: NDArray[np.float32]


def how_many(n_texts: int) -> int:
    """Topics that suit so many texts: the square root of half of them, at most MOST.

    >>> how_many(0), how_many(1), how_many(30), how_many(3_900), how_many(1_000_000)
    (0, 1, 4, 44, 200)
    """
    return min(MOST, max(min(n_texts, 1), round(math.sqrt(n_texts / 2))))


def cluster(vectors: NDArray[np.float32], k: int, start: NDArray[np.float32]) -> Topics:
    """Group texts by what they mean.

    Args:
        vectors: Unit vectors of distinct texts, shape (n, dim), n > 0.
        k: The number of topics; fewer where there are fewer texts.
        start: Centroids of the topics of before, most important first, shape (m, dim): topics begin
            where these are, so that they are found again where nothing has changed.
    """
    k = min(k, len(vectors))
    rng = np.random.default_rng(_SEED)
    among = vectors
    if len(vectors) > SAMPLE:
        among = vectors[np.sort(rng.choice(len(vectors), SAMPLE, replace=False))]
    with threadpool_limits(limits=1):
        begin = _beginning(among, k, start)
        fitted = KMeans(len(begin), init=begin, n_init=1, random_state=_SEED).fit(among)
        centroids = _unit(fitted.cluster_centers_.astype(np.float32))
    labels, closeness = nearest(centroids, vectors)
    used, rows = np.unique(labels, return_inverse=True)  # an empty one is no topic
    return Topics(centroids[used], rows.astype(np.int32), closeness)


def nearest(
    centroids: NDArray[np.float32], vectors: NDArray[np.float32]
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """The nearest centroid of each vector, and its cosine, shape (n,) each; of equals the first.

    What a vector gets does not depend on which others are asked about with it.
    """
    labels = np.zeros(len(vectors), np.int32)
    closeness = np.zeros(len(vectors), np.float32)
    block = np.zeros((BLOCK, centroids.shape[1]), np.float32)
    for first in range(0, len(vectors), BLOCK):
        rows = vectors[first : first + BLOCK]
        block[: len(rows)] = rows
        cosines = (block @ centroids.T)[: len(rows)]
        best = cosines.argmax(axis=1)
        labels[first : first + BLOCK] = best
        closeness[first : first + BLOCK] = cosines[np.arange(len(rows)), best]
    return labels, closeness


def _beginning(
    vectors: NDArray[np.float32], k: int, start: NDArray[np.float32]
) -> NDArray[np.float32]:
    """As many centroids: those of before, and where they are too few, some far from them."""
    if not len(start):
        chosen, _ = kmeans_plusplus(vectors, k, random_state=_SEED)
        return np.asarray(chosen, np.float32)
    begin = start[:k]
    while len(begin) < k:
        _, closeness = nearest(begin, vectors)
        begin = np.concatenate([begin, vectors[[closeness.argmin()]]])
    return begin


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: NDArray[np.float32] = vectors / np.maximum(lengths, np.finfo(np.float32).tiny)
    return unit
