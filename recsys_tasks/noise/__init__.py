"""Differential privacy: what one day of one person can change, and noise that hides it.

A release is a row of counts whose L1 distance between two worlds, one of which lacks a contribution
(all that one person did in one day), is bounded: `clipping`. Noise from the discrete Laplace
distribution is added once (`laplace`), out of bits that only the holder of a key can make again
(`keyed`): so a retry or a replay of the same content draws the same noise, and other content noise
that has nothing to do with it. `accounting` says what that is worth, by OpenDP.

Ghosh, Roughgarden and Sundararajan, Universally utility-maximizing privacy mechanisms (STOC 2009).
"""

from recsys_tasks.noise.accounting import (
    Guarantee,
    composed,
    concentrated,
    guarantee,
    scale_for,
    worth,
)
from recsys_tasks.noise.clipping import GRID, bounded_steps, clipped_counts
from recsys_tasks.noise.gaussian import gaussian_defect, gaussian_noise
from recsys_tasks.noise.keyed import NoiseKey, Release
from recsys_tasks.noise.laplace import interval, noise
from recsys_tasks.noise.shrinking import noise_in_sums, shrunk, variance

__all__ = [
    "GRID",
    "Guarantee",
    "NoiseKey",
    "Release",
    "bounded_steps",
    "clipped_counts",
    "composed",
    "concentrated",
    "gaussian_defect",
    "gaussian_noise",
    "guarantee",
    "interval",
    "noise",
    "noise_in_sums",
    "scale_for",
    "shrunk",
    "variance",
    "worth",
]
