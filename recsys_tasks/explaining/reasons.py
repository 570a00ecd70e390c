"""Why each entry of a list stands there: what its score consists of, the largest parts first.

The first reason is the largest part of the larger side of the score: of what the user did, or of
what the item is to everybody. A taste that is spread over fifty interactions outweighs a trend,
though each of them is small.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.explaining.first_stage import FirstStage, Parts
from recsys_tasks.explaining.grounds import EARLIER, OF_THE_ITEM, OWN, TREND, put_together
from recsys_tasks.explaining.second_stage import Reranked, SecondStageParts
from recsys_tasks.interactions import NO_ROW
from recsys_tasks.ranking import Lists

N_REASONS: Final = 3  # that are kept of an entry
EXPLAINED: Final = 10  # first entries of a list of which that many are kept
_STEP: Final = 10  # contributors by which batches differ


class Reasons(NamedTuple):
    """Reasons as a list keeps them, arrays of one shape.

    Attributes:
        kinds: As in `grounds`; 0 where there is no further reason.
        items: Row of the item among those of the history; NO_ROW for none.
        details: Key of the event type, or days of the trend.
        days: Of the interaction, from 1970-01-01; else 0.
        parts: Of the score.
    """

    kinds: NDArray[np.int16]
    items: NDArray[np.int32]
    details: NDArray[np.int16]
    days: NDArray[np.int32]
    parts: NDArray[np.float32]

    @classmethod
    def none(cls, *shape: int) -> "Reasons":
        """No reasons."""
        return cls(
            np.zeros(shape, np.int16),
            np.full(shape, NO_ROW, np.int32),
            np.zeros(shape, np.int16),
            np.zeros(shape, np.int32),
            np.zeros(shape, np.float32),
        )

    def put(self, users: NDArray[np.intp], some: "Reasons") -> None:
        """Write what is known of some users' first entries."""
        entries = slice(some.kinds.shape[1])
        self.kinds[users, entries] = some.kinds
        self.items[users, entries] = some.items
        self.details[users, entries] = some.details
        self.days[users, entries] = some.days
        self.parts[users, entries] = some.parts

    def where(self, mask: NDArray[np.bool_]) -> "Reasons":
        """Those that the mask, of the same shape, selects; elsewhere none."""
        return Reasons(
            np.where(mask, self.kinds, 0).astype(np.int16),
            np.where(mask, self.items, NO_ROW).astype(np.int32),
            np.where(mask, self.details, 0).astype(np.int16),
            np.where(mask, self.days, 0).astype(np.int32),
            np.where(mask, self.parts, 0).astype(np.float32),
        )


class Explained(NamedTuple):
    """Why each entry of n lists of k stands there.

    Attributes:
        first: The first reason of every entry, shape (n, k).
        most: The first reason and then the largest other parts of the first m entries, shape
            (n, m, N_REASONS). Parts that speak against the item are none.
    """

    first: Reasons
    most: Reasons


def explain(
    lists: Lists, stage: FirstStage, reranked: Reranked | None = None, *, batch_size: int = 128
) -> Explained:
    """The reasons of every entry of the lists.

    Args:
        lists: Of the stage's n users, shape (n, k).
        stage: What ranked them.
        reranked: What ranked their first entries again: of those, its scores are explained.
        batch_size: Users explained at once; memory is batch_size * (k + L) * width floats. What is
            found does not depend on it, to the bit.

    Returns:
        No reason after the end of a short list.
    """
    n, k = lists.rows.shape
    found = Explained(Reasons.none(n, k), Reasons.none(n, min(k, EXPLAINED), N_REASONS))
    again = None if reranked is None else SecondStageParts(stage, reranked)
    for users, length in _batches(stage, again, batch_size if k else 0):
        rows = lists.rows[users]
        first = stage.parts(users, rows, length)
        _write(found, users, first, rows)
        if again is not None:
            rows = rows[:, : again.n_entries]
            _write(found, users, again.parts(users, rows, first, length), rows)
    return found


