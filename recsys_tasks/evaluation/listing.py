"""One batch of user-days: what scores become before they are held against the truth."""

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.evaluation.metrics import wins
from recsys_tasks.evaluation.replays import Replay
from recsys_tasks.evaluation.top_k import top_k
from recsys_tasks.evaluation.user_days import Target, UserDays
from recsys_tasks.interactions import NO_ROW, Interactions


class Batch(NamedTuple):
    """User-days of one day that are scored at once, and their relevant items, as slices."""

    day: int
    rows: slice
    pairs: slice


def batches_of(truth: UserDays, batch_size: int) -> Iterator[Batch]:
    """The user-days in order, at most `batch_size` at once, never two days together."""
    changes = np.flatnonzero(np.diff(truth.days)) + 1
    for start, end in pairwise([0, *changes.tolist(), len(truth)]):
        for first in range(start, end, batch_size):
            last = min(first + batch_size, end)
            pairs = slice(*np.searchsorted(truth.rows, [first, last]).tolist())
            yield Batch(int(truth.days[first]), slice(first, last), pairs)


def write_lists(
    met: Replay,
    key: tuple[Target, str],
    batch: Batch,
    scores: NDArray[np.float32],
    left_out: NDArray[np.bool_],
    counts: NDArray[np.float32],
) -> None:
    """Write into `met` the lists of a batch.

    Args:
        met: The replay to write into.
        key: Target and variant.
        batch: n user-days.
        scores: Of all items, shape (n, n_items).
        left_out: Items that are no candidates, shape (n, n_items).
        counts: Interactions of each item before the day, shape (n_items,).
    """
    truth, lists = met.user_days, met.lists[key]
    ranked = top_k(np.where(left_out, np.float32(-np.inf), scores), lists.ranked.shape[1])
    lists.ranked[batch.rows] = ranked
    lists.popularity[batch.rows] = np.where(ranked == NO_ROW, 0, counts[ranked])
    target, _ = key
    pairs = batch.pairs.start + np.flatnonzero(truth.relevant(target)[batch.pairs])
    rows = truth.rows[pairs] - np.int32(batch.rows.start)
    candidates = np.where(left_out, np.float32(np.nan), scores)
    lists.wins[pairs] = wins(candidates, rows, truth.items[pairs])


def touched(past: Interactions, users: NDArray[np.int32], n_items: int) -> NDArray[np.bool_]:
    """Which items each of the users touched, with any sign; shape (n, n_items)."""
    found = np.zeros((len(users), n_items), np.bool_)
    last = max(int(past.users.max(initial=0)), int(users.max(initial=0)))
    position = np.full(last + 1, NO_ROW, np.int32)
    position[users] = np.arange(len(users))
    rows = position[past.users]
    known = (rows != NO_ROW) & (past.items != NO_ROW)
    found[rows[known], past.items[known]] = True
    return found
