from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.linear_model import Ridge
from structlog.testing import capture_logs
from worlds import (
    Deed,
    World,
    catalogue_of,
    checkerboard,
    deeds,
    drifting_popularity,
    history_of,
)

from recsys_tasks.evaluation import Scorer, replay
from recsys_tasks.evaluation.baselines import (
    Popular,
    baselines,
    blend,
    ease,
    ials,
    item_knn,
    popularity_baselines,
)
from recsys_tasks.evaluation.baselines.tuning import Tuned
from recsys_tasks.evaluation.judging import judge
from recsys_tasks.histories import histories, user_items
from recsys_tasks.interactions import NO_ROW, Interactions
from recsys_tasks.popularity import Popularity

N_USERS, N_ITEMS, N_DAYS = 5, 6, 12
NAMES = [
    *("popular", "decayed_popular_1", "decayed_popular_3", "decayed_popular_7"),
    *("decayed_popular_14", "decayed_popular_30", "item_knn", "ials", "ease", "blend"),
]
PERSONAL: list[Callable[[], Scorer]] = [item_knn, ials, ease, lambda: blend(ease())]
half_lives = st.sampled_from([None, 0.5, 3.0])


def likes(happened: list[Deed]) -> set[tuple[int, int, int]]:
    """User, item and day of what was taken to, once a day."""
    return {
        (deed.user, deed.item, int(deed.time))
        for deed in happened
        if deed.weight > 0 and deed.item != NO_ROW
    }


def left(days: int, half_life: float | None) -> float:
    return 1.0 if half_life is None else 2 ** (-days / half_life)


@given(deeds(N_USERS, N_ITEMS, N_DAYS), half_lives, st.integers(0, N_DAYS))
def test_a_history_is_a_decayed_count_of_each_item(
    happened: list[Deed], half_life: float | None, day: int
) -> None:
    past = history_of(happened).before(day)
    expected = np.zeros((N_USERS, N_ITEMS))
    for user, item, then in likes(happened):
        if then < day:
            expected[user, item] += left(day - then, half_life)
    users = np.array([4, 0, 2], np.int32)

    found = histories(past, users, day, half_life, N_ITEMS)

    np.testing.assert_allclose(found.toarray(), expected[users], rtol=1e-6)
    ever = np.zeros_like(expected)
    ever[: user_items(past, N_ITEMS).shape[0]] = user_items(past, N_ITEMS).toarray()
    np.testing.assert_array_equal(ever, expected > 0)


@given(deeds(N_USERS, N_ITEMS, N_DAYS), half_lives, st.lists(st.integers(0, N_DAYS), max_size=5))
def test_popularity_brought_forward_is_popularity_counted_anew(
    happened: list[Deed], half_life: float | None, days: list[int]
) -> None:
    """In whatever order days are asked for."""
    history, popularity = history_of(happened), Popularity(N_ITEMS, half_life)

    for day in days:
        expected = np.zeros(N_ITEMS)
        for _, item, then in likes(happened):
            if then < day:
                expected[item] += left(day - then, half_life)
        np.testing.assert_allclose(popularity.before(history.before(day), day), expected)


@pytest.mark.parametrize("baseline", PERSONAL)
def test_checkerboard(baseline: Callable[[], Scorer]) -> None:
    """A user who took to all items of their colour but one is shown that one first."""
    world = checkerboard()

    scorer = baseline()

    met = replay(*world[:3], [scorer], world.since, world.until, targets=("new",))

    assert judge(met, "new", scorer.name, "all").hits[:, 0].all()


def with_a_newcomer(world: World, *taken: tuple[int, float]) -> Interactions:
    """The world's history before its window, and what one more user took to at which times."""
    past = world.interactions.before(world.since)
    before = zip(past.users.tolist(), past.items.tolist(), past.times.tolist(), strict=True)
    newcomer = [Deed(world.n_users, item, time) for item, time in taken]
    return history_of([*(Deed(*deed) for deed in before), *newcomer])


def first_of(scores: NDArray[np.float32], items: list[int]) -> int:
    """The best of the given items for the only user."""
    return items[int(np.argmax(scores[0, items]))]


@pytest.mark.parametrize("baseline", PERSONAL)
def test_a_user_who_came_after_the_fit_is_served_from_todays_history(
    baseline: Callable[[], Scorer],
) -> None:
    world, scorer = checkerboard(), baseline()
    scorer.fit(world.interactions.before(world.since), world.catalogue, 20)
    past = with_a_newcomer(world, (0, 20.0), (2, 20.0), (6, 20.0))

    scores = scorer.scores(past, np.array([world.n_users], np.int32), 21)

    assert first_of(scores, [1, 3, 4, 5, 7]) == 4


