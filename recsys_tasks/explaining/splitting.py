"""What each feature of the second stage belongs to, and by what shares it is split."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.reranking import FEATURES

# Features that tell of the same thing are split alike: by the first stage's parts, all or the
# personal ones; by what speaks for the item, or is like it in words, at a half-life in days; by
# what the user had of the very item.
FIRST_STAGE: Final = ("first_stage", "behind_best", "log_rank_first_stage")
PERSONAL: Final = ("personal",)
COSINE: Final = {3: ("cosine_3",), 14: ("cosine_14", "log_rank_cosine"), 60: ("cosine_60",)}
EASE: Final = {14: ("ease_14",), 60: ("ease_60", "log_rank_ease")}
LIKENESS: Final = {2: ("text_2",), 90: ("text_90", "log_rank_text")}
VERY_ITEM: Final = {7: ("own_7",), 60: ("own_60", "days_since_own")}
# Which trend half-life a feature tells of, the shortest being 0.
TRENDS: Final = {
    **{f"log_trend_{place}": place for place in range(6)},
    "momentum_short": 0,
    "momentum_week": 1,
    "momentum_month": 3,
    "log_rank_trend_1": 1,
    "log_rank_trend_3": 3,
}
AGE: Final = ("age",)
HABIT: Final = (
    "log_history",
    "active_days",
    "mass_3",
    "mass_14",
    "mass_60",
    "days_idle",
    "taste_trend",
    "taste_age",
    "trend_less_taste",
    "age_less_taste",
)


def shares(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """The share of each of the values in their sum, along the last axis.

    With f the sum and S the sum of absolute values, v * f / max(f^2, S^2 / 4). So shares are v / f,
    and add up to 1, unless values against each other leave less than half of S; the less they
    leave, the less the shares add up to, and none is ever larger than 2.
    """
    total = values.sum(axis=-1, keepdims=True)
    size = np.abs(values).sum(axis=-1, keepdims=True)
    scale = np.maximum(total**2, size**2 / 4)
    factor = np.divide(total, scale, out=np.zeros_like(total), where=scale > 0)
    found: NDArray[np.float32] = values * factor
    return found


def given_by(given: NDArray[np.float32], names: tuple[str, ...]) -> NDArray[np.float32]:
    """What some features give, shape (b, m)."""
    summed: NDArray[np.float32] = given[..., [FEATURES.index(name) for name in names]].sum(axis=-1)
    return summed
