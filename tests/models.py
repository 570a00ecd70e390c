"""A learned model made by hand, for whatever asks one."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.interest_model import Learned


def learned_of(
    item_keys: Sequence[int],
    dim: int,
    *,
    type_keys: Sequence[int] = (1, 2, 3),
    half_lives: tuple[float, ...] = (2.0, 30.0),
    d: int = 3,
    strength: float = 1.0,
    seed: int = 0,
) -> Learned:
    """Random parameters of the right shapes.

    Args:
        item_keys: Of the items that have ids.
        dim: Coordinates of texts' vectors.
        type_keys: Of the event types that it met.
        half_lives: In days.
        d: Coordinates a half-life.
        strength: What scales of interests are multiplied by; negative ones turn tastes around.
        seed: Of the numbers.
    """
    rng = np.random.default_rng(seed)
    n, h, trend_half_lives = len(item_keys), len(half_lives), (1.0, 7.0)
    n_features = 2 * len(trend_half_lives) + 3

    def some(*shape: int) -> NDArray[np.float32]:
        return rng.normal(0, 0.5, shape).astype(np.float32)

    return Learned(
        half_lives=half_lives,
        trend_half_lives=trend_half_lives,
        scales=np.full(h, strength, np.float32),
        prior_mass=0.5,
        prior=some(h, d),
        centre=some(dim),
        p_in=some(dim, d),
        p_out=some(dim, h * d),
        item_keys=np.array(item_keys, np.int32),
        in_ids=some(n, d),
        out_ids=some(n, h * d),
        earned_at=4.0,
        tau=np.abs(some(n_features)),
        tau_by_mass=some(n_features) * np.float32(0.1),
        type_keys=np.array(sorted(type_keys), np.int16),
        type_gains=np.abs(some(len(type_keys), 3)) + np.float32(0.1),
    )
