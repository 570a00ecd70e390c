"""Lists held against the truth, in a segment."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.evaluation.metrics import Judged
from recsys_tasks.evaluation.parts import Part
from recsys_tasks.evaluation.replays import Replay
from recsys_tasks.evaluation.user_days import Segment, Target
from recsys_tasks.interactions import NO_ROW


def part_of(met: Replay, target: Target, segment: Segment) -> Part:
    """What a segment is about."""
    return met.user_days.part(target, segment)


def in_segment(met: Replay, target: Target, segment: Segment) -> NDArray[np.intp]:
    """The user-days with something relevant for the target in the segment, ascending."""
    return part_of(met, target, segment).rows


def judge(met: Replay, target: Target, variant: str, segment: Segment) -> Judged:
    """A variant's lists on the user-days of a segment, uncut."""
    return judge_part(met, target, variant, part_of(met, target, segment))


def judge_part(met: Replay, target: Target, variant: str, part: Part) -> Judged:
    """A variant's lists on some user-days, uncut."""
    judged, lists = unjudged(met, target, variant, part), met.lists[target, variant]
    places = lists.places[part.pairs]
    hit = np.flatnonzero(places != NO_ROW)
    hits = np.zeros(judged.ranked.shape, np.bool_)
    hits[part.position[hit], places[hit]] = True
    return replace(
        judged,
        hits=hits,
        popularity=lists.popularity[part.rows],
        n_relevant=part.n_relevant,
        relevant_popularity=_least(met.popularity[part.pairs], part.position, hits.shape),
    )


def unjudged(met: Replay, target: Target, variant: str, part: Part) -> Judged:
    """The same lists, for what does not ask which of their items are relevant, or popular."""
    lists = met.lists[target, variant]
    is_whole = len(part.rows) == len(lists.ranked)
    ranked = lists.ranked if is_whole else lists.ranked[part.rows]
    last_day = met.user_days.days[part.rows].max(initial=met.since)
    return Judged(
        ranked=ranked,
        hits=np.broadcast_to(np.False_, ranked.shape),
        n_relevant=np.broadcast_to(np.int32(0), len(ranked)),
        popularity=np.broadcast_to(np.float32(0), ranked.shape),
        relevant_popularity=np.broadcast_to(np.float32(np.inf), ranked.shape),
        total=met.total[part.rows],
        wins=lists.wins[part.pairs],
        rows=part.position,
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


def _least(
    popularity: NDArray[np.float32], rows: NDArray[np.int32], shape: tuple[int, ...]
) -> NDArray[np.float32]:
    """The k smallest values of each row in ascending order, then inf; shape (n, k)."""
    least = np.full(shape, np.inf, np.float32)
    # The bits of floats that are not negative are in their order, and one number sorts fastest.
    bits = np.ascontiguousarray(popularity).view(np.uint32)
    ascending = np.sort((rows.astype(np.uint64) << 32) | bits)
    place = np.arange(len(rows)) - np.searchsorted(rows, np.arange(shape[0]))[rows]
    kept = place < shape[1]
    least[rows[kept], place[kept]] = ascending.astype(np.uint32)[kept].view(np.float32)
    return least
