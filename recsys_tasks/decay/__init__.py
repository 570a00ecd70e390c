"""The algebra of interests that ebb: decayed sums, and the policies that they can follow."""

from recsys_tasks.decay.policies import ENDLESS, FixedAlpha, HalfLives, NoDecay, Policy
from recsys_tasks.decay.sums import (
    Decayed,
    alpha,
    blend,
    fold,
    half_life,
    merge,
    retention,
    seen_from,
    zero,
)

__all__ = [
    "ENDLESS",
    "Decayed",
    "FixedAlpha",
    "HalfLives",
    "NoDecay",
    "Policy",
    "alpha",
    "blend",
    "fold",
    "half_life",
    "merge",
    "retention",
    "seen_from",
    "zero",
]
