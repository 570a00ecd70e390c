"""Lists of users with few events, in the order that a language model's word gives them too."""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.language import mixed_order
from recsys_tasks.ranking import Lists
from recsys_tasks.steps.rank.variants import Shown
from recsys_tasks.warehouse import Session


class Word(NamedTuple):
    """What was said of the first entries of a user's list; shape (n,) each.

    Attributes:
        item_keys: The entries, by score.
        lifts: How much likelier what the user did makes each title; nan for none.
    """

    item_keys: NDArray[np.int32]
    lifts: NDArray[np.float32]


Words = dict[int, Word]  # by key of the user


def read_words(
    session: Session, night: date, user_keys: NDArray[np.int32], group: Sequence[Shown]
) -> Words:
    """What a night was told of some users; nothing where no variant asks for it."""
    if not any(variant.language for variant in group):
        return {}
    rows = session.rows("lifts_of_users", night=night, user_keys=user_keys.tolist())
    return {
        user: Word(np.array(items, np.int32), np.array(lifts, np.float32))
        for user, items, lifts in rows
    }


def worded(
    words: Words,
    item_keys: NDArray[np.int32],
    weight: float,
    lists: Lists,
    user_keys: NDArray[np.int32],
) -> Lists:
    """The same lists, the first entries of those of whom something was said in the mixed order.

    Args:
        words: A list whose first entries are not those that were asked about stays as it is.
        item_keys: By row of the item.
        weight: Of what was said.
        lists: Of n users, best first.
        user_keys: Of the users, shape (n,).
    """
    if not (weight and words):
        return lists
    rows, scores = lists.rows.copy(), lists.scores.copy()
    for place, user in enumerate(user_keys.tolist()):
        word = words.get(user)
        n = 0 if word is None else len(word.item_keys)
        first = rows[place, :n]
        if word is None or not np.array_equal(item_keys[first], word.item_keys):
            continue
        order = mixed_order(scores[place, :n], word.lifts, weight)
        rows[place, :n], scores[place, :n] = first[order], scores[place, :n][order]
    return Lists(rows, scores)
