"""What a rank is worth: the discount that metrics share."""

import numpy as np
from numpy.typing import NDArray


def log_discount(k: int) -> NDArray[np.float64]:
    """1 / log2(rank + 1) of the ranks 1 to k, shape (k,).

    Järvelin and Kekäläinen (2002), with the first rank discounted by nothing.

    >>> log_discount(3).round(3).tolist()
    [1.0, 0.631, 0.5]
    """
    return 1 / np.log2(np.arange(2, k + 2))