def _batches(
    stage: FirstStage, again: SecondStageParts | None, batch_size: int
) -> Iterator[tuple[NDArray[np.intp], int]]:
    """Users of about as many contributors together, and how many are told apart of each.

    A user's number is rounded up to a multiple of _STEP, whoever is in the batch: sums over more
    places, though these are zeros, would end in other last bits.
    """
    most = stage.known.interactions.shape[1]
    lengths = stage.lengths if again is None else np.maximum(stage.lengths, again.lengths)
    widths = np.minimum(-(-lengths // _STEP) * _STEP, most)
    for width in np.unique(widths).tolist() if batch_size else ():
        users = np.flatnonzero(widths == width)
        for start in range(0, len(users), batch_size):
            yield users[start : start + batch_size], width


def _write(
    found: Explained, users: NDArray[np.intp], scores: Parts, rows: NDArray[np.int32]
) -> None:
    """Put the reasons of some users' first entries where they belong."""
    chosen = _choose(scores, found.most.kinds.shape[1])
    is_there = rows != NO_ROW
    found.first.put(users, chosen.first.where(is_there))
    explained = is_there[:, : chosen.most.kinds.shape[1], None]
    found.most.put(users, chosen.most.where(np.repeat(explained, N_REASONS, axis=2)))


def _choose(scores: Parts, n_explained: int) -> Explained:
    """The first reason of every entry, and more of the first ones."""
    parts = put_together(scores.grounds, scores.parts)
    first = _first(scores, parts)
    few, head = parts[:, :n_explained], first[:, :n_explained, None]
    # "Because you disliked ..." recommends nothing: what repels is no reason.
    may_tell = (scores.grounds.kinds != EARLIER) & (scores.grounds.weights >= 0)
    sizes = np.where(may_tell[:, None], few, -np.inf)
    np.put_along_axis(sizes, head, np.inf, axis=-1)
    largest = np.argpartition(-sizes, N_REASONS - 1, axis=-1)[..., :N_REASONS]
    by_size = np.argsort(-np.take_along_axis(sizes, largest, axis=-1), axis=-1, kind="stable")
    places = np.take_along_axis(largest, by_size, axis=-1)
    most = _at(scores, few, places).where(np.take_along_axis(sizes, places, axis=-1) > 0)
    return Explained(_at(scores, parts, first), most)


def _first(scores: Parts, parts: NDArray[np.float32]) -> NDArray[np.intp]:
    """Where the first reason of each entry stands, shape (n, k)."""
    kinds, weights = scores.grounds.kinds[:, None], scores.grounds.weights[:, None]
    are_own, are_items = np.isin(kinds, OWN), np.isin(kinds, OF_THE_ITEM)
    may_tell = (kinds != EARLIER) & (weights >= 0)
    own = np.where(are_own & may_tell, parts, -np.inf)
    # An item that is not new is not listed for being new.
    items = np.where((kinds == TREND) | are_items & (parts > 0), parts, -np.inf)
    mine = np.where(are_own, parts, 0).sum(axis=-1) > np.where(are_items, parts, 0).sum(axis=-1)
    chosen = np.where(mine & (own.max(axis=-1) > 0), own.argmax(axis=-1), items.argmax(axis=-1))
    size = np.take_along_axis(parts, chosen[..., None], axis=-1)[..., 0]
    anything = np.where(may_tell, parts, -np.inf)
    # What is less popular than most is so only where nothing at all speaks for the item.
    instead = (size <= 0) & (anything.max(axis=-1) > 0)
    place: NDArray[np.intp] = np.where(instead, anything.argmax(axis=-1), chosen)
    return place


def _at(scores: Parts, parts: NDArray[np.float32], places: NDArray[np.intp]) -> Reasons:
    """The grounds that stand in some places, shape (n, k) or (n, k, N), and their parts."""
    kinds, items, details, days, _ = scores.grounds
    users = np.arange(len(kinds)).reshape(-1, *[1] * (places.ndim - 1))
    entries = np.arange(places.shape[1]).reshape(1, -1, *[1] * (places.ndim - 2))
    return Reasons(
        kinds[users, places],
        items[users, places],
        details[users, places],
        days[users, places],
        parts[users, entries, places],
    )
