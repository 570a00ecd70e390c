from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from strategies import DIM, HALF_LIVES, DailyDeltas, daily_deltas

from recsys_tasks.decay import (
    Decayed,
    FixedAlpha,
    HalfLives,
    NoDecay,
    Policy,
    fold,
    seen_from,
    zero,
)
from recsys_tasks.errors import ClockSkew

# The two worked examples of the published formula: what two days said, and the item that is scored.
EXAMPLES = [([0.5, 0.2, 0.3], [0.2, 0.5, 0.3]), ([0.4, 0.3, 0.3], [0.3, 0.4, 0.3])]
ITEM = np.array([0.3, 0.4, 0.3])
alphas = st.sampled_from([0.0, 0.3, 0.5, 0.9, 0.99])


def folded(policy: Policy, history: DailyDeltas) -> tuple[Decayed, NDArray[np.float32]]:
    start = zero(history.n_users, history.added.masses.shape[1], DIM, 0)
    return policy.fold(start, history.rows, history.added)


def days_of_one(*vectors: list[float], mass: float = 1.0, gap: int = 1) -> DailyDeltas:
    """One user, whose days said these interests, `gap` days apart, at one half-life."""
    n = len(vectors)
    masses = np.full((n, 1), mass, np.float32)
    totals = np.array(vectors, np.float32)[:, None] * masses[..., None]
    days = gap * np.arange(n, dtype=np.int32)
    return DailyDeltas(1, np.zeros(n, np.intp), Decayed(totals, masses, days))


def first_channel(history: DailyDeltas) -> DailyDeltas:
    """The deltas at their first half-life alone."""
    totals, masses, days = history.added
    return history._replace(added=Decayed(totals[:, :1], masses[:, :1], days))


def fold_of_one(alpha: float, history: DailyDeltas) -> NDArray[np.float32]:
    """The interest of the one user."""
    start = zero(1, 1, history.added.totals.shape[2], 0)
    state, _ = FixedAlpha(alpha).fold(start, history.rows, history.added)
    interest: NDArray[np.float32] = state.totals[0, 0]
    return interest


@pytest.mark.parametrize(("older", "newer"), EXAMPLES)
def test_the_worked_examples_are_folds_by_a_fixed_alpha(
    older: list[float], newer: list[float]
) -> None:
    interest = fold_of_one(0.5, days_of_one(older, newer))

    np.testing.assert_allclose(interest, [0.35, 0.35, 0.30], rtol=1e-6)
    assert interest @ ITEM == pytest.approx(0.335)


@given(alphas, daily_deltas())
def test_a_fixed_alpha_has_a_closed_form(alpha: float, history: DailyDeltas) -> None:
    """The interest is sum_i (1 - a) a^(n-i) u_i over active days, and a^(n-1) for the first."""
    state, _ = folded(FixedAlpha(alpha), history)

    for user, channel in np.ndindex(history.n_users, len(HALF_LIVES)):
        mass = history.added.masses[:, channel]
        days = np.flatnonzero((history.rows == user) & (mass > 0))
        n = len(days)
        weights = np.array([(1 - alpha) * alpha ** (n - i) for i in range(1, n + 1)])
        weights[:1] = alpha ** max(n - 1, 0)
        said = history.added.totals[days, channel].astype(np.float64) / mass[days, None]
        scale = np.abs(said).max(initial=1)
        np.testing.assert_allclose(
            state.totals[user, channel], weights @ said, rtol=1e-5, atol=1e-5 * scale
        )
        assert state.masses[user, channel] == (n > 0)


@given(alphas, daily_deltas(), st.integers(0, 40))
def test_a_fixed_alpha_may_be_folded_in_stretches_of_days(
    alpha: float, history: DailyDeltas, day: int
) -> None:
    policy = FixedAlpha(alpha)
    early, late = history.where(history.added.days < day), history.where(history.added.days >= day)

    before, _ = folded(policy, early)
    state, _ = policy.fold(before, late.rows, late.added)

    whole, _ = folded(policy, history)
    for part, expected in zip(state, whole, strict=True):
        np.testing.assert_array_equal(part, expected)


