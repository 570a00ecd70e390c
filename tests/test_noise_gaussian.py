"""Gaussian noise: it is distributed so, and OpenDP's account of it is held against known values."""

from datetime import date
from math import exp, log, sqrt
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsys_tasks.noise import (
    NoiseKey,
    Release,
    concentrated,
    gaussian_defect,
    gaussian_noise,
    worth,
)
from recsys_tasks.noise.gaussian import _thresholds

KEY = NoiseKey(b"a secret of the tests")
RELEASE = Release("models", date(2024, 3, 1), "c")
NORMAL = NormalDist()


def probability(size: int, scale: float) -> float:
    reach = range(-int(20 * scale) - 5, int(20 * scale) + 6)
    return exp(-(size**2) / (2 * scale**2)) / sum(exp(-(x**2) / (2 * scale**2)) for x in reach)


@pytest.mark.parametrize("scale", [0.4, 1.0, 7.5, 300.0])
def test_thresholds_are_those_of_the_distribution(scale: float) -> None:
    above = _thresholds(scale)[::-1].astype(np.float64) / 2.0**64

    inside = np.cumsum([probability(k, scale) * (1 if k == 0 else 2) for k in range(12)])
    expected = 1 - inside[: len(above)]
    np.testing.assert_allclose(above[:12], expected, rtol=1e-9, atol=1e-14)
    assert len(above) >= int(8.5 * scale)  # as far as 64 bits reach
    assert (np.diff(_thresholds(scale).astype(np.float64)) >= 0).all()


@pytest.mark.parametrize("scale", [0.7, 20.0, 5000.0])
def test_drawn_noise_is_distributed_so(scale: float) -> None:
    n = 40_000
    words = KEY.words(RELEASE, b"content", [str(cell) for cell in range(n)])
    drawn = gaussian_noise(*words, scale)

    assert abs(drawn.mean()) < 4.5 * scale / sqrt(n)
    for quantile in (0.05, 0.25, 0.5, 0.75, 0.95):
        wanted = NORMAL.inv_cdf(quantile) * scale
        spread = sqrt(quantile * (1 - quantile) / n) * scale / NORMAL.pdf(wanted / scale)
        assert abs(np.quantile(drawn, quantile) - wanted) < 4.5 * spread + 1
    if scale < 1:
        for size in (0, 1, -2):
            share = probability(size, scale)
            assert abs((drawn == size).mean() - share) < 4.5 * sqrt(share * (1 - share) / n)


def test_what_words_leave_out_is_little() -> None:
    assert 0 < gaussian_defect(300.0) < 1e-14


@given(st.floats(1e-5, 5.0), st.sampled_from([1e-9, 1e-6, 1e-4]))
def test_the_account_lies_between_what_a_gaussian_costs_and_the_plain_bound(
    rho: float, delta: float
) -> None:
    """At least, by Balle and Wang (ICML 2018); at most, by Bun and Steinke (TCC 2016)."""
    found = worth(rho, delta)

    mu = sqrt(2 * rho)
    at_least = NORMAL.cdf(mu / 2 - found / mu) - exp(found) * NORMAL.cdf(-mu / 2 - found / mu)
    assert at_least <= delta * (1 + 1e-6)
    assert found <= rho + 2 * sqrt(rho * log(1 / delta)) + 1e-9


def test_none_costs_nothing() -> None:
    assert worth(0.0, 1e-6) == 0.0


@pytest.mark.parametrize("epsilon", [0.1, 1.0, 8.0, 100.0])
def test_an_epsilon_is_used_up(epsilon: float) -> None:
    rho = concentrated(epsilon, 1e-6)

    assert epsilon * 0.999 <= worth(rho, 1e-6) <= epsilon
