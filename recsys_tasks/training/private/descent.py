"""Gradient descent of which every step is told with noise: DP-SGD on all users at once.

Abadi et al., Deep learning with differential privacy (CCS 2016), with a user in place of an example
and without sampling: what is learned is so little that a step over everybody is cheap. Steps are
whole numbers, and noise is of the discrete Gaussian distribution, so no rounding tells anything.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.training.private.described import Described
from recsys_tasks.training.private.releasing import GRID, Telling

STEPS: Final = 60
LENGTH: Final = 1.0  # of a user's gradient at most
RATE: Final = 0.3
MOMENTUM: Final = 0.8
AVERAGED: Final = 0.5  # of the steps, the last ones: noise of one of them is not the model's


def descend(
    read: Described, start: NDArray[np.float64], n_users: float, telling: Telling, rho: float
) -> NDArray[np.float64]:
    """Parameters that explain better what was taken, shape (F,).

    Args:
        read: What is learned from.
        start: Parameters to start from, shape (F,).
        n_users: Users, as told.
        telling: Adds the noise.
        rho: What all steps may cost.
    """
    cells = [str(place) for place in range(len(start))]
    now, speed = start.copy(), np.zeros_like(start)
    kept = []
    for step in range(STEPS):
        exact = clipped(gradients(read, now)).sum(axis=0)
        told = telling.tell(f"step {step}", cells, exact, LENGTH, rho / STEPS)
        speed = MOMENTUM * speed - RATE * told / max(n_users, 1.0)
        now = now + speed
        kept.append(now)
    return np.asarray(np.mean(kept[-int(AVERAGED * STEPS) :], axis=0), np.float64)


def clipped(gradients: NDArray[np.float64]) -> NDArray[np.int64]:
    """Whole steps of 1 / GRID, none longer than LENGTH in all, rounded towards 0; (m, F)."""
    lengths = np.linalg.norm(gradients, axis=1, keepdims=True)
    short = gradients * (LENGTH / np.maximum(lengths, LENGTH))
    # A hair less: rounding of lengths must not make one longer.
    return np.asarray(np.trunc(short * (GRID * (1 - 1e-9))), np.int64)


def gradients(read: Described, parameters: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of each user's mean loss over their days, shape (m, F).

    The loss of a day is the mean negative log likelihood of what was taken, by softmax over the
    candidates, each as often as there are items that it stands for.
    """
    scores = read.features @ parameters.astype(np.float32) + read.offsets
    scores = np.where(read.are_listed, scores, -np.inf)
    shares = np.exp(scores - scores.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    taken = read.are_taken / read.are_taken.sum(axis=1, keepdims=True)
    of_days = np.einsum("nc,ncf->nf", (shares - taken).astype(np.float32), read.features)
    sums = np.add.reduceat(of_days.astype(np.float64), read.starts, axis=0)
    n_days = np.diff(np.append(read.starts, len(of_days)))
    return sums / n_days[:, None]
