import numpy as np
from numpy.typing import NDArray
from worlds import Deed, catalogue_of, drifting_popularity, history_of

from recsys_tasks.evaluation.baselines.tuning import MAX_DAYS, Tuned, tuning_since
from recsys_tasks.interactions import Catalogue, Interactions
from recsys_tasks.popularity import Popularity


class Noted:
    """A way to learn that notes the days it learnt from; its model reads popularity."""

    def __init__(self) -> None:
        self.learnt: list[tuple[int, float]] = []

    def __call__(
        self, past: Interactions, catalogue: Catalogue, day: int, learning: str
    ) -> "Counts":
        """Learn in one way from what precedes `day`."""
        self.learnt.append((day, float(past.times.max(initial=-1))))
        return Counts(len(catalogue), of_use=learning == "counts")


class Counts:
    """Popularity at the half-life that it is read with, or nothing."""

    def __init__(self, n_items: int, *, of_use: bool) -> None:
        self.n_items, self.of_use = n_items, of_use

    def scores(
        self, past: Interactions, users: NDArray[np.int32], day: int, reading: float | None
    ) -> NDArray[np.float32]:
        """The same row for every user."""
        counts = self.of_use * Popularity(self.n_items, reading).before(past, day)
        return np.tile(counts.astype(np.float32), (len(users), 1))


def test_tuning_chooses_what_ranks_best_on_the_days_before() -> None:
    """And learns for that from what precedes them, then anew from all, once and for all."""
    world, learn = drifting_popularity(), Noted()
    tuned = Tuned("counts", learn, ("nothing", "counts"), (None, 1.0, 30.0))
    past = world.interactions.before(world.since)
    tuning = tuning_since(past, world.since)

    tuned.fit(past, world.catalogue, world.since)
    tuned.fit(world.interactions.before(world.since + 1), world.catalogue, world.since + 1)

    assert tuned.chosen == ("counts", 1.0)
    assert learn.learnt == [
        (tuning, tuning - 1.0),
        (tuning, tuning - 1.0),
        (world.since, world.since - 1.0),
        (world.since + 1, float(world.since)),
    ]


def test_without_days_to_tune_on_the_first_choice_stands() -> None:
    tuned = Tuned("counts", Noted(), ("counts", "nothing"), (7.0, None))

    tuned.fit(history_of([]), catalogue_of(3), 5)

    assert tuned.chosen == ("counts", 7.0)


def test_tuning_days_are_the_last_tenth_and_no_more_than_four_weeks() -> None:
    even = history_of([Deed(0, 0, float(day)) for day in range(100)])
    sparse = history_of([Deed(0, 0, float(10 * day)) for day in range(100)])

    assert tuning_since(even, 100) == 90
    assert tuning_since(sparse, 1000) == 1000 - MAX_DAYS
    assert tuning_since(history_of([]), 7) == 7
