import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from recsys_tasks.evaluation import intervals as room
from recsys_tasks.evaluation.intervals import Interval, difference, interval, intervals


def user_days(
    n_users: int, days_each: int, seed: int = 0
) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    """Values that depend on the user alone, and the users."""
    rng = np.random.default_rng(seed)
    users = np.repeat(np.arange(n_users, dtype=np.int32), days_each)
    return np.repeat(rng.normal(size=n_users), days_each), users


def width(found: Interval) -> float:
    return found.high - found.low


def test_with_a_user_day_each_it_is_the_interval_of_a_mean() -> None:
    """1.96 standard errors on each side."""
    values, users = user_days(n_users=400, days_each=1)

    found = interval(values, users)

    assert found.mean == pytest.approx(values.mean())
    assert width(found) == pytest.approx(2 * 1.96 * values.std() / np.sqrt(400), rel=0.1)


def test_days_of_one_user_are_no_further_evidence() -> None:
    """Ten equal days a user are as sure as one: days drawn alone would be sqrt(10) surer."""
    one, ten = (interval(*user_days(n_users=400, days_each=n)) for n in (1, 10))

    assert width(ten) == pytest.approx(width(one), rel=1e-9)
    assert ten.n == 10 * one.n


def test_a_user_with_many_days_counts_as_many() -> None:
    found = interval(np.array([1.0, 1.0, 1.0, 0.0]), np.array([7, 7, 7, 9], np.int32))

    assert found.mean == 0.75
    assert (found.low, found.high) == (0, 1)


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    """95 of 100, within noise: 200 samples of 80 users, mean 0."""
    samples = [user_days(n_users=80, days_each=2, seed=seed) for seed in range(200)]

    held = [found.low <= 0 <= found.high for found in (interval(*one) for one in samples)]

    assert 0.90 <= np.mean(held) <= 0.99


def test_what_is_undefined_is_left_out_and_counted() -> None:
    """As if those user-days were not there, but for the draws."""
    values, users = user_days(n_users=300, days_each=2)
    holes = np.where(np.arange(600) % 3 == 0, np.nan, values)

    found, _, nothing = intervals([holes, values, np.full(600, np.nan)], users)

    assert found.n == 400
    assert found.mean == pytest.approx(np.nanmean(holes))
    assert found.low < found.mean < found.high
    assert nothing.n == 0
    assert np.isnan([nothing.mean, nothing.low, nothing.high]).all()


def test_a_difference_is_paired() -> None:
    """User-days that are hard for both take nothing from a small, steady gain."""
    values, users = user_days(n_users=200, days_each=2)
    gain = 0.02 + 0.001 * np.random.default_rng(5).normal(size=400)

    found = difference(values + gain, values, users)

    assert found.mean == pytest.approx(gain.mean())
    assert found.excludes_zero
    assert width(found) < 0.1 * width(interval(values, users))
    assert not difference(values, values, users).excludes_zero


def test_the_same_seed_gives_the_same_interval() -> None:
    values, users = user_days(n_users=50, days_each=3)
    whole = interval(values, users)

    assert interval(values, users) == whole
    assert interval(values, users, seed=1) != whole


def test_of_many_users_groups_are_drawn_and_the_interval_is_as_wide() -> None:
    """1.96 standard errors on each side."""
    values, users = user_days(n_users=room.GROUPS + 1, days_each=2)
    spread = 2 * 1.96 * values[::2].std() / np.sqrt(room.GROUPS + 1)

    found = interval(values, users)

    assert found.mean == pytest.approx(values.mean(), rel=1e-12)
    assert found.low < values.mean() < found.high
    assert width(found) == pytest.approx(spread, rel=0.12)


@pytest.mark.parametrize("share_of_hits", [0.5, 0.01])
def test_groups_know_how_skewed_a_metric_is(
    monkeypatch: pytest.MonkeyPatch, share_of_hits: float
) -> None:
    """Of rare hits too, and of users with one day or many, as if every user were drawn."""
    rng = np.random.default_rng(3)
    users = np.sort(rng.integers(0, 6000, 12_000)).astype(np.int32)
    values = (rng.random(12_000) < share_of_hits).astype(np.float64)
    grouped = interval(values, users)
    monkeypatch.setattr(room, "GROUPS", 6000)

    each = interval(values, users)

    assert grouped.mean == each.mean
    assert width(grouped) == pytest.approx(width(each), rel=0.12)
    assert grouped.high - grouped.mean == pytest.approx(each.high - each.mean, rel=0.15)


def test_groups_keep_the_days_of_a_user_together() -> None:
    """Twenty equal days a user are as sure as one."""
    one, many = (interval(*user_days(n_users=3000, days_each=n)) for n in (1, 20))

    assert width(many) == pytest.approx(width(one), rel=1e-9)


def test_as_many_users_as_there_are_groups_are_drawn_one_by_one() -> None:
    """Draws of all users, as numpy makes them, whatever other metrics are asked for."""
    values, users = user_days(n_users=room.GROUPS, days_each=1)
    draws = np.random.default_rng(0).multinomial(
        room.GROUPS, np.full(room.GROUPS, 1 / room.GROUPS), room.RESAMPLES
    )
    ends = np.percentile(draws @ values / room.GROUPS, [2.5, 97.5])

    found, _ = intervals([values, np.where(values > 0, values, np.nan)], users)

    np.testing.assert_allclose([found.low, found.high], ends, rtol=1e-9)


def test_no_user_days_have_no_mean() -> None:
    found = interval(np.zeros(0), np.zeros(0, np.int32))

    assert found.n == 0
    assert np.isnan(found.mean)


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(1, 40), one_day=st.booleans())
def test_zeros_that_are_not_added_change_no_bit(seed: int, n: int, *, one_day: bool) -> None:
    """Every user-day of every user is added in its order: nothing, a gap, a loss or a gain."""
    rng = np.random.default_rng(seed)
    users = np.sort(rng.choice(3 * n, n, replace=not one_day)).astype(np.int32)
    values = rng.choice([0.0, -0.0, np.nan, -0.3, 0.1, 0.7], n)
    known = np.unique(users)
    shares = np.full(len(known), 1 / len(known))
    draws = np.random.default_rng(0).multinomial(len(known), shares, room.RESAMPLES)
    total = 0.0
    sums, counts = np.zeros(len(known)), np.zeros(len(known))
    for user, value in zip(users.tolist(), values.tolist(), strict=True):
        sums[known == user] += np.nan_to_num(value)
        counts[known == user] += not np.isnan(value)
    for of_user in sums.tolist():
        total += of_user
    with np.errstate(invalid="ignore"):
        means = (draws @ sums[:, None]) / (draws @ counts[:, None])

    found = interval(values, users)

    assert found.n == counts.sum()
    if found.n:
        assert found.mean == total / found.n
        assert [found.low, found.high] == np.nanpercentile(means, [2.5, 97.5]).tolist()
