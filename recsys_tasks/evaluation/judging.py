"""Lists held against the truth, in a segment."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.evaluation.metrics import Judged
from recsys_tasks.evaluation.replays import Replay
from recsys_tasks.evaluation.user_days import Segment, Target
from recsys_tasks.interactions import NO_ROW


def in_segment(met: Replay, target: Target, segment: Segment) -> NDArray[np.intp]:
    """The user-days with something relevant for the target in the segment, ascending."""
    return np.unique(met.user_days.rows[met.user_days.relevant(target, segment)])


def judge(met: Replay, target: Target, variant: str, segment: Segment) -> Judged:
    """A variant's lists on the user-days of a segment, uncut."""
    truth, lists = met.user_days, met.lists[target, variant]
    rows = in_segment(met, target, segment)
    pairs = np.flatnonzero(truth.relevant(target, segment))
    position = np.searchsorted(rows, truth.rows[pairs]).astype(np.int32)
    ranked = lists.ranked[rows]
    last_day = truth.days[rows].max(initial=met.since)
    return Judged(
        ranked=ranked,
        hits=_hits(ranked, position, truth.items[pairs], len(met.catalogue)),
        n_relevant=np.bincount(position, minlength=len(rows)).astype(np.int32),
        popularity=lists.popularity[rows],
        relevant_popularity=_least(met.popularity[pairs], position, ranked.shape),
        total=met.total[rows],
        wins=lists.wins[pairs],
        rows=position,
        vectors=met.catalogue.vectors,
        n_listable=int(np.count_nonzero(met.catalogue.since <= last_day)),
    )


def cut(judged: Judged, k: int) -> Judged:
    """The same lists down to rank k."""
    return replace(
        judged,
        ranked=judged.ranked[:, :k],
        hits=judged.hits[:, :k],
        popularity=judged.popularity[:, :k],
        relevant_popularity=judged.relevant_popularity[:, :k],
    )


def _hits(
    ranked: NDArray[np.int32],
    rows: NDArray[np.int32],
    items: NDArray[np.int32],
    n_items: int,
) -> NDArray[np.bool_]:
    """Whether each listed item is among the pairs of row and relevant item, shape (n, k)."""
    lists = np.arange(len(ranked))[:, None] * n_items + ranked
    relevant = rows.astype(np.int64) * n_items + items
    hits: NDArray[np.bool_] = np.isin(lists, relevant) & (ranked != NO_ROW)
    return hits


def _least(
    popularity: NDArray[np.float32], rows: NDArray[np.int32], shape: tuple[int, ...]
) -> NDArray[np.float32]:
    """The k smallest values of each row in ascending order, then inf; shape (n, k)."""
    least = np.full(shape, np.inf, np.float32)
    order = np.lexsort((popularity, rows))
    place = np.arange(len(rows)) - np.searchsorted(rows, rows)
    kept = place < shape[1]
    least[rows[kept], place[kept]] = popularity[order][kept]
    return least
