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
HEAD: Final = 100  # items that the zero-shot model puts first compete with those that were taken,
DRAWN: Final = 150  # and as many others of the day, which stand for all the rest
MOST_TAKEN: Final = 20  # of a user-day
_AT_ONCE: Final = 64  # user-days that have a row of scores each


class Described(NamedTuple):
    """n user-days of m users, user by user.

    Attributes:
        features: Of C candidates each, in the order of `Form`, shape (n, C, F).
        are_listed: Whether there is such a candidate, shape (n, C).
        are_taken: Whether it was taken on the day, shape (n, C); of each user-day one or more.
        offsets: Logarithm of how many items it stands for, shape (n, C).
        starts: Where each user's begin, shape (m,).
    """

    features: NDArray[np.float32]
    are_listed: NDArray[np.bool_]
    are_taken: NDArray[np.bool_]
    offsets: NDArray[np.float32]
    starts: NDArray[np.intp]


class _Part(NamedTuple):
    """As `Described`, of some user-days."""

    features: NDArray[np.float32]
    are_listed: NDArray[np.bool_]
    are_taken: NDArray[np.bool_]
    offsets: NDArray[np.float32]


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
    """Describe user-days of one day.

    The head alone would be what is hard to tell from what was taken: whoever learns from that
    learns to mistrust what the zero-shot model goes by. So the likelihood is estimated over all
    items: the head and what was taken one by one, the rest by those drawn.
    """
    day = int(examples.days[0])
    users = reader.users(past, examples.users, day)
    scores = reader.scores(past, examples, users, facts)
    n_users, n_items = scores.shape
    head = np.argpartition(-scores, min(HEAD, n_items) - 1, axis=1)[:, :HEAD]
    # The same for all users of the day: drawn by nothing but the day.
    few = np.random.default_rng(day).permutation(n_items)[:DRAWN]
    drawn = np.broadcast_to(few, (n_users, len(few)))
    taken, is_one = _taken(examples)
    is_named = np.zeros(scores.shape, np.bool_)
    np.put_along_axis(is_named, head, values=True, axis=1)
    is_drawn = ~np.take_along_axis(is_named, drawn, axis=1) & ~_is_among(drawn, taken, is_one)
    items = np.concatenate([head, drawn, taken], axis=1)
    # What was taken stands in its own place alone.
    is_listed = np.concatenate([~_is_among(head, taken, is_one), is_drawn, is_one], axis=1)
    is_listed &= np.isfinite(np.take_along_axis(scores, items, axis=1))
    places = np.arange(items.shape[1])
    is_rest = (places >= head.shape[1]) & (places < head.shape[1] + len(few))
    n_open = np.isfinite(scores).sum(axis=1) - is_listed[:, ~is_rest].sum(axis=1)
    n_each = n_open / np.maximum(is_listed[:, is_rest].sum(axis=1), 1)
    offsets = np.where(is_rest, np.log(np.maximum(n_each, 1.0))[:, None], 0.0).astype(np.float32)
    are_taken = is_listed & (places >= items.shape[1] - MOST_TAKEN)
    return _Part(form.features(users, facts, items), is_listed, are_taken, offsets)


def _is_among(
    items: NDArray[np.intp], taken: NDArray[np.intp], is_one: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Whether each item of a user-day was taken on it, shape of `items`."""
    found: NDArray[np.bool_] = ((items[:, :, None] == taken[:, None]) & is_one[:, None]).any(axis=2)
    return found


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
        none, no_offsets = np.zeros((0, 1), np.bool_), np.zeros((0, 1), np.float32)
        features = np.zeros((0, 1, n_features), np.float32)
        return Described(features, none, none, no_offsets, np.zeros(0, np.intp))
    whole = _Part(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))
    useful = np.flatnonzero(whole.are_taken.any(axis=1))
    order = useful[np.argsort(users[useful], kind="stable")]
    starts = np.flatnonzero(np.diff(users[order], prepend=NO_ROW))
    return Described(
        whole.features[order],
        whole.are_listed[order],
        whole.are_taken[order],
        whole.offsets[order],
        starts,
    )
