from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from worlds import (
    Deed,
    catalogue_of,
    deeds,
    drifting_popularity,
    history_of,
    repeaters,
)

from recsys_tasks.errors import NothingToEvaluate
from recsys_tasks.evaluation import Replay, protocol, replay
from recsys_tasks.evaluation.baselines import Popular
from recsys_tasks.evaluation.judging import judge
from recsys_tasks.evaluation.user_days import Target
from recsys_tasks.interactions import NO_ROW, Catalogue, Interactions

N_USERS, N_ITEMS, N_DAYS = 5, 6, 12


@dataclass
class Fixed:
    """A scorer with one row of scores for everyone, which notes what it is asked."""

    row: list[float]
    name: str = "fixed"
    fitted: list[int] = field(default_factory=list)
    asked: list[tuple[int, int]] = field(default_factory=list)

    def fit(self, past: Interactions, catalogue: Catalogue, day: int) -> None:
        """Note the day."""
        assert (past.times < day).all()
        assert len(catalogue) == len(self.row)
        self.fitted.append(day)

    def scores(self, past: Interactions, users: NDArray[np.int32], day: int) -> NDArray[np.float32]:
        """Note who is asked for."""
        assert (past.times < day).all()
        self.asked += [(day, user) for user in users.tolist()]
        return np.tile(np.array(self.row, np.float32), (len(users), 1))


def lists_of(met: Replay, target: Target, name: str) -> dict[tuple[int, int], list[int]]:
    """The list of each day and user."""
    ranked = met.lists[target, name].ranked.tolist()
    keys = zip(met.user_days.days.tolist(), met.user_days.users.tolist(), strict=True)
    return dict(zip(keys, ranked, strict=True))


def test_target_new_leaves_touched_items_out_and_all_leaves_nothing_out() -> None:
    """A dislike and a like both touch."""
    past = [Deed(0, 3, 0.0), Deed(0, 2, 1.0, weight=-1)]
    history = history_of([*past, Deed(0, 3, 5.0), Deed(0, 1, 5.0)])

    met = replay(history, catalogue_of(4), 1, [Fixed([1, 2, 3, 4])], 5, 6, ks=(4,))

    assert lists_of(met, "new", "fixed") == {(5, 0): [1, 0, NO_ROW, NO_ROW]}
    assert lists_of(met, "all", "fixed") == {(5, 0): [3, 2, 1, 0]}
    assert judge(met, "new", "fixed", "all").hits.tolist() == [[True, False, False, False]]
    assert judge(met, "all", "fixed", "all").hits.tolist() == [[True, False, True, False]]


def test_repeaters_are_found_by_target_all_alone() -> None:
    """What users take to every day is the best list for `all`, and no item of it is for `new`."""
    world = repeaters(n=4)

    met = replay(*world[:3], [Popular()], world.since, world.until, ks=(4,))

    repeated, fresh = judge(met, "all", "popular", "all"), judge(met, "new", "popular", "all")
    assert repeated.n_relevant.tolist() == [2] * 4
    assert fresh.n_relevant.tolist() == [1] * 4
    assert (repeated.ranked != NO_ROW).all()
    assert (fresh.ranked != NO_ROW).sum(axis=1).tolist() == [3] * 4
    own = fresh.ranked == np.arange(4)[:, None]
    assert not own.any()


def test_items_that_do_not_exist_yet_are_not_listed() -> None:
    """Those that arrive on the day are; one that somebody took to too early stays a miss."""
    history = history_of([Deed(0, 0, 3.0), Deed(0, 2, 3.0), Deed(0, 1, 4.0)])

    met = replay(history, catalogue_of(3, since=[0, 3, 4]), 1, [Fixed([1, 2, 3])], 3, 5, ks=(3,))

    assert lists_of(met, "all", "fixed") == {(3, 0): [1, 0, NO_ROW], (4, 0): [2, 1, 0]}
    assert judge(met, "all", "fixed", "all").n_relevant.tolist() == [2, 1]
    assert met.lists["all", "fixed"].wins.tolist() == [0, 0, 0.5]


