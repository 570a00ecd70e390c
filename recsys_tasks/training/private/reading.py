"""A model's scores for user-days, each of which is computed as if there were no other.

Rows of a product of matrices may differ in their last bits by what stands beside them. Where a user
who comes or goes must change nothing of others, rows are multiplied one by one.
"""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.interactions import NO_ROW, Interactions
from recsys_tasks.interest_model import InterestModel, ItemFacts, UserFacts, centre_of
from recsys_tasks.interest_scorer import of_users, state_of
from recsys_tasks.training.examples import Examples, examples_of
from recsys_tasks.training.options import TrainingData
from recsys_tasks.trends import ToldDays, ToldTrends


class Reader:
    """A model on what was told of days."""

    def __init__(self, data: TrainingData, told: ToldDays, model: InterestModel) -> None:
        """Read a history.

        Args:
            data: The history.
            told: What was told of days.
            model: The model.
        """
        self._data, self._model = data, model.at(data.item_keys)
        self._trends = ToldTrends(data.catalogue, model.trend_half_lives, told)
        # One by one, as above: some of these are of what users wrote.
        self._inputs = np.concatenate([
            self._model.inputs(data.catalogue.vectors),
            *self._of_texts(data.vectors),
        ])

    def facts(self, day: int) -> ItemFacts:
        """Of the catalogue; days have to be asked for in ascending order, every one."""
        return self._trends.before(self._data.interactions, day)

    def users(self, past: Interactions, users: NDArray[np.int32], day: int) -> UserFacts:
        """What the night before a day knows of users.

        Args:
            past: What they did before the day, and nobody else.
            users: Ascending, shape (n,).
            day: The day.
        """
        weighed = self._model.weigh(past)
        state = state_of(weighed, users, self._inputs, self._model.half_lives, day - 1)
        catalogue = self._data.catalogue
        centre = centre_of(catalogue.vectors[catalogue.since < day])
        return UserFacts(self._model.interests(state, centre), state.masses)

    def scores(
        self, past: Interactions, examples: Examples, users: UserFacts, facts: ItemFacts
    ) -> NDArray[np.float32]:
        """Of all items for the user-days of a day, -inf where no list holds one: (n, n_items)."""
        scores = one_by_one(self._model.user_side(users), self._model.item_side(facts))
        scores[:, self._data.catalogue.since > examples.days[0]] = -np.inf
        has_item = past.items != NO_ROW
        rows = np.searchsorted(examples.users, past.users[has_item])
        scores[rows, past.items[has_item]] = -np.inf  # lists leave out what was touched
        return scores

    def _of_texts(self, vectors: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
        """in() of what users wrote: behind an empty catalogue the model takes it for no item."""
        model = self._model.at(self._data.item_keys[:0])
        for text in vectors[len(self._data.catalogue) :]:
            yield model.inputs(text[None])


def one_by_one(rows: NDArray[np.float32], matrix: NDArray[np.float32]) -> NDArray[np.float32]:
    """The product rows @ matrix.T, shape (n, m), every row as if it were the only one."""
    found = np.empty((len(rows), len(matrix)), np.float32)
    for place, row in enumerate(rows):
        found[place] = matrix @ row
    return found


def latest(past: Interactions, since: int, until: int, most: int) -> Examples:
    """The user-days of [since, until) with what each user first took to, the `most` latest of each.

    In ascending order of day, then user.
    """
    examples = examples_of(past, since, until)
    order = np.lexsort((-examples.days, examples.users))
    begins = np.flatnonzero(np.diff(examples.users[order], prepend=NO_ROW))
    sizes = np.diff(np.append(begins, len(order)))
    place = np.arange(len(order)) - np.repeat(begins, sizes)
    kept = np.sort(order[place < most])
    n_targets = np.diff(examples.pointers)
    is_kept = np.zeros(len(examples), np.bool_)
    is_kept[kept] = True
    return Examples(
        examples.users[kept],
        examples.days[kept],
        np.concatenate([[0], np.cumsum(n_targets[kept])]).astype(np.intp),
        examples.targets[np.repeat(is_kept, n_targets)],
    )


def by_day(
    past: Interactions, examples: Examples, days: range, at_once: int
) -> Iterator[tuple[int, list[tuple[Interactions, Examples]]]]:
    """Every day with what its users did before it, `at_once` of them together."""
    for day in days:
        before = past.before(day)
        first, last = np.searchsorted(examples.days, [day, day + 1]).tolist()
        edges = [*range(first, last, at_once), last]
        parts = (examples.between(start, stop) for start, stop in pairwise(edges))
        yield day, [(of_users(before, part.users), part) for part in parts]
