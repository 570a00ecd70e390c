"""EASE^R: the best linear map from what a user took to, to what the user took to besides.

Steck, Embarrassingly shallow autoencoders for sparse data (WWW 2019): see cooccurrence.py.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.cooccurrence import ease_weights
from recsys_tasks.evaluation.baselines.tuning import Tuned
from recsys_tasks.histories import histories, user_items
from recsys_tasks.interactions import Catalogue, Interactions

HALF_LIVES: Final = (60.0, 3.0, 14.0, None)
L2: Final = (500.0, 200.0, 50.0)


@dataclass(frozen=True)
class Ease:
    """Weights among the items that share users with others.

    Attributes:
        items: Rows of those a items, ascending, shape (a,).
        weights: How item i speaks for item j, shape (a, a).
        n_items: Items in the catalogue; all others score 0.
    """

    items: NDArray[np.intp]
    weights: NDArray[np.float32]
    n_items: int

    def scores(
        self,
        past: Interactions,
        users: NDArray[np.int32],
        day: int,
        half_life: float | None,
    ) -> NDArray[np.float32]:
        """What each user's past says for each item; shape (n, n_items)."""
        seen = histories(past, users, day, half_life, self.n_items)
        scores = np.zeros((len(users), self.n_items), np.float32)
        scores[:, self.items] = seen[:, self.items] @ self.weights
        return scores


def ease() -> Tuned[float, float | None]:
    """The baseline `ease`, which chooses l2 and the half-life of histories."""
    return Tuned("ease", _learn, L2, HALF_LIVES)


def _learn(past: Interactions, catalogue: Catalogue, day: int, l2: float) -> Ease:
    del day
    items, weights = ease_weights(user_items(past, len(catalogue)), l2)
    return Ease(items, weights, len(catalogue))