@pytest.mark.parametrize("batch_size", [1, 2, 3, 512])
def test_batches_of_any_size_agree(monkeypatch: pytest.MonkeyPatch, batch_size: int) -> None:
    world = drifting_popularity()
    scorers = [Popular(), Popular(1)]
    whole = replay(*world[:3], scorers, world.since, world.until)
    monkeypatch.setattr(protocol, "BATCH_SIZE", batch_size)

    met = replay(*world[:3], scorers, world.since, world.until)

    assert met.lists.keys() == whole.lists.keys()
    for key, lists in met.lists.items():
        for part, expected in zip(lists, whole.lists[key], strict=True):
            np.testing.assert_array_equal(part, expected)


def test_every_user_day_is_asked_for_once_in_order_of_days() -> None:
    world = drifting_popularity()
    scorer, days = Fixed([0.0] * len(world.catalogue)), list[int]()

    met = replay(*world[:3], [scorer], world.since, world.until, on_day=days.append)

    assert scorer.asked == list(
        zip(met.user_days.days.tolist(), met.user_days.users.tolist(), strict=True)
    )
    assert scorer.fitted == [world.since]
    assert days == list(range(world.since, world.until))


def test_scorers_are_fitted_again_when_that_is_due() -> None:
    """Every 2 days of days 3 to 9; the day without anybody puts it off."""
    history = history_of([Deed(day, 0, float(day)) for day in (0, 3, 4, 6, 7, 9)])
    scorer = Fixed([0.0])

    replay(history, catalogue_of(1), 10, [scorer], 3, 10, retrain_every=2)

    assert scorer.fitted == [3, 6, 9]


def test_a_sample_is_seeded_and_says_what_it_left_out() -> None:
    world = drifting_popularity()
    whole = replay(*world[:3], [Popular()], world.since, world.until)

    first, again = (
        replay(*world[:3], [Popular()], world.since, world.until, max_user_days=6) for _ in range(2)
    )

    assert len(first.user_days) == 6
    assert first.n_left_out == len(whole.user_days) - 6
    assert lists_of(first, "new", "popular") == lists_of(again, "new", "popular")
    assert lists_of(first, "new", "popular").items() <= lists_of(whole, "new", "popular").items()


def test_a_sample_of_days_keeps_all_that_happened_on_them() -> None:
    world = drifting_popularity()
    whole = replay(*world[:3], [Popular()], world.since, world.until)

    few = replay(*world[:3], [Popular()], world.since, world.until, max_days=2)

    assert len(np.unique(few.user_days.days)) == 2
    kept = np.isin(whole.user_days.days, few.user_days.days)
    assert len(few.user_days) == kept.sum()
    assert few.n_left_out == (~kept).sum()


def test_the_popularity_of_a_list_is_that_of_the_days_before() -> None:
    """A user and an item count once a day; what happens on the day itself does not count."""
    past = [Deed(0, 0, 1.0), Deed(0, 0, 1.5), Deed(0, 0, 2.0), Deed(1, 1, 2.0)]
    history = history_of([*past, Deed(2, 0, 3.0), Deed(3, 0, 3.5)])

    met = replay(history, catalogue_of(2), 4, [Fixed([1.0, 0.0])], 3, 4)

    assert met.lists["all", "fixed"].popularity[:, :2].tolist() == [[2, 1], [2, 1]]
    assert met.popularity.tolist() == [2, 2]
    assert met.total.tolist() == [3, 3]


