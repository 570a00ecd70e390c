"""A model with other half-lives than its own, and nothing else changed."""

from dataclasses import replace
from typing import Final

import numpy as np

from recsys_tasks.interest_model.learned import Learned
from recsys_tasks.interest_model.model import InterestModel
from recsys_tasks.interest_model.zero_shot import ZeroShot

NO_DECAY: Final = 1e12  # days: over ten thousand of them, float32 retains all
# Half-lives side by side name rows of a table: float32 still tells them apart.
_APART: Final = 1e-6


def with_half_life(model: InterestModel, days: float) -> InterestModel:
    """The model with one half-life in place of all.

    The zero-shot model has one that counts as much as all of its own together: what several alike
    would give. A learned one has a prior and a place in items' vectors for each of its own, so each
    stays, and all are alike but for a millionth.

    Raises:
        TypeError: It is neither.
    """
    if isinstance(model, ZeroShot):
        return model.with_half_life(days)
    if isinstance(model, Learned):
        alike = days * (1 + _APART * np.arange(len(model.half_lives)))
        return replace(model, half_lives=tuple(alike.tolist()))
    message = f"{type(model).__name__} has no half-lives to replace"
    raise TypeError(message)
