"""The discrete Gaussian distribution, made of uniform words.

    P(X = x) = exp(-x^2 / (2 scale^2)) / Z

On whole numbers it hides what the continuous one hides on reals: a contribution of length s in the
Euclidean norm costs s^2 / (2 scale^2) of zero-concentrated privacy (Canonne, Kamath and Steinke,
The discrete Gaussian for differential privacy, NeurIPS 2020). Words are held against whole
thresholds, as those of `laplace` are.
"""

from decimal import Decimal, localcontext
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.noise.laplace import drawn

_WORD: Final = 64  # bits
_FIXED: Final = 192  # bits of the fixed-point numbers in between
_NOTHING: Final = 1 << 64  # of these: a share of 2^-128, which no word reaches
_DIGITS: Final = 80


def gaussian_noise(
    words: NDArray[np.uint64], signs: NDArray[np.bool_], scale: float
) -> NDArray[np.int64]:
    """Noise out of uniform words and bits, shape (n,) each.

    Args:
        words: Say how large.
        signs: Which way.
        scale: Of the distribution: its standard deviation, nearly.
    """
    return drawn(words, signs, _thresholds(scale))


def gaussian_defect(scale: float) -> float:
    """What the probabilities of all values differ by in all from the distribution's, at most."""
    return (2 * len(_thresholds(scale)) + 2) / 2.0**_WORD


@lru_cache(maxsize=4)  # some megabytes each
def _thresholds(scale: float) -> NDArray[np.uint64]:
    """2^64 P(|X| > k), rounded down, for every k for which that is not 0, ascending."""
    weights = _weights(scale)
    one = 1 << _FIXED
    everything = one + 2 * sum(weights)
    tail, found = 0, []
    for weight in reversed(weights):
        tail += 2 * weight
        found.append((tail << _WORD) // everything)
    return np.array([threshold for threshold in found if threshold], np.uint64)


def _weights(scale: float) -> list[int]:
    """exp(-x^2 / (2 scale^2)) for x = 1, 2, ... in fixed point, as far as words can tell it."""
    with localcontext() as context:
        context.prec = _DIGITS
        half, one = Decimal(-1) / (2 * Decimal(scale) ** 2), Decimal(2) ** _FIXED
        # From x to x + 1 a weight falls by exp((2 x + 1) half), which falls by exp(2 half) itself.
        step, fall = int(half.exp() * one), int((2 * half).exp() * one)
    weight, found = 1 << _FIXED, []
    while (weight := weight * step >> _FIXED) > _NOTHING:
        found.append(weight)
        step = step * fall >> _FIXED
    return found
