import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from strategies import DIM, HALF_LIVES, N_DAYS, DailyDeltas, daily_deltas, successive

from recsys_tasks.decay import (
    Decayed,
    alpha,
    blend,
    fold,
    half_life,
    merge,
    retention,
    seen_from,
    zero,
)
from recsys_tasks.errors import ClockSkew

# The two worked examples of design.md: an interest, what a day adds, and the item that is scored.
EXAMPLES = [([0.5, 0.2, 0.3], [0.2, 0.5, 0.3]), ([0.4, 0.3, 0.3], [0.3, 0.4, 0.3])]
ITEM = np.array([0.3, 0.4, 0.3])
LAST = N_DAYS - 1


def assert_same_sums(left: Decayed, right: Decayed) -> None:
    """Equal to 1e-5, relative to the largest coordinate."""
    np.testing.assert_array_equal(left.days, right.days)
    for one, other in ((left.totals, right.totals), (left.masses, right.masses)):
        scale = np.abs(other).max(initial=0.0)
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5 * scale + 1e-30)


def assert_same_bits(left: Decayed, right: Decayed) -> None:
    for one, other in zip(left, right, strict=True):
        assert one.dtype == other.dtype
        assert one.tobytes() == other.tobytes()


def one(vector: list[float], mass: float, day: int) -> Decayed:
    """The sum of one user at one half-life, whose interest (total / mass) is the vector."""
    totals = np.array([[vector]], np.float32) * np.float32(mass)
    return Decayed(totals, np.array([[mass]], np.float32), np.array([day], np.int32))


def folded(history: DailyDeltas) -> tuple[Decayed, NDArray[np.float32]]:
    """All deltas, from nothing."""
    start = zero(history.n_users, len(HALF_LIVES), DIM, 0)
    return fold(start, history.rows, history.added, HALF_LIVES)


@pytest.mark.parametrize(("older", "newer"), EXAMPLES)
def test_the_worked_examples_by_the_fixed_alpha(older: list[float], newer: list[float]) -> None:
    interest = blend(np.array(older), np.array(newer), 0.5)

    np.testing.assert_allclose(interest, [0.35, 0.35, 0.30], rtol=1e-12)
    assert interest @ ITEM == pytest.approx(0.335)


@pytest.mark.parametrize(("older", "newer"), EXAMPLES)
def test_the_worked_examples_by_the_sums(older: list[float], newer: list[float]) -> None:
    """A week at a half-life of a week leaves half of 0.5: as much evidence as the day brings."""
    before, day = one(older, 0.5, 0), one(newer, 0.25, 7)

    after = merge(before, day, [7.0])

    interest = after.totals[0, 0] / after.masses[0, 0]
    np.testing.assert_array_equal(alpha(before, day, [7.0]), [[0.5]])
    np.testing.assert_allclose(interest, [0.35, 0.35, 0.30], rtol=1e-6)
    assert interest @ ITEM == pytest.approx(0.335)


@given(successive(3))
def test_grouping_does_not_matter(sums: list[Decayed]) -> None:
    a, b, c = sums

    left = merge(merge(a, b, HALF_LIVES), c, HALF_LIVES)
    right = merge(seen_from(a, c.days, HALF_LIVES), merge(b, c, HALF_LIVES), HALF_LIVES)

    assert_same_sums(left, right)


@given(successive(4), st.permutations(range(4)))
def test_the_order_of_days_does_not_matter(sums: list[Decayed], order: list[int]) -> None:
    until = sums[-1].days
    total = sums[0]
    for later in sums[1:]:
        total = merge(total, later, HALF_LIVES)

    shuffled = zero(2, len(HALF_LIVES), DIM, 0)
    for position in order:
        shuffled = merge(shuffled, seen_from(sums[position], until, HALF_LIVES), HALF_LIVES)

    assert_same_sums(total, shuffled)


@given(successive(1), st.integers(0, 50), st.integers(0, 50))
def test_decaying_twice_is_decaying_once_by_the_sum(
    sums: list[Decayed], first: int, second: int
) -> None:
    (state,) = sums

    twice = seen_from(
        seen_from(state, state.days + first, HALF_LIVES), state.days + first + second, HALF_LIVES
    )

    assert_same_sums(twice, seen_from(state, state.days + first + second, HALF_LIVES))


@given(successive(1))
def test_zero_is_neutral(sums: list[Decayed]) -> None:
    (state,) = sums
    nothing = zero(len(state.days), len(HALF_LIVES), DIM, 0)

    before = merge(nothing, state, HALF_LIVES)
    after = merge(state, nothing._replace(days=state.days + 5), HALF_LIVES)

    assert_same_sums(before, state)
    assert_same_sums(after, seen_from(state, state.days + 5, HALF_LIVES))


@given(daily_deltas())
def test_folding_equals_one_pass_over_everything(history: DailyDeltas) -> None:
    """At the end, a delta of n days before weighs 2 ** (-n / half_life)."""
    rows, added = history.rows, history.added
    gamma = np.exp2(-(LAST - added.days.astype(float))[:, None] / np.array(HALF_LIVES))
    totals = np.zeros((history.n_users, len(HALF_LIVES), DIM))
    masses = np.zeros((history.n_users, len(HALF_LIVES)))
    np.add.at(totals, rows, added.totals * gamma[..., None])
    np.add.at(masses, rows, added.masses * gamma)

    state, _ = folded(history)

    days = np.full(history.n_users, LAST, np.int32)
    expected = Decayed(totals.astype(np.float32), masses.astype(np.float32), days)
    assert_same_sums(seen_from(state, LAST, HALF_LIVES), expected)


