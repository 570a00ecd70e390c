from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from strategies import counts

from recsys_tasks.interest_model import centre_of, log_trends, rating_strength, scale_of, weigh
from recsys_tasks.presets import EventType


@given(counts, st.randoms(use_true_random=False))
def test_trends_follow_their_items(masses: NDArray[np.float64], random: Random) -> None:
    order = list(range(len(masses)))
    random.shuffle(order)

    np.testing.assert_allclose(log_trends(masses[order]), log_trends(masses)[order], atol=1e-5)


@given(counts)
def test_trends_are_centred_and_ascend_with_counts(masses: NDArray[np.float64]) -> None:
    trends = log_trends(masses)

    np.testing.assert_allclose(trends.mean(axis=0), 0, atol=1e-5)
    for column, trend in zip(masses.T, trends.T, strict=True):
        assert (np.diff(trend[np.argsort(column)]) >= 0).all()


@given(st.integers(1, 6), st.floats(0, 1e6))
def test_where_all_items_are_alike_nothing_trends(n_items: int, count: float) -> None:
    np.testing.assert_allclose(log_trends(np.full((n_items, 2), count)), 0, atol=1e-5)


def test_the_centre_is_that_of_items_with_a_text() -> None:
    vectors = np.array([[1, 0], [0, 0], [0, 1]], np.float32)

    np.testing.assert_array_equal(centre_of(vectors), [0.5, 0.5])
    np.testing.assert_array_equal(centre_of(vectors[1:2]), [0, 0])
    np.testing.assert_array_equal(centre_of(vectors[:0]), [0, 0])


@given(st.floats(0, 1), st.floats(0, 1))
def test_a_better_rating_says_more(share: float, other: float) -> None:
    low, high = sorted((share, other))
    weaker, stronger = rating_strength(np.array([low, high]))

    assert -0.5 <= weaker <= stronger <= 1
    assert (weaker > 0) == (low >= 0.6)


@pytest.mark.parametrize(
    ("largest", "top"), [(0.5, 1), (1, 1), (4.5, 5), (5, 5), (8, 10), (100, 100), (250, 250)]
)
def test_the_scale_is_the_smallest_usual_one_that_holds_all_ratings(
    largest: float, top: float
) -> None:
    assert scale_of(largest) == top


def test_ratings_are_weighed_by_their_share_of_the_scale() -> None:
    kind = EventType(weight=4.0, value="rating", text_weight=0.5)
    values = np.array([5.0, 3.0, 1.5, 0.0, np.nan], np.float32)

    weights = weigh(kind, values, largest=4.5)

    np.testing.assert_allclose(weights.items, [4.0, 2.0, -1.0, -2.0, 4.0])
    np.testing.assert_allclose(weights.texts, [2.0, 1.0, -0.5, -1.0, 2.0])
    assert weights.items.dtype == weights.texts.dtype == np.float32


def test_amounts_are_weighed_by_their_logarithm() -> None:
    kind = EventType(weight=-2.0, value="log", minimum=0.0)
    values = np.array([0.0, np.e**3 - np.e, np.nan], np.float32)

    weights = weigh(kind, values, largest=1.0)

    np.testing.assert_allclose(weights.items, [-2.0, -6.0, -2.0], rtol=1e-6)


def test_a_value_that_means_nothing_is_ignored() -> None:
    weights = weigh(EventType(weight=1.5), np.array([9.0, np.nan], np.float32), largest=9.0)

    np.testing.assert_array_equal(weights.items, [1.5, 1.5])
    np.testing.assert_array_equal(weights.texts, [0.0, 0.0])
