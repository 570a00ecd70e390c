"""The discrete Laplace (two-sided geometric) distribution, made of uniform words.

    P(X = x) = (1 - a) / (1 + a) * a^|x|     with a = exp(-1 / scale)

A word of 64 bits is held against whole thresholds that are computed with more digits than it has:
nothing depends on how a processor rounds, and `defect` bounds what the words' end leaves out.
"""

from decimal import Decimal, localcontext
from functools import lru_cache
from math import log
from typing import Final

import numpy as np
from numpy.typing import NDArray

_WORD: Final = 64  # bits
_FIXED: Final = 192  # bits of the fixed-point numbers in between
_DIGITS: Final = 80
_95_PERCENT: Final = log(20)  # P(|X| > x * scale) = exp(-x), nearly


def noise(words: NDArray[np.uint64], signs: NDArray[np.bool_], scale: float) -> NDArray[np.int64]:
    """Noise out of uniform words and bits, shape (n,) each.

    Args:
        words: Say how large.
        signs: Which way.
        scale: Of the distribution: its mean distance from 0, nearly.
    """
    return drawn(words, signs, _thresholds(scale))


def drawn(
    words: NDArray[np.uint64], signs: NDArray[np.bool_], thresholds: NDArray[np.uint64]
) -> NDArray[np.int64]:
    """As far from 0 as there are thresholds above a word, shape (n,); these ascend."""
    sizes = len(thresholds) - np.searchsorted(thresholds, words, "right")
    return np.where(signs, -sizes, sizes).astype(np.int64)


def defect(scale: float) -> float:
    """What the probabilities of all values differ by in all from the distribution's, at most."""
    return (len(_thresholds(scale)) + 2) / 2.0**_WORD


def interval(scale: float, n_summed: int) -> float:
    """How far from 0 the sum of some noises is at most, 95 times in 100 or more."""
    return float(_95_PERCENT * scale * np.sqrt(n_summed)) + 1


@lru_cache(maxsize=16)
def _thresholds(scale: float) -> NDArray[np.uint64]:
    """2^64 P(|X| > k), rounded down, for every k for which that is not 0, ascending."""
    with localcontext() as context:
        context.prec = _DIGITS
        ratio = (Decimal(-1) / Decimal(scale)).exp()
        above, one = 2 * ratio / (1 + ratio), Decimal(2) ** _FIXED
        factor, tail = int(ratio * one), int(above * one)
    found = []
    while threshold := tail >> (_FIXED - _WORD):
        found.append(threshold)
        tail = tail * factor >> _FIXED
    return np.array(found[::-1], np.uint64)
