"""iALS: factors of users and items, the users' solved anew from today's history.

Hu, Koren and Volinsky, Collaborative filtering for implicit feedback datasets (ICDM 2008), as
implicit computes it. That it is strong once tuned: Rendle et al. (RecSys 2022).
"""

from dataclasses import dataclass
from itertools import product
from typing import Final

import numpy as np
from implicit.cpu.als import AlternatingLeastSquares
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from recsys_tasks.evaluation.baselines.tuning import Tuned
from recsys_tasks.histories import histories, user_items
from recsys_tasks.interactions import Catalogue, Interactions

FACTORS: Final = (64, 32)
ALPHAS: Final = (5.0, 1.0)
REGULARIZATION: Final = 0.05
ITERATIONS: Final = 20
SEED: Final = 0


@dataclass(frozen=True)
class Factors:
    """A fitted model; None where there was nothing to fit."""

    model: AlternatingLeastSquares | None
    n_items: int

    def scores(
        self, past: Interactions, users: NDArray[np.int32], day: int, half_life: float | None
    ) -> NDArray[np.float32]:
        """Inner products with factors solved from the whole past; shape (n, n_items)."""
        if self.model is None:
            return np.zeros((len(users), self.n_items), np.float32)
        seen = histories(past, users, day, half_life, self.n_items)
        solved = self.model.recalculate_user(np.arange(len(users)), seen)
        return np.asarray(solved @ self.model.item_factors.T, np.float32)


def ials() -> Tuned[tuple[int, float], float | None]:
    """The baseline `ials`, which chooses the number of factors and the weight of a deed."""
    return Tuned("ials", _learn, tuple(product(FACTORS, ALPHAS)), (None,))


def _learn(
    past: Interactions, catalogue: Catalogue, day: int, learning: tuple[int, float]
) -> Factors:
    del day
    factors, alpha = learning
    taken = user_items(past, len(catalogue))
    if not taken.nnz:
        return Factors(None, len(catalogue))
    # implicit has threads of its own, and warns where the BLAS library has some too.
    with threadpool_limits(1, "blas"):
        model = AlternatingLeastSquares(
            factors=factors,
            regularization=REGULARIZATION,
            alpha=alpha,
            iterations=ITERATIONS,
            random_state=SEED,
        )
        model.fit(taken, show_progress=False)
    return Factors(model, len(catalogue))
