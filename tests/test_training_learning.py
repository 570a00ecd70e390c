"""A training as a whole: seeded, resumed after a kill, honest to itself, and kept when repeated."""

from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import sparse
from tastes import OPTIONS, Act, Tastes, data_of, texts_of

from recsys_tasks.cooccurrence import Cooccurrence, cooccurrence
from recsys_tasks.evaluation.user_days import UserDays
from recsys_tasks.histories import user_items
from recsys_tasks.interactions import Catalogue, Interactions
from recsys_tasks.interest_model import InterestModel, Learned
from recsys_tasks.reranking import Groups
from recsys_tasks.reranking.describing import Describer
from recsys_tasks.training import (
    INTEREST,
    RERANKED,
    Fitting,
    SharedTraining,
    TrainedScorer,
    Training,
    TrainingData,
    TrainingOptions,
    learning,
    train,
)
from recsys_tasks.training.ranked_days import ranked_days

UNTIL = 24


@pytest.fixture(scope="module")
def data() -> TrainingData:
    return Tastes(n_users=25, n_items=60, n_days=UNTIL + 4).data()


@pytest.fixture(scope="module")
def training(data: TrainingData) -> Training:
    return train(data, UNTIL, OPTIONS)


def assert_same(training: Training, other: Training) -> None:
    """In every bit of both stages, and in all that was decided."""
    for field in fields(Learned):
        found, expected = (getattr(each.model, field.name) for each in (training, other))
        np.testing.assert_array_equal(found, expected)
    assert training.choice == other.choice
    assert training.second_stage is not None
    assert other.second_stage is not None
    assert training.second_stage.trees == other.second_stage.trees
    for found, expected in zip(
        training.second_stage.together, other.second_stage.together, strict=True
    ):
        np.testing.assert_array_equal(found.toarray(), expected.toarray())


def test_equal_seeds_give_equal_bits(data: TrainingData, training: Training) -> None:
    assert_same(train(data, UNTIL, OPTIONS), training)


def test_what_happens_later_changes_no_bit(data: TrainingData, training: Training) -> None:
    happened = data.interactions
    is_later = happened.times >= UNTIL
    items = np.where(is_later, 1, happened.items).astype(np.int32)
    types = np.where(is_later, 7, happened.types).astype(np.int16)
    changed = replace(data, interactions=replace(happened, items=items, types=types))

    assert_same(train(changed, UNTIL, OPTIONS), training)


def test_both_stages_find_tastes(training: Training) -> None:
    found = training.choice.validation

    assert min(found[INTEREST], found[RERANKED]) > 1.3 * found["decayed_popular_7"]
    assert training.facts.has_second_stage
    assert training.facts.passes == training.choice.n_passes > 0


class Killed(BaseException):
    """The process ends."""


@pytest.mark.parametrize("killed_in", [2, 5, 8])
def test_a_killed_training_goes_on_to_the_same_bits(
    data: TrainingData,
    training: Training,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    killed_in: int,
) -> None:
    """Killed in a fit whose passes choose the best, or in the last one, on everything."""
    options = replace(OPTIONS, checkpoint=tmp_path / "checkpoint")
    passes = PassCounter(killed_in)
    monkeypatch.setattr(Fitting, "_pass", passes.count)
    with pytest.raises(Killed):
        train(data, UNTIL, options)
    n_done, passes.killed_in = passes.n - 1, 0

    assert_same(train(data, UNTIL, options), training)
    undisturbed = PassCounter(0)
    monkeypatch.setattr(Fitting, "_pass", undisturbed.count)
    train(data, UNTIL, OPTIONS)
    assert n_done == killed_in - 1
    assert passes.n - 1 == undisturbed.n  # none but the one that was cut off was gone through twice


class PassCounter:
    """Counts the passes of all fits, and ends the process in one of them."""

    original = staticmethod(Fitting._pass)

    def __init__(self, killed_in: int) -> None:
        """Begin; 0 lets the process live."""
        self.n, self.killed_in = 0, killed_in

    @property
    def count(self) -> object:
        """Takes the place of `Fitting._pass`."""

        def counted(fitting: Fitting, number: int) -> None:
            self.n += 1
            if self.n == self.killed_in:
                raise Killed
            self.original(fitting, number)

        return counted


