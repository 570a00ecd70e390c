"""Sums of noised counts, drawn to their mean as far as noise alone explains how they differ."""

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.decay import retention


def variance(scale: float) -> float:
    """Of discrete Laplace noise of a scale.

    >>> round(variance(10.0) / (2 * 10.0**2), 3)
    0.999
    """
    return float(0.5 / np.sinh(0.5 / scale) ** 2)


def noise_in_sums(
    variances: NDArray[np.floating], ages: NDArray[np.integer], half_lives: tuple[float, ...]
) -> NDArray[np.float64]:
    """The variance that noise of single days gives to their decayed sums, shape (K,).

    Args:
        variances: Of the noise of n days, shape (n,).
        ages: How long ago they were, in days, shape (n,).
        half_lives: In days.
    """
    return np.asarray(variances @ retention(ages, half_lives) ** 2, np.float64)


def shrunk(sums: NDArray[np.floating], noise: NDArray[np.floating]) -> NDArray[np.float64]:
    """Sums as near to their mean as noise makes them doubtful; none is below 0.

    The share of the variance among items that is not noise's is what is kept of each difference
    (linear empirical Bayes: Efron and Morris, Stein's estimation rule and its competitors, JASA
    1973). Where noise drowns everything all items come out alike, and nothing trends. It reads
    released counts alone, so it costs no privacy.

    Args:
        sums: By item and half-life, shape (n_items, K).
        noise: The variance of the noise in them, shape (K,).
    """
    spread = np.maximum(sums.var(axis=0), np.finfo(np.float64).tiny)
    mean = sums.mean(axis=0)
    return np.asarray(np.maximum(mean + np.maximum(1 - noise / spread, 0) * (sums - mean), 0))
