"""Lists held against the truth, in a segment."""

from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.evaluation.metrics import Judged
from recsys_tasks.evaluation.replays import Replay
from recsys_tasks.evaluation.user_days import Segment, Target

PAIRS_AT_ONCE: Final = 2**16  # relevant items that are looked for in their lists


class Part(NamedTuple):
    """The user-days with something relevant for a target in a segment.

    Attributes:
        rows: These n user-days, ascending.
        pairs: Their relevant items, ascending, shape (p,).
        position: Where in `rows` the user-day of each stands, shape (p,).
    """

    rows: NDArray[np.intp]
    pairs: NDArray[np.intp]
    position: NDArray[np.int32]

    def take(self, chosen: NDArray[np.bool_]) -> "Part":
        """The chosen user-days, shape (n,)."""
        kept = chosen[self.position]
        position = np.cumsum(chosen, dtype=np.int32) - 1
        return Part(self.rows[chosen], self.pairs[kept], position[self.position[kept]])


def part_of(met: Replay, target: Target, segment: Segment) -> Part:
    """What a segment is about."""
    truth = met.user_days
    pairs = np.flatnonzero(truth.relevant(target, segment))
    of_pairs = truth.rows[pairs]
    is_in = np.zeros(len(truth), np.bool_)
    is_in[of_pairs] = True
    position = np.cumsum(is_in, dtype=np.int32) - 1
    return Part(np.flatnonzero(is_in), pairs, position[of_pairs])


def in_segment(met: Replay, target: Target, segment: Segment) -> NDArray[np.intp]:
    """The user-days with something relevant for the target in the segment, ascending."""
    return part_of(met, target, segment).rows


def judge(met: Replay, target: Target, variant: str, segment: Segment) -> Judged:
    """A variant's lists on the user-days of a segment, uncut."""
    return judge_part(met, target, variant, part_of(met, target, segment))


def judge_part(met: Replay, target: Target, variant: str, part: Part) -> Judged:
    """A variant's lists on some user-days, uncut."""
    judged = unjudged(met, target, variant, part)
    hits = np.zeros(judged.ranked.shape, np.bool_)
    pairs, places = find(judged.ranked, part.position, met.user_days.items[part.pairs])
    hits[part.position[pairs], places] = True
    return replace(
        judged,
        hits=hits,
        popularity=met.lists[target, variant].popularity[part.rows],
        n_relevant=np.bincount(part.position, minlength=len(part.rows)).astype(np.int32),
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


def find(
    ranked: NDArray[np.int32], rows: NDArray[np.int32], items: NDArray[np.int32]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Which of p pairs of a list's row and an item are listed, ascending, and where in the list."""
    found = [(np.zeros(0, np.intp), np.zeros(0, np.intp))]
    is_listed = np.zeros(max(ranked.max(initial=0), items.max(initial=0)) + 2, np.bool_)
    is_listed[ranked] = True  # the gap at the end of a short list is the last place
    possible = np.flatnonzero(is_listed[items])
    for start in range(0, len(possible), PAIRS_AT_ONCE):
        some = possible[start : start + PAIRS_AT_ONCE]
        # Flat, since nonzero of a matrix takes many times as long.
        flat = np.flatnonzero(ranked[rows[some]] == items[some, None])
        pairs, places = np.divmod(flat, max(ranked.shape[1], 1))
        found.append((some[pairs], places))
    pairs, places = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return pairs, places


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
