"""Decayed popularity blended with EASE: what everyone wants, beside what this user wants."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.evaluation.baselines.tuning import Model, Tuned
from recsys_tasks.interactions import Catalogue, Interactions
from recsys_tasks.popularity import Popularity

WEIGHTS: Final = (0.5, 0.25, 1.0, 2.0, 4.0, 8.0, 16.0)
HALF_LIVES: Final = (3, 1, 7, 14, 30)
# Added before the logarithm: the score, and the count, of what nobody has spoken for.
LEAST_SCORE: Final = 1e-3
LEAST_COUNT: Final = 1e-2


class Mixture(NamedTuple):
    """How much popularity counts, and how fast it fades in days."""

    weight: float
    half_life: int


@dataclass(frozen=True)
class Blend:
    """A fitted EASE beside popularity at each half-life."""

    ease: Model[float | None]
    ease_half_life: float | None
    popularity: Mapping[int, Popularity]

    def scores(
        self, past: Interactions, users: NDArray[np.int32], day: int, mixture: Mixture
    ) -> NDArray[np.float32]:
        """The logarithms of both, with a floor, popularity times its weight; (n, n_items)."""
        personal = self.ease.scores(past, users, day, self.ease_half_life)
        counts = self.popularity[mixture.half_life].before(past, day)
        trend = mixture.weight * np.log(counts + LEAST_COUNT)
        return np.log(np.maximum(personal, 0) + LEAST_SCORE) + trend.astype(np.float32)


def blend(ease: Tuned[float, float | None]) -> Tuned[None, Mixture]:
    """The baseline `blend`, which chooses the mixture; `ease` is fitted before it."""
    mixtures = [Mixture(*pair) for pair in product(WEIGHTS, HALF_LIVES)]
    return Tuned("blend", partial(_learn, ease), (None,), mixtures)


def _learn(
    ease: Tuned[float, float | None],
    past: Interactions,
    catalogue: Catalogue,
    day: int,
    learning: None,
) -> Blend:
    del learning
    if day not in ease.models:
        ease.fit(past, catalogue, day)
    popularity = {half_life: Popularity(len(catalogue), half_life) for half_life in HALF_LIVES}
    return Blend(ease.models[day], ease.choice[1], popularity)
