"""Sorting once a day, and reading a day alone, give what ranking every user alone gives."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from served_days import Plain, ScoredLists, met_on
from worlds import UNKNOWN, Deed, catalogue_of, deeds, drifting_popularity, history_of

from recsys_tasks.evaluation import (
    METRICS,
    SEGMENTS,
    TARGETS,
    ReadyLists,
    Replay,
    Scorer,
    natures,
    replay,
)
from recsys_tasks.evaluation import listing as room
from recsys_tasks.evaluation.baselines import Popular, popularity_baselines
from recsys_tasks.evaluation.judging import cut, judge, part_of
from recsys_tasks.evaluation.measuring import Measuring, cuts
from recsys_tasks.evaluation.touched import Touched
from recsys_tasks.evaluation.user_days import UserDays, days_since, of_one_day, user_days
from recsys_tasks.interactions import NEVER, NO_ROW, Catalogue, Interactions

N_USERS, N_ITEMS, N_DAYS, DAY = 5, 6, 12, 9
SCORES = st.sampled_from([-np.inf, -1.0, -0.0, 0.0, 0.5, 2.0])
ROWS = st.lists(SCORES, min_size=N_ITEMS, max_size=N_ITEMS)
SINCE = st.lists(
    st.sampled_from([UNKNOWN, 0, 5, DAY, DAY + 1, NEVER]), min_size=N_ITEMS, max_size=N_ITEMS
)
HAPPENED = st.tuples(deeds(N_USERS, N_ITEMS, DAY), deeds(N_USERS, N_ITEMS, 1)).map(
    lambda parts: [*parts[0], *(deed._replace(time=deed.time + DAY) for deed in parts[1])]
)


@dataclass(frozen=True)
class Alike:
    """Scores everyone alike, and says so."""

    row: list[float]
    name: str = "alike"

    def fit(self, past: Interactions, catalogue: Catalogue, day: int) -> None:
        """Nothing to learn."""

    def shared_scores(self, past: Interactions, day: int) -> NDArray[np.float32]:
        """The row."""
        del past, day
        return np.array(self.row, np.float32)

    def scores(self, past: Interactions, users: NDArray[np.int32], day: int) -> NDArray[np.float32]:
        """The row of each."""
        return np.tile(self.shared_scores(past, day), (len(users), 1))


@st.composite
def published(draw: st.DrawFn) -> list[ReadyLists]:
    """Lists of one or two variants, short ones, with gaps, and users without one."""
    whose = np.array(draw(st.lists(st.integers(0, 2), min_size=N_USERS, max_size=N_USERS)))
    found = []
    for number, name in enumerate(("one", "other")):
        users = np.flatnonzero(whose == number).astype(np.int32)
        orders = [draw(st.permutations(range(N_ITEMS))) for _ in users]
        ranked = np.array(orders, np.int32).reshape(len(users), N_ITEMS)
        gaps = draw(st.lists(st.booleans(), min_size=ranked.size, max_size=ranked.size))
        ranked[np.array(gaps, np.bool_).reshape(ranked.shape)] = NO_ROW
        found.append(ReadyLists(name, users, ranked[:, : draw(st.integers(0, N_ITEMS))]))
    return found


def assert_same(met: Replay, expected: Replay) -> None:
    """Every list, and all that is known of it, to the bit."""
    assert met.lists.keys() == expected.lists.keys()
    for key, lists in met.lists.items():
        for name, part, wanted in zip(lists._fields, lists, expected.lists[key], strict=True):
            np.testing.assert_array_equal(part, wanted, err_msg=f"{key} {name}")
    np.testing.assert_array_equal(met.popularity, expected.popularity)
    np.testing.assert_array_equal(met.total, expected.total)
    assert_same_truth(met.user_days, expected.user_days)


def assert_same_truth(truth: UserDays, expected: UserDays) -> None:
    for name, part in vars(truth).items():
        np.testing.assert_array_equal(part, getattr(expected, name), err_msg=name)


@settings(deadline=None)
@given(HAPPENED, SINCE, ROWS, st.integers(1, 8))
def test_a_shared_ranking_is_that_of_every_user_alone(
    happened: list[Deed], since: list[int], row: list[float], k: int
) -> None:
    """Ties, -inf, items that do not exist, all or nothing touched."""
    history = history_of([*happened, Deed(0, 0, DAY)])
    catalogue, window = catalogue_of(N_ITEMS, since=since), (3, N_DAYS)

    plain = replay(history, catalogue, N_USERS, [Plain(Alike(row))], *window, ks=(k,))

    met = replay(history, catalogue, N_USERS, [Alike(row)], *window, ks=(k,))

    assert_same(met, plain)


@settings(deadline=None)
@given(HAPPENED, SINCE, published())
def test_a_served_day_is_judged_as_a_replay_of_everything_judges_it(
    happened: list[Deed], since: list[int], lists: list[ReadyLists]
) -> None:
    """Published lists as rows of scores, and baselines ranked for every user."""
    history = history_of([*happened, Deed(0, 0, DAY)])
    catalogue = catalogue_of(N_ITEMS, since=since)
    scorers: list[Scorer] = [
        *(ScoredLists(each, N_ITEMS) for each in lists),
        *(Plain(scorer) for scorer in popularity_baselines()),
    ]
    expected = replay(history, catalogue, N_USERS, scorers, DAY, DAY + 1)

    met = met_on(history, catalogue, N_USERS, DAY, lists, popularity_baselines())

    assert_same(met, expected)


@settings(deadline=None)
@given(HAPPENED, SINCE)
def test_the_truth_of_a_day_needs_its_users_alone(happened: list[Deed], since: list[int]) -> None:
    history, catalogue = history_of(happened), catalogue_of(N_ITEMS, since=since)
    expected = user_days(history, catalogue, N_USERS, DAY, DAY + 1)
    liked = [deed for deed in happened if deed.weight > 0 and deed.item != NO_ROW]
    on_day = [deed for deed in liked if int(deed.time) == DAY]
    users, rows = np.unique([deed.user for deed in on_day], return_inverse=True)
    earlier = [deed.user for deed in happened if deed.time < DAY]
    first = np.full(N_ITEMS, NEVER, np.int32)
    for deed in liked:
        if deed.time < DAY:
            first[deed.item] = min(first[deed.item], int(deed.time))

    truth = of_one_day(
        DAY,
        rows,
        np.array([deed.item for deed in on_day], np.int32),
        np.array([earlier.count(user) for user in users], np.int32),
        Touched.of(history.before(DAY), users.astype(np.int32), N_ITEMS),
        days_since(catalogue, first),
    )

    assert_same_truth(replace(truth, users=users[truth.users].astype(np.int32)), expected)


@pytest.mark.parametrize("at_once", [1, 2, 3, 4096])
def test_user_days_of_any_number_at_once_agree(
    monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    world = drifting_popularity()
    scorers = [Popular(), Popular(1)]
    plain = replay(*world[:3], [Plain(each) for each in scorers], world.since, world.until)
    monkeypatch.setattr(room, "AT_ONCE", at_once)

    assert_same(replay(*world[:3], scorers, world.since, world.until), plain)


def test_a_shared_nan_is_an_error() -> None:
    with pytest.raises(ValueError, match="alike scored nan on day 1"):
        replay(history_of([Deed(0, 0, 1.0)]), catalogue_of(1), 1, [Alike([np.nan])], 0, 2)


@settings(deadline=None, max_examples=50)
@given(HAPPENED, ROWS)
def test_a_metric_in_a_segment_is_its_definition_on_all_lists_there(
    happened: list[Deed], row: list[float]
) -> None:
    """To the bit, though lists that hit nothing are not measured, and their nature once."""
    vectors = np.eye(N_ITEMS)[[0, 0, 1, 2, 2, 3]] * (np.arange(N_ITEMS) > 0)[:, None]
    catalogue = catalogue_of(N_ITEMS, since=[UNKNOWN, UNKNOWN, 0, 0, 5, 8], vectors=vectors)
    history = history_of([*happened, Deed(0, 0, DAY)])
    met = replay(history, catalogue, N_USERS, [Alike(row), Popular()], 3, N_DAYS, ks=(2, 4))

    for target in TARGETS:
        measuring = Measuring(met, target, "alike")
        for segment in SEGMENTS:
            found = measuring.values(part_of(met, target, segment))
            judged = judge(met, target, "alike", segment)
            assert list(found) == list(cuts(met, METRICS))
            for (name, k), values in found.items():
                expected = METRICS[name].measure(judged if k is None else cut(judged, k))
                np.testing.assert_array_equal(values, expected, err_msg=f"{name} {k} {segment}")


@pytest.mark.parametrize("is_clash", [False, True])
def test_lists_are_told_apart_even_where_their_sums_are_one(
    monkeypatch: pytest.MonkeyPatch, *, is_clash: bool
) -> None:
    """By their items in their order, and by the day."""
    ranked = np.array([[1, 2], [2, 1], [1, 2], [1, NO_ROW], [1, 2]], np.int32)
    days = np.array([3, 3, 3, 3, 4], np.int32)
    if is_clash:
        monkeypatch.setattr(natures, "_sums", lambda ranked, _: np.zeros(len(ranked)))

    first, which = natures.distinct(ranked, days)

    np.testing.assert_array_equal(ranked[first][which], ranked)
    np.testing.assert_array_equal(days[first][which], days)
    assert len(first) == (5 if is_clash else 4)