def test_the_least_popular_of_the_relevant_are_the_ideal_of_debiased_recall() -> None:
    """Ascending, as many as a list is long, then inf."""
    past = [Deed(user, item, 0.0) for item in range(3) for user in range(3 - item)]
    liked = [*(Deed(5, item, 1.0) for item in range(3)), Deed(6, 0, 1.0)]
    history = history_of([*past, *liked])

    met = replay(history, catalogue_of(3), 7, [Fixed([0.0, 0.0, 0.0])], 1, 2, ks=(2,))

    judged = judge(met, "all", "fixed", "all")
    np.testing.assert_array_equal(judged.relevant_popularity, [[1, 2], [3, np.inf]])


def test_the_gap_at_the_end_of_a_short_list_is_no_hit() -> None:
    """Nor where the user-day before has taken to the last item of the catalogue."""
    history = history_of([Deed(1, 0, 0.0), Deed(0, 2, 1.0), Deed(1, 1, 1.0)])

    met = replay(history, catalogue_of(3), 2, [Fixed([3.0, -np.inf, 1.0])], 1, 2, ks=(3,))

    judged = judge(met, "new", "fixed", "all")
    assert judged.ranked.tolist() == [[0, 2, NO_ROW], [2, NO_ROW, NO_ROW]]
    assert judged.hits.tolist() == [[False, True, False], [False, False, False]]


def test_what_some_users_met_is_what_all_met_without_the_others() -> None:
    """A replay of the same past whose window knows only those users."""
    world, since = drifting_popularity(), drifting_popularity().until - 1
    chosen = np.unique(world.interactions.between(since, world.until).users)[-2:]
    known = (world.interactions.times < since) | np.isin(world.interactions.users, chosen)
    part = world.interactions.where(known)
    expected = replay(part, *world[1:3], [Popular()], since, world.until)

    met = replay(*world[:3], [Popular(), Popular(3)], since, world.until).among(chosen, ["popular"])

    assert lists_of(met, "new", "popular") == lists_of(expected, "new", "popular")
    for target in met.targets:
        judged, other = (vars(judge(of, target, "popular", "all")) for of in (met, expected))
        for name, part_of_it in judged.items():
            np.testing.assert_array_equal(part_of_it, other[name])
    assert met.variants == ["popular"]


def test_nan_is_an_error() -> None:
    with pytest.raises(ValueError, match="fixed scored nan on day 1"):
        replay(history_of([Deed(0, 0, 1.0)]), catalogue_of(1), 1, [Fixed([np.nan])], 0, 2)


@pytest.mark.parametrize(
    "happened", [[], [Deed(0, 0, 9.0)], [Deed(0, 0, 1.0, weight=-1)], [Deed(0, NO_ROW, 1.0)]]
)
def test_a_window_without_a_user_day_cannot_be_evaluated(happened: list[Deed]) -> None:
    with pytest.raises(NothingToEvaluate, match="between 1970-01-01 and 1970-01-04"):
        replay(history_of(happened), catalogue_of(1), 1, [Fixed([0.0])], 0, 3)


@settings(deadline=None)
@given(deeds(N_USERS, N_ITEMS, N_DAYS), deeds(N_USERS, N_ITEMS, N_DAYS), st.integers(1, N_DAYS - 1))
def test_the_future_changes_no_list(happened: list[Deed], otherwise: list[Deed], day: int) -> None:
    """Two histories that part on `day`: every list until then, of users in both, is the same."""
    common = [deed for deed in happened if deed.time < day]
    on_the_day = [Deed(user, 0, float(day)) for user in range(N_USERS)]
    futures = ([deed for deed in of if deed.time >= day] for of in (happened, otherwise))
    histories = [history_of([*common, *on_the_day, *future]) for future in futures]

    one, other = (
        replay(history, catalogue_of(N_ITEMS), N_USERS, [Popular(), Popular(1)], 0, N_DAYS)
        for history in histories
    )

    for key in one.lists:
        lists = [lists_of(met, *key) for met in (one, other)]
        until = [{at: of[at] for at in of if at[0] <= day} for of in lists]
        assert until[0] == until[1]
        assert len(until[0]) >= N_USERS
