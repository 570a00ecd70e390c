"""What is learned does not lose: on worlds unlike each other, against the best decayed popularity.

A variant may lie below it by two standard errors of the paired difference, and by no more.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

import numpy as np
import pytest
from numpy.typing import NDArray
from tastes import DIM, OPTIONS, Act, Tastes, data_of, texts_of

from recsys_tasks.evaluation.baselines import popularity_baselines
from recsys_tasks.evaluation.judging import judge
from recsys_tasks.evaluation.metrics import ndcg
from recsys_tasks.evaluation.protocol import Scorer, replay
from recsys_tasks.training import INTEREST, RERANKED, SharedTraining, TrainedScorer, TrainingData

VARIANTS: Final = (INTEREST, RERANKED)


def hits_of_the_week(n_days: int, n_items: int, rng: np.random.Generator) -> Callable[[float], int]:
    """Draws an item that is popular on a day; what is popular turns over in some ten days."""
    order = rng.permutation(n_items)

    def draw(day: float) -> int:
        shift = int(day * n_items / n_days / 3)
        return int(order[(shift + int(rng.exponential(6))) % n_items])

    return draw


def small_catalogue() -> TrainingData:
    """150 items, and tastes that hold."""
    return Tastes(n_items=150, share=0.7).data()


def renewed_every_week() -> TrainingData:
    """No item is older than a week; texts tell tastes."""
    rng = np.random.default_rng(1)
    groups, weeks = np.arange(200) % 4, np.arange(200) // 40
    acts = []
    for day in range(30):
        for user in range(40):
            fits = (weeks == day // 6) & (groups == user % 4)
            acts.append(Act(user, int(rng.choice(np.flatnonzero(fits))), day + 0.5))
    return data_of(acts, texts_of(groups), weeks * 6)


def without_text() -> TrainingData:
    """Tastes, and no word about any item."""
    return Tastes(share=0.7).data(has_text=False)


def noise_for_text() -> TrainingData:
    """Vectors of an encoder that does not know the language; what is popular decides."""
    rng = np.random.default_rng(2)
    vectors = rng.normal(size=(150, DIM))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    draw = hits_of_the_week(30, 150, rng)
    acts = [Act(user, draw(day), day + 0.5) for day in range(30) for user in range(40)]
    return data_of(acts, vectors.astype(np.float32))


def one_visit_a_user() -> TrainingData:
    """Nobody comes back."""
    data = noise_for_text()
    users = np.arange(len(data.interactions), dtype=np.int32)
    return replace(data, interactions=replace(data.interactions, users=users))


def dates_by_the_month() -> TrainingData:
    """All that happens in a month carries the date of its first day."""
    data = noise_for_text()
    times = np.floor(data.interactions.times / 2) * 30
    return replace(data, interactions=replace(data.interactions, times=times))


def thirty_user_days(seed: int) -> TrainingData:
    """Too few to learn anything from: one a day, of six users."""
    rng = np.random.default_rng(seed)
    draw = hits_of_the_week(30, 40, rng)
    acts = [Act(int(rng.integers(6)), draw(day), day + 0.5) for day in range(30)]
    return data_of(acts, texts_of(rng.integers(DIM, size=40)))


@pytest.mark.parametrize(
    "world",
    [
        small_catalogue,
        renewed_every_week,
        without_text,
        noise_for_text,
        one_visit_a_user,
        dates_by_the_month,
    ],
    ids=lambda world: world.__name__,
)
def test_what_is_learned_is_level_with_the_best_decayed_popularity(
    world: Callable[[], TrainingData],
) -> None:
    data = world()
    days = np.unique(data.interactions.days)
    values = last_days(data, int(days[-len(days) // 5]), int(days[-1]) + 1)
    rivals = {name: found for name, found in values.items() if name not in VARIANTS}
    best = max(rivals.values(), key=np.mean)

    for name in VARIANTS:
        assert_level(values[name], best)


def test_thirty_user_days_cost_nothing() -> None:
    """Nothing can be chosen on so few, so it is level with decayed popularity of any half-life.

    Over sixteen worlds of thirty user-days each.
    """
    worlds = [last_days(thirty_user_days(seed), 22, 30) for seed in range(16)]
    values = {name: np.concatenate([world[name] for world in worlds]) for name in worlds[0]}
    decayed = [found for name, found in values.items() if name.startswith("decayed")]

    for name in VARIANTS:
        assert_level(values[name], np.mean(decayed, axis=0))


def assert_level(values: NDArray[np.float64], rival: NDArray[np.float64]) -> None:
    """Within two standard errors of the paired difference."""
    difference = values - rival
    assert len(difference) >= 100
    assert difference.mean() >= -2 * difference.std() / np.sqrt(len(difference))


def last_days(data: TrainingData, since: int, until: int) -> dict[str, NDArray[np.float64]]:
    """NDCG@10 of each user-day, target `new`, by variant or baseline."""
    shared = SharedTraining(data, OPTIONS)
    scorers: list[Scorer] = [
        *(TrainedScorer(name, shared) for name in VARIANTS),
        *popularity_baselines(),
    ]
    n_users = int(data.interactions.users.max()) + 1
    met = replay(
        data.interactions,
        data.catalogue,
        n_users,
        scorers,
        since,
        until,
        ks=(10,),
        targets=("new",),
    )
    lists = {scorer.name: judge(met, "new", scorer.name, "all") for scorer in scorers}
    return {name: ndcg(each.hits, each.n_relevant) for name, each in lists.items()}
