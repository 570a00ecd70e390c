"""Nearest neighbours of all among all, brought up to date where something changed.

A product's last bits depend on its shape, so neighbours found among few could not stand beside
those found among all. So products only propose: the cosine that counts is a sum in float64 over the
pair alone, rounded to float32. Lists brought up to date are those made anew, to the bit.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.interactions import NO_ROW
from recsys_tasks.ranking.exact import Lists
from recsys_tasks.ranking.neighbours import nearest, unit

_SPARE = 12  # proposed beside those that are wanted
_WIDENING = 4  # times as many, where these do not tell who is the last
_PAIRS = 1 << 14  # whose cosines are taken at once; each takes 3 * dim doubles


class Renewed(NamedTuple):
    """Lists that are not what they were.

    Attributes:
        rows: Whose they are, ascending, shape (m,).
        lists: Of those, shape (m, k).
    """

    rows: NDArray[np.intp]
    lists: Lists


def renewed(
    vectors: NDArray[np.float32],
    are_new: NDArray[np.bool_],
    standing: NDArray[np.intp],
    lists: Lists,
    *,
    batch_size: int = 1024,
    device: str = "cpu",
) -> Renewed:
    """The nearest of each of n vectors among the others, where they are not those known.

    Args:
        vectors: Shape (n, dim).
        are_new: Which of them were not there, or were others, when lists were made; shape (n,).
        standing: Rows, ascending, of those that have a list among `lists`; none of them is new.
        lists: Of the same, of full length k: rows that are not new.
        batch_size: Vectors compared at once.
        device: Where torch computes.

    Returns:
        The lists of all that have none among `lists`, and of those that somebody new enters. Of
        equally near ones, the lower row comes first.
    """
    k = lists.rows.shape[1]
    without = np.setdiff1d(np.arange(len(vectors)), standing)
    anew = _nearest(vectors[without], vectors, without, k, batch_size, device)
    new = np.flatnonzero(are_new)
    nobody = np.full(len(standing), NO_ROW)
    entering = _nearest(vectors[standing], vectors[new], nobody, k, batch_size, device)
    entering = Lists(np.append(new, NO_ROW)[entering.rows].astype(np.int32), entering.scores)
    merged = _best(lists, entering, k)
    moved = (merged.rows != lists.rows).any(axis=1)
    rows = np.concatenate([without, standing[moved]])
    order = np.argsort(rows)
    found = (
        np.concatenate(pair)[order]
        for pair in zip(anew, (merged.rows[moved], merged.scores[moved]), strict=True)
    )
    return Renewed(rows[order], Lists(*found))


def _nearest(
    queries: NDArray[np.float32],
    pool: NDArray[np.float32],
    own: NDArray[np.intp],
    k: int,
    batch_size: int,
    device: str,
) -> Lists:
    """As `nearest`, of width k, by cosines that depend on the pair alone."""
    shape = (len(queries), k)
    found = Lists(np.full(shape, NO_ROW, np.int32), np.full(shape, -np.inf, np.float32))
    margin = np.float32(pool.shape[1] * np.finfo(np.float32).eps)  # by which a product may err
    waiting, width = np.arange(len(queries)), k + _SPARE
    while len(waiting) and len(pool):
        asked = (queries[waiting], pool, own[waiting].astype(np.int32))
        proposed = nearest(*asked, width, batch_size=batch_size, device=device)
        exact = Lists(proposed.rows, _cosines(unit(queries[waiting]), unit(pool), proposed.rows))
        nothing = Lists(proposed.rows[:, :0], proposed.scores[:, :0])
        best = _best(exact, nothing, k)
        is_done = np.ones(len(waiting), np.bool_)  # where everybody was proposed
        if proposed.rows.shape[1] == width:
            last, row = proposed.scores[:, -1], proposed.rows[:, -1]
            is_done = (row == NO_ROW) | (best.scores[:, -1] > last + margin)
        for target, values in zip(found, best, strict=True):
            target[waiting[is_done]] = values[is_done]
        waiting, width = waiting[~is_done], width * _WIDENING
    return found


def _cosines(
    queries: NDArray[np.float32], pool: NDArray[np.float32], rows: NDArray[np.int32]
) -> NDArray[np.float32]:
    """Inner products with the rows of each query, shape (n, width); -inf for NO_ROW."""
    cosines = np.full(rows.shape, -np.inf, np.float32)
    asked, places = np.nonzero(rows != NO_ROW)
    for start in range(0, len(asked), _PAIRS):
        pairs = slice(start, start + _PAIRS)
        ours = queries[asked[pairs]].astype(np.float64)
        theirs = pool[rows[asked[pairs], places[pairs]]]
        cosines[asked[pairs], places[pairs]] = (ours * theirs).sum(axis=1)
    return cosines


def _best(some: Lists, more: Lists, k: int) -> Lists:
    """The k best of two disjoint sets of candidates, shape (n, k)."""
    rows = np.concatenate([some.rows, more.rows], axis=1)
    scores = np.concatenate([some.scores, more.scores], axis=1)
    if (missing := k - rows.shape[1]) > 0:
        rows = np.pad(rows, ((0, 0), (0, missing)), constant_values=NO_ROW)
        scores = np.pad(scores, ((0, 0), (0, missing)), constant_values=-np.inf)
    order = np.lexsort((rows, -scores), axis=1)[:, :k]
    return Lists(np.take_along_axis(rows, order, axis=1), np.take_along_axis(scores, order, axis=1))
