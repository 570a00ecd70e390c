"""Division that answers nan where there is nothing to divide by."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def share(part: ArrayLike, whole: ArrayLike) -> NDArray[np.float64]:
    """`part / whole`, elementwise; nan where `whole` is 0.

    >>> share([1, 0], [2, 0]).tolist()
    [0.5, nan]
    """
    part, whole = np.broadcast_arrays(np.asarray(part, np.float64), np.asarray(whole, np.float64))
    result: NDArray[np.float64] = np.full(whole.shape, np.nan)
    np.divide(part, whole, out=result, where=whole != 0)
    return result
