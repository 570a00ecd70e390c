"""What one contribution adds to a release, bounded, in whole steps of 1 / GRID."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

# Whole numbers have no rounding that could tell of what was rounded: Mironov, On significance of
# the least significant bits for differential privacy (CCS 2012).
GRID: Final = 64


def clipped_counts(
    who: NDArray[np.integer], what: NDArray[np.integer], n_cells: int, most: int
) -> NDArray[np.int64]:
    """How many took to each cell, where nobody counts more than `most` in all.

    Who took to k cells counts 1 in each, or most / k, rounded down, where that is less. So a
    contributor who comes or goes changes the counts by at most most * GRID steps in all.

    Args:
        who: The contributor of each taking, shape (n,).
        what: Its cell, below n_cells, shape (n,); a contributor's same one counts once.
        n_cells: Length of the result.
        most: What one contributor counts at most.

    Returns:
        Steps of 1 / GRID, shape (n_cells,).

    >>> (clipped_counts(np.array([7, 7, 8]), np.array([0, 1, 1]), 3, most=1) / GRID).tolist()
    [0.5, 1.5, 0.0]
    """
    pairs = np.unique(who.astype(np.int64) * n_cells + what)
    contributors, cells = np.divmod(pairs, max(n_cells, 1))
    _, rows, n_taken = np.unique(contributors, return_inverse=True, return_counts=True)
    steps = np.minimum(most * GRID // np.maximum(n_taken, 1), GRID)
    counts = np.zeros(n_cells, np.int64)
    np.add.at(counts, cells, steps[rows])
    return counts


def bounded_steps(values: NDArray[np.floating]) -> NDArray[np.int64]:
    """Values in steps of 1 / GRID, moved into [0, 1] where they lie outside; nan counts as 0."""
    steps: NDArray[np.int64] = np.rint(np.clip(np.nan_to_num(values), 0, 1) * GRID).astype(np.int64)
    return steps