@pytest.mark.parametrize("baseline", [item_knn, ease])
@pytest.mark.parametrize(("half_life", "expected"), [(None, 4), (3.0, 3)])
def test_with_a_half_life_the_latest_taste_counts(
    baseline: Callable[[], Tuned[object, float | None]], half_life: float | None, expected: int
) -> None:
    """Two items of one colour long ago, one of the other colour yesterday."""
    world, tuned = checkerboard(), baseline()
    past = with_a_newcomer(world, (0, 0.0), (2, 0.0), (1, 19.0))
    tuned.fit(world.interactions.before(world.since), world.catalogue, 20)

    scores = tuned.models[20].scores(past, np.array([world.n_users], np.int32), 20, half_life)

    assert first_of(scores, [3, 4]) == expected


def test_blend_shows_decayed_popularity_to_a_user_without_a_past() -> None:
    world = drifting_popularity()
    mixed = blend(ease())
    met = replay(*world[:3], [mixed], world.since, world.until, targets=("new",))
    _, mixture = mixed.choice

    plain = replay(
        *world[:3], [Popular(mixture.half_life)], world.since, world.until, targets=("new",)
    )

    (blended,), (popular,) = (of.lists.values() for of in (met, plain))
    assert not met.user_days.history.any()
    np.testing.assert_array_equal(blended.ranked, popular.ranked)


def test_drifting_popularity() -> None:
    """What was new yesterday comes first where counts fade, and late where they do not."""
    world = drifting_popularity()
    scorers = [Popular(), Popular(1)]

    met = replay(*world[:3], scorers, world.since, world.until, targets=("new",))

    faded, whole = (met.lists["new", name].ranked for name in ("decayed_popular_1", "popular"))
    np.testing.assert_array_equal(faded[:, 0], met.user_days.days - 1)
    np.testing.assert_array_equal(whole[:, 0], 0)


def test_ease_is_a_ridge_regression_of_each_item_on_the_others() -> None:
    rng = np.random.default_rng(6)
    taken = rng.random((30, N_ITEMS)) < 0.4
    happened = [Deed(user, item, 0.0) for user, item in zip(*taken.nonzero(), strict=True)]
    linear = ease()
    l2 = linear.learnings[0]
    linear.fit(history_of(happened), catalogue_of(N_ITEMS), 1)

    scores = linear.scores(history_of(happened), np.arange(30, dtype=np.int32), 1)

    _, half_life = linear.choice
    for item in range(N_ITEMS):
        others = np.arange(N_ITEMS) != item
        ridge = Ridge(alpha=l2, fit_intercept=False).fit(taken[:, others], taken[:, item])
        expected = ridge.predict(taken[:, others]) * left(1, half_life)
        np.testing.assert_allclose(scores[:, item], expected, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("happened", [[], [Deed(0, 1, 0.0)], [Deed(0, 1, 0.0, weight=-1)]])
def test_baselines_rank_without_anything_to_learn_from(happened: list[Deed]) -> None:
    """Scores are finite, whoever is asked for, were it nobody."""
    past = history_of(happened)
    for scorer in baselines(N_ITEMS):
        scorer.fit(past, catalogue_of(N_ITEMS), 1)
        for users in ([0, 3], []):
            scores = scorer.scores(past, np.array(users, np.int32), 1)
            assert scores.shape == (len(users), N_ITEMS)
            assert scores.dtype == np.float32
            assert np.isfinite(scores).all()


def test_names_are_those_of_the_protocol() -> None:
    assert [scorer.name for scorer in baselines(N_ITEMS)] == NAMES
    assert [scorer.name for scorer in popularity_baselines()] == NAMES[:6]


def test_ease_and_blend_are_left_out_of_a_large_catalogue_and_that_is_said() -> None:
    with capture_logs() as events:
        names = [scorer.name for scorer in baselines(15_001)]

    assert names == NAMES[:-2]
    assert [event["event"] for event in events] == ["left out ease and blend"]


@settings(deadline=None, max_examples=10)
@given(deeds(N_USERS, N_ITEMS, N_DAYS), deeds(N_USERS, N_ITEMS, N_DAYS))
def test_the_future_changes_no_baselines_list(happened: list[Deed], otherwise: list[Deed]) -> None:
    """A future in which only one item is left and a future without it give the same lists.

    Everything is tuned, fitted and asked as in a backtest whose window begins on day 8; the two
    histories part on day 10.
    """
    asked = [Deed(user, user, 8.0 + day) for user in range(N_USERS) for day in range(3)]
    common = [*(deed for deed in happened if deed.time < 10), *asked]
    planted = [Deed(user, N_ITEMS - 1, 10.5) for user in range(N_USERS)]
    futures = (planted, [deed for deed in otherwise if deed.time >= 10])
    lists = []
    for future in futures:
        history = history_of([*common, *future])
        met = replay(history, catalogue_of(N_ITEMS), N_USERS, baselines(N_ITEMS), 8, N_DAYS)
        until = met.user_days.days <= 10
        lists.append({key: of.ranked[until].tolist() for key, of in met.lists.items()})

    assert lists[0] == lists[1]
    assert len(lists[0]["new", "blend"]) == 3 * N_USERS
