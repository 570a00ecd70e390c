"""What an experiment is decided by: how good each user's list was on a day."""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.evaluation.judging import part_of
from recsys_tasks.evaluation.measuring import Measuring
from recsys_tasks.evaluation.natures import Nature
from recsys_tasks.evaluation.ready_lists import ReadyLists
from recsys_tasks.evaluation.replays import Replay
from recsys_tasks.evaluation.served import met_by
from recsys_tasks.evaluation.user_days import SEGMENTS, Segment, Target

# In the order of the columns of experiment_user_days.
METRICS: Final = ("ndcg", "recall", "hit_rate", "mrr", "novelty", "diversity")
K: Final = 10
# `all` is the union of cold, light and warm, and need not be kept beside them.
KEPT: Final[tuple[Segment, ...]] = tuple(name for name in SEGMENTS if name != "all")


class UserFigures(NamedTuple):
    """The user-days of a night on which a variant was met, in one segment.

    Attributes:
        variant: Its name.
        target: `new` or `all`.
        segment: One of KEPT.
        users: Row of each user, shape (n,).
        values: By METRICS at K; nan where undefined; shape (n, len(METRICS)).
    """

    variant: str
    target: Target
    segment: Segment
    users: NDArray[np.int32]
    values: NDArray[np.float64]


def figures_of_users(met: Replay, published: Sequence[ReadyLists]) -> Iterator[UserFigures]:
    """Every list of one night that met something, by variant, target and segment.

    Args:
        met: As of `meet_night`.
        published: The lists that it met.
    """
    for lists, theirs in met_by(met, published):
        nature = Nature(theirs, lists.name)
        for target in theirs.targets:
            measuring = Measuring(theirs, target, lists.name, nature)
            for segment in KEPT:
                part = part_of(theirs, target, segment)
                users = theirs.user_days.users[part.rows]
                if len(users):
                    found = measuring.values(part, METRICS)
                    columns = [found[metric, K] for metric in METRICS]
                    yield UserFigures(lists.name, target, segment, users, np.stack(columns, axis=1))
