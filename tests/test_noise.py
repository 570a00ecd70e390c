"""Noise: bounded contributions, its distribution, its key, and who can tell that someone was there.

Membership inference: a day with one person's contribution and the same day without it, released
under many keys. The best test of which one it was, the likelihood ratio, may be right more often
than wrong by (e^epsilon - 1) / (e^epsilon + 1) and no more; without noise it is always right.
"""

from datetime import date
from math import exp, log, sqrt
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from opendp import prelude

from recsys_tasks.noise import (
    GRID,
    NoiseKey,
    Release,
    bounded_steps,
    clipped_counts,
    composed,
    guarantee,
    interval,
    noise,
    noise_in_sums,
    scale_for,
    shrunk,
    variance,
)
from recsys_tasks.noise.laplace import _thresholds, defect

N_ITEMS = 12
RELEASE = Release("trends", date(2024, 3, 1), "c")
KEY = NoiseKey(b"a secret of the tests")
ITEMS = [f"i{n}" for n in range(N_ITEMS)]
takings = st.lists(st.tuples(st.integers(0, 5), st.integers(0, N_ITEMS - 1)), max_size=60)


def counts_of(taken: list[tuple[int, int]], most: int) -> NDArray[np.int64]:
    who, what = np.array(taken, np.int32).reshape(-1, 2).T
    return clipped_counts(who, what, N_ITEMS, most)


@given(takings, st.sets(st.integers(0, N_ITEMS - 1)), st.integers(1, 20))
def test_whoever_comes_or_goes_changes_counts_by_the_bound_at_most(
    others: list[tuple[int, int]], mine: set[int], most: int
) -> None:
    without = counts_of(others, most)
    beside = counts_of([*others, *((9, item) for item in mine)], most)

    changed = beside - without
    assert (changed >= 0).all()
    assert changed.sum() <= most * GRID
    assert changed.max(initial=0) <= GRID
    if len(mine) <= most:
        assert changed.sum() == len(mine) * GRID


@given(takings, st.integers(1, 20), st.randoms())
def test_order_and_repetition_do_not_count(
    taken: list[tuple[int, int]], most: int, random: Random
) -> None:
    again = [*taken, *taken[:3]]
    random.shuffle(again)

    np.testing.assert_array_equal(counts_of(again, most), counts_of(taken, most))


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=1))
def test_a_value_is_bounded(values: list[float]) -> None:
    steps = bounded_steps(np.array(values))

    assert ((steps >= 0) & (steps <= GRID)).all()


@given(takings, takings, st.sampled_from(["day", "mechanism", "configuration", "key", "content"]))
def test_same_content_same_noise_and_other_content_noise_of_its_own(
    taken: list[tuple[int, int]], other: list[tuple[int, int]], changed: str
) -> None:
    counts, others = counts_of(taken, 3), counts_of(other, 3)
    words, signs = KEY.words(RELEASE, KEY.content(ITEMS, counts), ITEMS)

    again = KEY.words(RELEASE, KEY.content(ITEMS[::-1], counts[::-1]), ITEMS)
    np.testing.assert_array_equal(again[0], words)
    np.testing.assert_array_equal(again[1], signs)
    key, release, content = KEY, RELEASE, KEY.content(ITEMS, counts)
    match changed:
        case "day":
            release = RELEASE._replace(day=date(2024, 3, 2))
        case "mechanism":
            release = RELEASE._replace(mechanism="d")
        case "configuration":
            release = RELEASE._replace(configuration="d")
        case "key":
            key = NoiseKey(b"another secret of the tests")
        case _ if (counts != others).any():
            content = KEY.content(ITEMS, others)
        case _:
            return
    assert not np.isin(key.words(release, content, ITEMS)[0], words).any()


def test_a_cell_has_its_noise_whoever_else_is_there() -> None:
    words, signs = KEY.words(RELEASE, b"content", ITEMS)
    fewer = KEY.words(RELEASE, b"content", ITEMS[3:7])

    np.testing.assert_array_equal(fewer[0], words[3:7])
    np.testing.assert_array_equal(fewer[1], signs[3:7])


