"""What users were served on a day against what they did on it, beside baselines."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, product
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.evaluation.listing import Before, days_of, list_ready, list_shared, open_day
from recsys_tasks.evaluation.ready_lists import ReadyLists
from recsys_tasks.evaluation.replays import KS, Replay
from recsys_tasks.evaluation.summary import Evaluation, summarise
from recsys_tasks.evaluation.user_days import TARGETS, UserDays
from recsys_tasks.interactions import Catalogue


def meet_day(
    truth: UserDays,
    before: Before,
    catalogue: Catalogue,
    day: int,
    published: Sequence[ReadyLists] = (),
    baselines: Mapping[str, NDArray[np.float32]] = MappingProxyType({}),
) -> Replay:
    """Lists that were made for `day` against what users did on it, beside baselines.

    What a `replay` of the whole history would find on that day, of which it reads no more than what
    the day's users touched and how often each item was taken to.

    Args:
        truth: The user-days of the day.
        before: What precedes it.
        catalogue: Every item.
        day: The day.
        published: The lists that its users were shown.
        baselines: By name, the scores that all users have, shape (n_items,).
    """
    names = chain((lists.name for lists in published), baselines)
    met = Replay.blank(day, day + 1, KS, truth, product(TARGETS, [*names]), catalogue)
    for whole in days_of(truth):
        open_day(met, whole, before)
        for lists in published:
            list_ready(met, lists, whole, before)
        for name, scores in baselines.items():
            list_shared(met, name, whole, before, scores)
    return met


def met_by(met: Replay, published: Sequence[ReadyLists]) -> Iterator[tuple[ReadyLists, Replay]]:
    """Each variant's lists, and what its users did.

    A user who was shown another variant's list says nothing about a variant. A user who was shown
    none at all counts as one whose list is empty.
    """
    for lists in published:
        elsewhere = [other.users for other in published if other is not lists]
        users = np.setdiff1d(met.user_days.users, np.concatenate([[], *elsewhere]))
        yield lists, met.among(users, [lists.name])


def summarise_served(met: Replay, published: Sequence[ReadyLists]) -> list[Evaluation]:
    """Every metric of every variant over its users.

    Args:
        met: As of `meet_day`.
        published: The lists that it met.
    """
    return [row for _, theirs in met_by(met, published) for row in summarise(theirs)]