def test_evidence_and_elapsed_time_do_not_move_a_fixed_alpha() -> None:
    said = [[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]

    once = fold_of_one(0.7, days_of_one(*said))

    np.testing.assert_allclose(fold_of_one(0.7, days_of_one(*said, mass=64)), once, rtol=1e-6)
    np.testing.assert_array_equal(fold_of_one(0.7, days_of_one(*said, gap=30)), once)


def test_the_order_of_days_matters_to_a_fixed_alpha_alone() -> None:
    forth, back = days_of_one([1.0], [3.0], gap=0), days_of_one([3.0], [1.0], gap=0)

    np.testing.assert_allclose([fold_of_one(0.5, x) for x in (forth, back)], [[2], [2]])
    np.testing.assert_allclose(
        [fold_of_one(0.75, x) for x in (forth, back)], [[0.75 + 0.25 * 3], [0.75 * 3 + 0.25]]
    )
    start = zero(1, 1, 1, 0)
    one, other = (NoDecay().fold(start, x.rows, x.added)[0].totals for x in (forth, back))
    np.testing.assert_array_equal(one, other)


def test_the_first_day_has_alpha_0_a_later_one_its_own_and_a_day_without_evidence_1() -> None:
    policy, history = FixedAlpha(0.9), days_of_one([1.0], [2.0], [0.0])
    masses = np.array([[2.0], [1.0], [0.0]], np.float32)
    added = history.added._replace(masses=masses)
    state, found = zero(1, 1, 1, 0), []

    for since, until in pairwise(range(4)):
        delta = added.at(np.arange(since, until))
        state, moved = policy.fold(state, history.rows[:1], delta)
        found.append(moved.item())

    np.testing.assert_allclose(found, [0, 0.9, 1], rtol=1e-6)
    np.testing.assert_allclose(state.totals, 0.9 * 0.5 + 0.1 * 2.0)
    assert state.days.tolist() == [2]


def test_a_fixed_alpha_is_not_seen_from_before_its_day_and_later_is_the_same() -> None:
    policy = FixedAlpha(0.5)
    state = zero(1, 1, 2, 10)._replace(masses=np.ones((1, 1), np.float32))

    later = policy.seen_from(state, 400)

    assert later.masses.tolist() == [[1.0]]
    assert later.days.tolist() == [400]
    with pytest.raises(ClockSkew):
        policy.seen_from(state, 9)


@given(daily_deltas(), st.integers(40, 400))
def test_half_lives_are_the_algebra_in_every_bit(history: DailyDeltas, day: int) -> None:
    policy = HalfLives(HALF_LIVES)
    start = zero(history.n_users, len(HALF_LIVES), DIM, 0)
    expected, expected_alphas = fold(start, history.rows, history.added, HALF_LIVES)

    state, moved = folded(policy, history)
    later, expected_later = policy.seen_from(state, day), seen_from(expected, day, HALF_LIVES)

    assert moved.tobytes() == expected_alphas.tobytes()
    for part, other in zip((*state, *later), (*expected, *expected_later), strict=True):
        assert part.tobytes() == other.tobytes()


@given(daily_deltas(), st.integers(40, 400))
def test_without_decay_a_total_is_the_plain_sum_for_ever(history: DailyDeltas, day: int) -> None:
    only = first_channel(history)
    state = NoDecay().seen_from(folded(NoDecay(), only)[0], day)

    for user in range(history.n_users):
        own = only.rows == user
        np.testing.assert_array_equal(
            state.totals[user], only.added.totals[own].sum(axis=0, dtype=np.float64)
        )
        assert state.masses[user] == only.added.masses[own].sum()


@given(daily_deltas())
def test_a_half_life_without_end_is_no_decay(history: DailyDeltas) -> None:
    """What a half-life of a billion days tends to."""
    only = first_channel(history)
    state, moved = folded(NoDecay(), only)
    near, near_moved = folded(HalfLives((1e9,)), only)

    np.testing.assert_allclose(state.totals, near.totals, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(moved, near_moved, rtol=1e-5)