def test_a_digest_of_counts_takes_the_key() -> None:
    """Else whoever reads it could try counts until one fits."""
    counts = counts_of([(1, 2)], 3)

    assert KEY.content(ITEMS, counts) != NoiseKey(b"another secret").content(ITEMS, counts)
    assert KEY.key_id != NoiseKey(b"another secret").key_id


def probability(size: int, scale: float) -> float:
    a = exp(-1 / scale)
    return (1 - a) / (1 + a) * a ** abs(size)


@pytest.mark.parametrize("scale", [0.3, 1.0, 7.5, 320.0])
def test_thresholds_are_those_of_the_distribution(scale: float) -> None:
    above = _thresholds(scale)[::-1].astype(np.float64) / 2.0**64

    expected = [
        1 - sum(probability(size, scale) for size in range(-k, k + 1))
        for k in range(min(len(above), 12))
    ]
    np.testing.assert_allclose(above[:12], expected[: len(above)], rtol=1e-9, atol=1e-15)
    assert len(above) >= 40 * scale  # as far as 64 bits reach


@pytest.mark.parametrize("scale", [1.0, 20.0])
def test_drawn_noise_is_distributed_so(scale: float) -> None:
    n = 40_000
    drawn = noise(*KEY.words(RELEASE, b"content", [str(cell) for cell in range(n)]), scale)

    for size in (-3, -1, 0, 1, 2, 5):
        expected = probability(size, scale)
        spread = sqrt(expected * (1 - expected) / n)
        assert abs((drawn == size).mean() - expected) < 4.5 * spread
    assert abs(drawn.mean()) < 4.5 * drawn.std() / sqrt(n)
    assert (np.abs(drawn) <= interval(scale, 1)).mean() > 0.945
    assert (np.abs(drawn.reshape(-1, 4).sum(axis=1)) <= interval(scale, 4)).mean() > 0.945


def test_no_noise_at_the_words_ends_is_out_of_reach() -> None:
    largest = np.array([0, 2**64 - 1], np.uint64)
    sizes = noise(largest, np.array([True, False]), 320.0)

    assert sizes.tolist() == [-len(_thresholds(320.0)), 0]


@given(st.floats(0.01, 20), st.integers(1, 100))
def test_opendp_finds_the_epsilon_that_was_asked_for(epsilon: float, most: int) -> None:
    scale = scale_for(epsilon, most * GRID)
    if scale > 1000:  # as many thresholds again say nothing else
        return

    found = guarantee(scale, most * GRID)

    assert epsilon * (1 - 1e-9) <= found.epsilon <= epsilon * (1 + 1e-9)
    assert 0 < found.delta < (1 + exp(epsilon)) * most * GRID * 1e-13


def test_opendp_draws_from_the_same_distribution() -> None:
    """Its noise is nobody's to repeat; ours is held against it."""
    prelude.enable_features("contrib")
    n, scale = 20_000, 20.0
    space = prelude.vector_domain(prelude.atom_domain(T="i64")), prelude.l1_distance(T="i64")
    theirs = np.array(prelude.m.make_geometric(*space, scale=scale)([0] * n))
    ours = noise(*KEY.words(RELEASE, b"content", [str(cell) for cell in range(n)]), scale)

    for quantile in (0.05, 0.25, 0.5, 0.75, 0.95):
        spread = sqrt(quantile * (1 - quantile) * 2 / n) / (
            probability(int(np.quantile(ours, quantile)), scale)
        )
        gap = abs(np.quantile(theirs, quantile) - np.quantile(ours, quantile))
        assert gap < 4.5 * spread + 1


def test_many_nights_add_up() -> None:
    assert composed([], 1e-6) == 0
    assert composed([0.5, 0.25], 1e-6) == 0.75
    assert 2 < composed([0.1] * 100, 1e-6) < 10


