"""What is asked of a model that learns few parameters: user-days with what could be listed.

Everything here is a function of one user's own behaviour, of the catalogue, and of what was told
with noise. So a user who comes or goes changes no other user's rows.
"""

from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.interactions import NO_ROW, Interactions
from recsys_tasks.interest_model import ItemFacts
from recsys_tasks.training.examples import Examples
from recsys_tasks.training.options import TrainingData
from recsys_tasks.training.private.parameters import Form
from recsys_tasks.training.private.reading import Reader, by_day, latest
from recsys_tasks.trends import ToldDays

MOST_DAYS: Final = 5  # the latest of a user
HEAD: Final = 100  # items that the zero-shot model puts first compete with those that were taken
MOST_TAKEN: Final = 20  # of a user-day
_AT_ONCE: Final = 64  # user-days that have a row of scores each


class Described(NamedTuple):
    """n user-days of m users, user by user.

    Attributes:
        features: Of C candidates each, in the order of `Form`, shape (n, C, F).
        are_listed: Whether there is such a candidate, shape (n, C).
        are_taken: Whether it was taken on the day, shape (n, C); of each user-day one or more.
        starts: Where each user's begin, shape (m,).
    """

    features: NDArray[np.float32]
    are_listed: NDArray[np.bool_]
    are_taken: NDArray[np.bool_]
    starts: NDArray[np.intp]


class _Part(NamedTuple):
    """As `Described`, of some user-days."""

    features: NDArray[np.float32]
    are_listed: NDArray[np.bool_]
    are_taken: NDArray[np.bool_]


def described(data: TrainingData, told: ToldDays, until: int, form: Form) -> Described:
    """Describe the latest user-days before `until` that a model can learn from.

    Args:
        data: The history.
        told: What was told of days: none is learned from that lies before.
        until: The day after the last.
        form: Of the model.
    """
    past = data.interactions.before(until)
    days = range(int(told.told.min(initial=until)), until)
    examples = latest(past, days.start, until, MOST_DAYS)
    reader = Reader(data, told, form.model(form.first()))
    parts = []
    for day, asked in by_day(past, examples, days, _AT_ONCE):
        facts = reader.facts(day)
        parts += [_part(reader, before, part, facts, form) for before, part in asked]
    return _gathered(examples.users, parts, len(form.first()))


def _part(
    reader: Reader, past: Interactions, examples: Examples, facts: ItemFacts, form: Form
) -> _Part:
    """Describe user-days of one day."""
    users = reader.users(past, examples.users, int(examples.days[0]))
    scores = reader.scores(past, examples, users, facts)
    head = np.argpartition(-scores, min(HEAD, scores.shape[1]) - 1, axis=1)[:, :HEAD]
    taken, is_one = _taken(examples)
    items = np.concatenate([head, taken], axis=1)
    is_listed = np.isfinite(np.take_along_axis(scores, items, axis=1))
    # What was taken stands in its own place alone.
    is_twice = ((head[:, :, None] == taken[:, None]) & is_one[:, None]).any(axis=2)
    is_listed &= np.concatenate([~is_twice, is_one], axis=1)
    are_taken = is_listed.copy()
    are_taken[:, : head.shape[1]] = False
    return _Part(form.features(users, facts, items), is_listed, are_taken)


def _taken(examples: Examples) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """What was taken, up to MOST_TAKEN a user-day, and whether it is that or fills the row up."""
    items = np.zeros((len(examples), MOST_TAKEN), np.intp)
    is_one = np.zeros(items.shape, np.bool_)
    for row, (first, last) in enumerate(pairwise(examples.pointers.tolist())):
        n = min(last - first, MOST_TAKEN)
        items[row, :n] = examples.targets[first : first + n]
        is_one[row, :n] = True
    return items, is_one


def _gathered(users: NDArray[np.int32], parts: list[_Part], n_features: int) -> Described:
    """User by user, those user-days of which something can be learned."""
    if not parts:
        none = np.zeros((0, 1), np.bool_)
        return Described(np.zeros((0, 1, n_features), np.float32), none, none, np.zeros(0, np.intp))
    whole = _Part(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))
    useful = np.flatnonzero(whole.are_taken.any(axis=1))
    order = useful[np.argsort(users[useful], kind="stable")]
    starts = np.flatnonzero(np.diff(users[order], prepend=NO_ROW))
    return Described(whole.features[order], whole.are_listed[order], whole.are_taken[order], starts)
