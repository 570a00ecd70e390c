"""Pairs of items that one user took to within a window of days, all before a cut."""

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recsys_tasks.interactions import ALWAYS, NO_ROW, Catalogue, Interactions


@dataclass(frozen=True)
class Pairs:
    """What a fine-tuning learns from; `rows` below are rows of `items`.

    Attributes:
        items: Rows of the catalogue that were known before the cut, ascending, shape (n_items,).
        users: Whose pair it is, shape (n,); users are numbered as they stand in the history.
        anchors: Rows, shape (n,).
        positives: Rows, shape (n,); never the anchor.
        taken: Whatever a user did something with, in any way, shape (n_users, n_items).
    """

    items: NDArray[np.int32]
    users: NDArray[np.int32]
    anchors: NDArray[np.int32]
    positives: NDArray[np.int32]
    taken: sparse.csr_matrix

    def __len__(self) -> int:
        return len(self.anchors)

    @property
    def joined(self) -> sparse.csr_matrix:
        """True where two items are a pair of anybody's, either way round: (n_items, n_items)."""
        ends = np.concatenate([self.anchors, self.positives])
        others = np.concatenate([self.positives, self.anchors])
        n = len(self.items)
        return sparse.csr_matrix((np.ones(len(ends), np.bool_), (ends, others)), shape=(n, n))

    @property
    def digest(self) -> str:
        """Changes with any byte of them."""
        digest = hashlib.sha256()
        for array in (self.items, self.users, self.anchors, self.positives):
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()


def pairs_of(
    interactions: Interactions,
    catalogue: Catalogue,
    until: int,
    window: int,
    most_of_user: int,
    seed: int = 0,
) -> Pairs:
    """Draw pairs; nothing from `until` on is read, and no item that was unknown before.

    Both ends are drawn by the weights of the user's deeds. Each pair of a user stands once, in a
    seeded direction, and the pairs in a seeded order.

    Args:
        interactions: In ascending order of time.
        catalogue: All items.
        until: The cut: the day after the last that is read.
        window: Most days between the two deeds.
        most_of_user: Pairs drawn for a user at most; fewer stay where the same are drawn again.
        seed: Of the draw.
    """
    past = interactions.before(until)
    items = _known(past, catalogue, until)
    rows = np.full(len(catalogue), NO_ROW, np.int64)
    rows[items] = np.arange(len(items))
    past = past.where((past.items != NO_ROW) & (rows[past.items] != NO_ROW))
    _, users = np.unique(past.users, return_inverse=True)
    taken = _taken(users, rows[past.items], len(items))
    users, rows, days, weights = _deeds(past, users, rows)
    random = np.random.default_rng(seed)
    first, last = _ends(users)
    n_deeds = last - first
    n_draws = np.minimum(n_deeds * (n_deeds - 1) // 2, most_of_user)
    owner = np.repeat(np.arange(len(first)), n_draws)
    heights = np.concatenate([[0.0], np.cumsum(weights)])
    anchors = _drawn(random, heights, first[owner], last[owner])
    # One number for user and day: a user's days lie apart from the next one's by more than any
    # window.
    moments = users * (int(days.max(initial=0)) + 2 * window + 2) + days
    begin = np.searchsorted(moments, moments[anchors] - window, "left")
    end = np.searchsorted(moments, moments[anchors] + window, "right")
    partners = _drawn(random, heights, begin, end)
    kept = rows[anchors] != rows[partners]
    pairs = _distinct(users[anchors[kept]], rows[anchors[kept]], rows[partners[kept]])
    shuffled = pairs[:, random.permutation(pairs.shape[1])]
    turned = random.random(shuffled.shape[1]) < 0.5  # noqa: PLR2004  a half
    shuffled[1:, turned] = shuffled[:0:-1, turned]
    owners, ones, others = shuffled.astype(np.int32)
    return Pairs(items, owners, ones, others, taken)


def _known(past: Interactions, catalogue: Catalogue, until: int) -> NDArray[np.int32]:
    """Items with a text that somebody did something with, or that surely existed, by then."""
    known = (catalogue.since != ALWAYS) & (catalogue.since < until)
    known[past.items[past.items != NO_ROW]] = True
    return np.flatnonzero(known & catalogue.vectors.any(axis=1)).astype(np.int32)


def _taken(users: NDArray[np.int64], rows: NDArray[np.int64], n_items: int) -> sparse.csr_matrix:
    shape = (int(users.max(initial=NO_ROW)) + 1, n_items)
    return sparse.csr_matrix((np.ones(len(users), np.bool_), (users, rows)), shape=shape)


def _deeds(
    past: Interactions, users: NDArray[np.int64], rows: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Who took to what on which day, once a day, by user, day and item, with summed weights."""
    good = past.weights > 0
    columns = np.stack([users[good], past.days[good], rows[past.items[good]]])
    deeds, which = np.unique(columns, axis=1, return_inverse=True)
    users, days, items = deeds.astype(np.int64)
    weighed = np.bincount(which, past.weights[good], len(users)).astype(np.float64)
    return users, items, days, weighed


def _ends(users: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where each user's deeds begin and end."""
    _, first, counts = np.unique(users, return_index=True, return_counts=True)
    return first, first + counts


def _drawn(
    random: np.random.Generator,
    heights: NDArray[np.float64],
    begin: NDArray[np.int64],
    end: NDArray[np.int64],
) -> NDArray[np.int64]:
    """A place in each [begin, end), by weight; heights are sums of weights before each place."""
    low, high = heights[begin], heights[end]
    wanted = low + random.random(len(begin)) * (high - low)
    places = np.searchsorted(heights, wanted, "right") - 1
    return np.clip(places, begin, end - 1)


def _distinct(
    users: NDArray[np.int64], ones: NDArray[np.int64], others: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Each user's pairs once, whichever way round: (3, n)."""
    low, high = np.minimum(ones, others), np.maximum(ones, others)
    pairs: NDArray[np.int64] = np.unique(np.stack([users, low, high]), axis=1)
    return pairs