def worlds(most: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """A day of five people, and the same one with a sixth, who took to more than counts."""
    others = [(who, (who * 5 + n) % N_ITEMS) for who in range(5) for n in range(3)]
    mine = [(9, item) for item in range(min(most, N_ITEMS))]
    return counts_of(others, most), counts_of([*others, *mine], most)


def advantage(epsilon: float | None, most: int, n_keys: int) -> float:
    """How much oftener the likelihood ratio is right than wrong, over draws of the key."""
    both = worlds(most)
    gap = both[1] - both[0]
    right = 0.0
    for number in range(n_keys):
        key = NoiseKey(f"key {number}".encode())
        for is_in, counts in enumerate(both):
            told = counts.copy()
            scale = 1e-9
            if epsilon is not None:
                scale = scale_for(epsilon, most * GRID)
                told += noise(*key.words(RELEASE, key.content(ITEMS, counts), ITEMS), scale)
            ratio = np.abs(told - both[0]).sum() - np.abs(told - both[0] - gap).sum()
            right += 0.5 if ratio == 0 else float((ratio > 0) == bool(is_in))
    return right / n_keys - 1


@pytest.mark.parametrize(("epsilon", "most"), [(0.1, 3), (1.0, 1), (1.0, 5), (3.0, 12)])
def test_nobody_can_tell_who_was_there_beyond_the_bound(epsilon: float, most: int) -> None:
    n_keys = 3000
    bound = (exp(epsilon) - 1) / (exp(epsilon) + 1)

    found = advantage(epsilon, most, n_keys)

    # Two releases a key: four standard errors of their mean.
    assert found <= bound + 4 / sqrt(2 * n_keys)
    # The attack is a good one: one item is told apart as often as the bound allows.
    if most == 1:
        assert found >= bound - 4 / sqrt(2 * n_keys) - 0.02


def test_without_noise_everybody_can_tell() -> None:
    assert advantage(None, 5, 50) == 1.0


def test_with_half_the_noise_the_bound_does_not_hold() -> None:
    """So the test above would find out."""
    n_keys = 3000
    bound = (exp(0.5) - 1) / (exp(0.5) + 1)

    assert advantage(2.0, 1, n_keys) > bound + 4 / sqrt(2 * n_keys)


def test_delta_is_what_words_leave_out() -> None:
    scale = 10.0
    expected = (1 + exp(guarantee(scale, 10).epsilon)) * 10 * defect(scale)

    assert guarantee(scale, 10).delta == pytest.approx(expected)
    assert defect(scale) == pytest.approx((44.4 + log(2)) * scale / 2**64, rel=0.1)


@pytest.mark.parametrize("scale", [0.5, 3.0, 50.0])
def test_the_variance_of_noise_is_what_its_distribution_has(scale: float) -> None:
    sizes = range(1, int(40 * scale) + 10)

    assert variance(scale) == pytest.approx(
        2 * sum(size**2 * probability(size, scale) for size in sizes)
    )


def test_noise_fades_as_the_square_of_what_it_is_in() -> None:
    found = noise_in_sums(np.array([4.0, 4.0]), np.array([0, 1]), (1.0, 1e9))

    np.testing.assert_allclose(found, [4 + 4 / 4, 8])


def test_sums_without_noise_stay_and_sums_of_noise_alone_come_out_alike() -> None:
    sums = np.random.default_rng(1).exponential(3, (200, 2))
    doubt = np.array([0.0, 100.0])

    found = shrunk(sums, doubt)

    np.testing.assert_allclose(found[:, 0], sums[:, 0])
    np.testing.assert_allclose(found[:, 1], sums[:, 1].mean())


def test_shrunk_sums_are_nearer_to_what_is_true() -> None:
    random = np.random.default_rng(1)
    truth = random.exponential(3, (500, 1))
    told = truth + random.normal(0, 4, truth.shape)

    found = shrunk(told, np.array([16.0]))

    assert ((found - truth) ** 2).mean() < 0.5 * ((told - truth) ** 2).mean()


def test_a_catalogue_of_one_item_has_a_count() -> None:
    assert shrunk(np.array([[3.0]]), np.array([1.0])).tolist() == [[3.0]]