@given(daily_deltas(), st.integers(0, N_DAYS))
def test_folding_in_pieces_gives_the_same_bits(history: DailyDeltas, day: int) -> None:
    """What is stored between two nights loses nothing: the fast path and a refold agree."""
    is_later = history.added.days >= day
    earlier, later = history.where(~is_later), history.where(is_later)
    stored, _ = folded(earlier)

    resumed, alphas = fold(stored, later.rows, later.added, HALF_LIVES)

    at_once, expected = folded(history)
    assert_same_bits(resumed, at_once)
    assert_same_bits(stored, folded(earlier)[0])  # folding leaves what it starts from alone
    np.testing.assert_array_equal(alphas[later.rows], expected[later.rows])


@given(daily_deltas(), st.sets(st.integers(0, 3)))
def test_shards_of_users_give_the_same_bits(history: DailyDeltas, chosen: set[int]) -> None:
    everyone, alphas = folded(history)
    users = np.array(sorted(chosen), np.intp)

    shard, shard_alphas = folded(history.where(np.isin(history.rows, users)))

    assert_same_bits(shard.at(users), everyone.at(users))
    assert shard_alphas[users].tobytes() == alphas[users].tobytes()


@given(daily_deltas())
def test_fold_tells_the_alpha_of_the_last_merge(history: DailyDeltas) -> None:
    last = np.unique(history.rows[::-1], return_index=True)[1]
    is_last = np.zeros(len(history.rows), np.bool_)
    is_last[len(history.rows) - 1 - last] = True
    newest = history.where(is_last)
    before, _ = folded(history.where(~is_last))

    _, alphas = folded(history)

    expected = alpha(before.at(newest.rows), newest.added, HALF_LIVES)
    np.testing.assert_array_equal(alphas[newest.rows], expected)


@given(successive(2))
def test_the_published_recurrence_restates_total_over_mass(sums: list[Decayed]) -> None:
    """u_t = alpha_t * u_(t-1) + (1 - alpha_t) * u_new."""
    older, newer = (state._replace(masses=state.masses + 1) for state in sums)
    after = merge(older, newer, HALF_LIVES)
    u_old, u_new, u = (state.totals / state.masses[..., None] for state in (older, newer, after))

    weight = alpha(older, newer, HALF_LIVES)[..., None]

    np.testing.assert_allclose(weight * u_old + (1 - weight) * u_new, u, rtol=1e-5, atol=1e-5)


def test_a_new_user_has_alpha_0_and_an_idle_day_1() -> None:
    known, unknown = one([1.0], 3.0, 0), one([0.0], 0.0, 0)
    active, idle = one([1.0], 1.0, 1), one([0.0], 0.0, 1)

    assert alpha(unknown, active, [2.0]) == 0
    assert alpha(known, idle, [2.0]) == 1
    assert alpha(unknown, idle, [2.0]) == 0


def test_an_idle_day_changes_no_direction() -> None:
    state = one([0.6, -0.8], 3.0, 0)

    later = seen_from(state, 30, [14.0])

    np.testing.assert_allclose(later.totals / later.masses, state.totals / state.masses, rtol=1e-6)


def test_constant_activity_drives_alpha_to_the_daily_retention() -> None:
    n_days = 1500
    shape = (n_days, len(HALF_LIVES))
    every_day = Decayed(
        np.ones((*shape, 1), np.float32),
        np.ones(shape, np.float32),
        np.arange(n_days, dtype=np.int32),
    )

    start = zero(1, len(HALF_LIVES), 1, 0)
    _, alphas = fold(start, np.zeros(n_days, np.intp), every_day, HALF_LIVES)

    np.testing.assert_allclose(alphas[0], retention(1, HALF_LIVES), rtol=1e-5)


def test_an_interest_is_not_seen_from_before_its_day() -> None:
    state = zero(2, 1, 1, 10)._replace(days=np.array([3, 10], np.int32))

    with pytest.raises(ClockSkew) as raised:
        seen_from(state, 9, [2.0])
    with pytest.raises(ClockSkew):
        merge(state, zero(2, 1, 1, 9), [2.0])

    assert raised.value.facts == {"as_of": 10, "day": 9}


@given(st.floats(0.5, 365))
def test_half_life_inverts_retention(days: float) -> None:
    assert half_life(float(retention(1, [days])[0])) == pytest.approx(days, rel=1e-4)


@pytest.mark.parametrize("n", [0, 2])
def test_folding_nothing_changes_nothing(n: int) -> None:
    start = zero(n, 2, 3, 7)
    nothing = zero(0, 2, 3, 0)

    state, alphas = fold(start, np.zeros(0, np.intp), nothing, (2.0, 14.0))

    assert_same_bits(state, start)
    assert alphas.shape == (n, 2)
