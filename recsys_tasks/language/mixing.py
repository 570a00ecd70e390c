"""The order of a list's first entries by the model's scores and a language model's together."""

import numpy as np
from numpy.typing import NDArray


def mixed_order(
    scores: NDArray[np.float32], lifts: NDArray[np.float32], weight: float
) -> NDArray[np.intp]:
    """The places of some entries in the order of (1 - weight) * score + weight * lift.

    Both are stretched over the entries, the least to 0 and the greatest to 1. The first entry stays
    the first: rank 1 is the best score under every policy (docs/adr/0011). A lift that is nan
    counts as the mean of the others.

    Args:
        scores: Of the first n entries of a list, best first.
        lifts: Of the same.
        weight: From 0, which leaves the order as it is, to 1.

    Returns:
        Shape (n,), a permutation; of equals the better score comes first.

    >>> mixed_order(np.float32([4, 3, 2, 1]), np.float32([0, 0, 1, 2]), 0.6).tolist()
    [0, 3, 2, 1]
    """
    known = np.isfinite(lifts)
    if not weight or not known.any():
        return np.arange(len(scores))
    told = np.where(known, lifts, lifts[known].mean())
    values = (1 - weight) * _stretched(scores) + weight * _stretched(told)
    values[0] = np.inf
    return np.argsort(-values, kind="stable")


def _stretched(values: NDArray[np.float32]) -> NDArray[np.float64]:
    """The same order from 0 to 1; 0 where all are alike."""
    wide = values.astype(np.float64)
    spread = wide.max() - wide.min()
    stretched: NDArray[np.float64] = (wide - wide.min()) / (spread or 1)
    return stretched
