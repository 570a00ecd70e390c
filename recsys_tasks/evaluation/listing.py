"""The user-days of a day: what scores and lists become before they are held against the truth."""

from collections import deque
from collections.abc import Callable, Iterator
from itertools import pairwise, product
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.evaluation.metrics import wins
from recsys_tasks.evaluation.ready_lists import ReadyLists, places_in, wins_in, without
from recsys_tasks.evaluation.replays import THREADS, Replay
from recsys_tasks.evaluation.shared_ranking import SharedRanking
from recsys_tasks.evaluation.top_k import top_k
from recsys_tasks.evaluation.touched import Touched
from recsys_tasks.evaluation.user_days import Target, UserDays
from recsys_tasks.interactions import NO_ROW
from recsys_tasks.threads import threads_of

AT_ONCE: Final = 4096  # user-days without a row of scores each


class Batch(NamedTuple):
    """User-days of one day that are listed for at once.

    Attributes:
        day: The day.
        rows: The user-days, among all.
        place: The same, among those of the day.
        pairs: Their relevant items.
    """

    day: int
    rows: slice
    place: slice
    pairs: slice


class Before(NamedTuple):
    """What precedes a day, for its n user-days.

    Attributes:
        counts: Interactions of each item, a user and an item once a day, shape (n_items,).
        absent: Items that do not exist on the day, shape (n_items,).
        touched: What the users touched, by position of the user-day on the day.
    """

    counts: NDArray[np.float32]
    absent: NDArray[np.bool_]
    touched: Touched

    def left_out(self, target: Target, chosen: slice) -> Touched:
        """What target `new` leaves out for some user-days of the day, and `all` does not."""
        if target == "new":
            return self.touched.part(chosen)
        return Touched.nothing(chosen.stop - chosen.start, len(self.counts))


def days_of(truth: UserDays) -> Iterator[Batch]:
    """The user-days day by day, in order."""
    starts = np.flatnonzero(np.diff(truth.days, prepend=NO_ROW))
    for start, end in pairwise([*starts.tolist(), len(truth)]):
        pairs = slice(*np.searchsorted(truth.rows, [start, end]).tolist())
        yield Batch(int(truth.days[start]), slice(start, end), slice(0, end - start), pairs)


def parts_of(truth: UserDays, whole: Batch, batch_size: int) -> Iterator[Batch]:
    """The user-days of a day in order, at most `batch_size` at once."""
    for first in range(whole.rows.start, whole.rows.stop, batch_size):
        last = min(first + batch_size, whole.rows.stop)
        pairs = slice(*np.searchsorted(truth.rows, [first, last]).tolist())
        place = slice(first - whole.rows.start, last - whole.rows.start)
        yield Batch(whole.day, slice(first, last), place, pairs)


def open_day(met: Replay, whole: Batch, before: Before) -> None:
    """Write into `met` what precedes a day, whoever lists for it."""
    met.total[whole.rows] = before.counts.sum(dtype=np.float64)
    met.popularity[whole.pairs] = before.counts[met.user_days.items[whole.pairs]]


def list_scored(
    met: Replay,
    key: tuple[Target, str],
    batch: Batch,
    scores: NDArray[np.float32],
    left_out: NDArray[np.bool_],
    counts: NDArray[np.float32],
) -> None:
    """Write into `met` the lists of a batch, of which each user-day has scores of its own.

    Args:
        met: The replay to write into.
        key: Target and variant.
        batch: n user-days.
        scores: Of all items, shape (n, n_items).
        left_out: Items that are no candidates, shape (n, n_items).
        counts: Interactions of each item before the day, shape (n_items,).
    """
    ranked = top_k(np.where(left_out, np.float32(-np.inf), scores), met.ks[-1])
    pairs, rows, items = _relevant(met, key, batch)
    candidates = np.where(left_out, np.float32(np.nan), scores)
    _write(met, key, batch, ranked, counts)
    met.lists[key].places[pairs] = places_in(ranked, rows, items)
    met.lists[key].wins[pairs] = wins(candidates, rows.astype(np.int32), items)


def list_shared(
    met: Replay, name: str, whole: Batch, before: Before, scores: NDArray[np.float32]
) -> None:
    """Write into `met` the lists of a day that one row of scores gives all its user-days.

    Args:
        met: The replay to write into.
        name: Of the variant.
        whole: The user-days of the day.
        before: What precedes it.
        scores: Of all items, shape (n_items,).
    """
    ranking = SharedRanking.of(scores, before.absent)

    def meet(target: Target, batch: Batch) -> None:
        left_out = before.left_out(target, batch.place)
        pairs, rows, items = _relevant(met, (target, name), batch)
        ranked, places, found = ranking.meet(left_out, rows, items, met.ks[-1])
        _write(met, (target, name), batch, ranked, before.counts)
        met.lists[target, name].places[pairs] = places
        met.lists[target, name].wins[pairs] = found

    _in_threads(meet, met, whole)


def list_ready(met: Replay, lists: ReadyLists, whole: Batch, before: Before) -> None:
    """Write into `met` lists that the users of a day were shown."""
    k, n_present = met.ks[-1], np.count_nonzero(~before.absent)

    def meet(target: Target, batch: Batch) -> None:
        left_out = before.left_out(target, batch.place)
        pairs, rows, items = _relevant(met, (target, lists.name), batch)
        shown = lists.of(met.user_days.users[batch.rows])
        ranked = without(shown, before.absent, left_out)
        gone = np.bincount(left_out.rows[~before.absent[left_out.items]], minlength=len(shown))
        short = np.pad(ranked, ((0, 0), (0, k)), constant_values=NO_ROW)[:, :k]
        _write(met, (target, lists.name), batch, short, before.counts)
        found = wins_in(ranked, n_present - gone, rows, items)
        met.lists[target, lists.name].places[pairs] = places_in(short, rows, items)
        met.lists[target, lists.name].wins[pairs] = found

    _in_threads(meet, met, whole)


def _in_threads(meet: Callable[[Target, Batch], None], met: Replay, whole: Batch) -> None:
    """Call it for each target and batch of a day: numpy computes, and no two write the same."""
    batches = [*parts_of(met.user_days, whole, AT_ONCE)]
    jobs = zip(*product(met.targets, batches), strict=True)
    with threads_of(THREADS) as threads:
        deque(threads.map(meet, *jobs), maxlen=0)  # raises what one of them raised


def _relevant(
    met: Replay, key: tuple[Target, str], batch: Batch
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.int32]]:
    """The relevant items of a batch: among all pairs, their user-days in it, and their rows."""
    truth, (target, _) = met.user_days, key
    relevant = truth.relevant(target, pairs=batch.pairs)
    pairs = batch.pairs.start + np.flatnonzero(relevant)
    return pairs, truth.rows[pairs].astype(np.intp) - batch.rows.start, truth.items[pairs]


def _write(
    met: Replay,
    key: tuple[Target, str],
    batch: Batch,
    ranked: NDArray[np.int32],
    counts: NDArray[np.float32],
) -> None:
    lists = met.lists[key]
    lists.ranked[batch.rows] = ranked
    lists.popularity[batch.rows] = np.where(ranked == NO_ROW, 0, counts[ranked])
