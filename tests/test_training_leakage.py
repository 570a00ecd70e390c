"""Nothing of a day, or of what follows it, reaches the scores that are made for it."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from tastes import DIM, OPTIONS, Act, Tastes, data_of, texts_of

from recsys_tasks.evaluation.baselines import baselines
from recsys_tasks.evaluation.judging import judge
from recsys_tasks.evaluation.metrics import ndcg
from recsys_tasks.evaluation.protocol import Scorer, replay
from recsys_tasks.interactions import NO_ROW
from recsys_tasks.interest_scorer import InterestScorer
from recsys_tasks.training import INTEREST, RERANKED, SharedTraining, TrainedScorer, TrainingData

WORLD: Final = Tastes(n_users=24, n_items=60, n_days=22, share=0.7)
DAY: Final = 20  # that lists are made for
N_FUTURE: Final = 10  # items that appear after it
N_USERS: Final = WORLD.n_users
BASE: Final = [act for act in WORLD.acts() if act.item < WORLD.n_items - N_FUTURE]
PLANT: Final = 9  # key of an event type that nobody used before the day


def data_with(
    happened: Sequence[Act],
    hints: NDArray[np.float32] | None = None,
    future: NDArray[np.float32] | None = None,
) -> TrainingData:
    """The world.

    Args:
        happened: In it.
        hints: Vectors of texts that nobody wrote before the day, (WORLD.n_items, DIM).
        future: Vectors of the last N_FUTURE items, which appear after the day.
    """
    vectors = texts_of(WORLD.groups)
    if future is not None:
        vectors[-N_FUTURE:] = future
    since = np.zeros(WORLD.n_items, np.int32)
    since[-N_FUTURE:] = DAY + 1
    texts = np.ones((WORLD.n_items, DIM), np.float32) if hints is None else hints
    return data_of(happened, vectors, since, texts)


def scorers_of(data: TrainingData) -> list[Scorer]:
    """Every variant and every baseline."""
    shared = SharedTraining(data, OPTIONS)
    return [
        InterestScorer("content", data.zero_shot, data.vectors),
        *(TrainedScorer(name, shared) for name in (INTEREST, RERANKED)),
        *baselines(len(data.catalogue)),
    ]


def ndcg_of(data: TrainingData) -> dict[str, float]:
    """On the one day, both targets."""
    scorers = scorers_of(data)
    met = replay(data.interactions, data.catalogue, N_USERS, scorers, DAY, DAY + 1, ks=(10,))
    found = {}
    for target, name in met.lists:
        lists = judge(met, target, name, "all")
        found[f"{name} {target}"] = float(ndcg(lists.hits, lists.n_relevant).mean())
    return found


def test_no_variant_finds_a_planted_signal_of_the_day_and_later() -> None:
    """Before each user takes to an item, a new event type with a new text names that very item.

    And the items that appear later are described as the day's items are.
    (A day earlier such texts are found: test_what_users_write_tells_tastes.)
    """
    honest = [act for act in BASE if act.time < DAY + 1]
    taken = [act for act in honest if act.time >= DAY]
    plants = [
        Act(act.user, item, time, weight=0.0, kind=PLANT, text=act.item)
        for act in taken
        for item in (act.item, NO_ROW)
        for time in (DAY, act.time - 0.25, DAY + 1.5)
    ]
    named = texts_of(WORLD.groups, noise=0.0)
    future = named[[act.item for act in taken]][:N_FUTURE]
    without = ndcg_of(data_with(honest))
    planted = ndcg_of(data_with([*honest, *plants], named, future))

    assert planted == without
    assert len(planted) == 2 * len(scorers_of(data_with(honest)))
    assert len(taken) > 10


def scores_of(data: TrainingData) -> dict[str, NDArray[np.float32]]:
    """Of every scorer for every user, after a fit on what precedes the day."""
    users = np.arange(N_USERS, dtype=np.int32)
    past = data.interactions.before(DAY)
    found = {}
    for scorer in scorers_of(data):
        scorer.fit(past, data.catalogue, DAY)
        found[scorer.name] = scorer.scores(past, users, DAY)
    return found


@pytest.fixture(scope="module")
def expected() -> dict[str, NDArray[np.float32]]:
    return scores_of(data_with(BASE))


later = st.builds(
    Act,
    user=st.integers(0, N_USERS - 1),
    item=st.integers(NO_ROW, WORLD.n_items - 1),
    time=st.integers(4 * DAY, 4 * DAY + 12).map(lambda quarter: quarter / 4),
    weight=st.sampled_from([1.0, 5.0, 0.0, -1.0]),
    kind=st.sampled_from([1, 2, PLANT]),
    text=st.integers(NO_ROW, WORLD.n_items - 1),
)


@given(st.lists(later, max_size=30), st.integers(0, 100))
@settings(max_examples=5)
def test_another_future_changes_no_bit_of_any_score(
    expected: dict[str, NDArray[np.float32]], otherwise: list[Act], seed: int
) -> None:
    """Other events from the day on, other texts in them, other items that appear after it."""
    rng = np.random.default_rng(seed)
    hints = rng.normal(size=(WORLD.n_items, DIM)).astype(np.float32)
    future = rng.normal(size=(N_FUTURE, DIM)).astype(np.float32)
    before = [act for act in BASE if act.time < DAY]
    found = scores_of(data_with([*before, *otherwise], hints, future))
    n_existing = WORLD.n_items - N_FUTURE

    assert found.keys() == expected.keys()
    for name, scores in found.items():
        np.testing.assert_array_equal(scores[:, :n_existing], expected[name][:, :n_existing], name)