class Seen(NamedTuple):
    """What a training handed on, in days."""

    fits: list[int]
    described_by: list[int]
    counted_until: list[float]
    asked: list[int]


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> Seen:
    """Watches a training."""
    seen = Seen([], [], [], [])
    init = Fitting.__init__

    def fit(self: Fitting, data: TrainingData, until: int, options: TrainingOptions) -> None:
        init(self, data, until, options)
        seen.fits.append(until)
        assert (self._read.past.times < until).all()

    def count(past: Interactions, n_items: int) -> sparse.csr_matrix:
        seen.counted_until.append(float(past.times.max()))
        return user_items(past, n_items)

    def rank(
        describer: Describer, interactions: Interactions, user_days: UserDays, n_items: int
    ) -> Groups:
        seen.asked.extend(np.unique(user_days.days).tolist())
        return ranked_days(describer, interactions, user_days, n_items)

    class Watched(Describer):
        def __init__(
            self,
            model: InterestModel,
            together: Cooccurrence,
            vectors: NDArray[np.float32],
            catalogue: Catalogue,
            day: int,
        ) -> None:
            super().__init__(model, together, vectors, catalogue, day)
            seen.described_by.append(day)

    monkeypatch.setattr(Fitting, "__init__", fit)
    monkeypatch.setattr(learning, "user_items", count)
    monkeypatch.setattr(learning, "ranked_days", rank)
    monkeypatch.setattr(learning, "Describer", Watched)
    return seen


def test_the_second_stage_learns_from_days_that_what_describes_them_has_not_seen(
    data: TrainingData, seen: Seen
) -> None:
    """The first stage and co-occurrence are of what precedes the first day that is ranked again."""
    train(data, UNTIL, OPTIONS)
    cut = min(seen.asked)

    assert set(seen.fits[:-1]) == {cut}
    assert seen.fits[-1] == UNTIL
    assert seen.described_by == [cut]
    assert seen.counted_until[0] < cut
    assert max(seen.asked) < UNTIL
    assert 0 < cut < UNTIL


def test_a_second_training_keeps_what_was_chosen(data: TrainingData, training: Training) -> None:
    told: list[str] = []
    again = train(data, UNTIL + 3, OPTIONS, training.choice, told.append)

    assert again.choice is training.choice
    assert told == ["learning from everything"]
    assert (again.model.p_out != training.model.p_out).any()


def test_variants_share_one_training_a_day(data: TrainingData, seen: Seen) -> None:
    """Both are fitted twice, a week apart: the second time nothing is chosen."""
    shared = SharedTraining(data, OPTIONS)
    for day in (UNTIL - 3, UNTIL):
        for scorer in [TrainedScorer(name, shared) for name in (INTEREST, RERANKED)]:
            past = data.interactions.before(day)
            scorer.fit(past, data.catalogue, day)
            assert scorer.scores(past, np.arange(3, dtype=np.int32), day).shape == (3, 60)

    assert seen.fits[-2:] == [UNTIL - 3, UNTIL]
    assert max(seen.fits[:-2]) < UNTIL - 3


def test_there_is_no_second_stage_unless_asked_for(data: TrainingData) -> None:
    training = train(data, UNTIL, replace(OPTIONS, second_stage=False))

    assert training.second_stage is None
    assert RERANKED not in training.choice.validation


def crowds(sizes: Sequence[int]) -> TrainingData:
    """So many users on each of successive days, each with an item of its colour."""
    rng = np.random.default_rng(0)
    acts = [
        Act(user, int(2 * rng.integers(20) + user % 2), day + 0.5)
        for day, size in enumerate(sizes)
        for user in range(size)
    ]
    return data_of(acts, texts_of(np.arange(40) % 2))


@pytest.mark.parametrize(
    "sizes",
    [[1], [2, 1], [1, 1, 1, 1, 1], [100], [100, 100, 2], [1, 1, 300], [60] * 5, [5] * 3 + [200, 5]],
)
def test_a_training_survives_any_crowd(sizes: list[int]) -> None:
    """A single interaction, one day, most of it on one day, too few for a second stage."""
    data = crowds(sizes)
    training = train(data, len(sizes), OPTIONS)

    for field in fields(Learned):
        assert np.isfinite(getattr(training.model, field.name)).all()
    assert np.isfinite(list(training.choice.validation.values())).all()


def test_without_a_past_there_is_a_training_that_learned_nothing() -> None:
    training = train(crowds([3]), 0, OPTIONS)

    assert training.facts.examples == 0
    assert training.choice.validation == {}
    assert training.second_stage is None


def test_items_that_speak_for_each_other_are_those_of_the_whole_past(
    data: TrainingData, training: Training
) -> None:
    past = data.interactions.before(UNTIL)
    expected = cooccurrence(user_items(past, len(data.catalogue)))
    assert training.second_stage is not None

    for found, matrix in zip(training.second_stage.together, expected, strict=True):
        np.testing.assert_array_equal(found.toarray(), matrix.toarray())
