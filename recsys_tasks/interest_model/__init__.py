"""The model: what an interaction weighs, what a day adds to an interest, and how items are scored.

`ZeroShot` has its numbers from the preset, `Learned` from training; `InterestModel` is what both
offer, in docs/model.md with its formulas.
"""

from recsys_tasks.interest_model.adding import Contributions, Deltas, contributions, deltas
from recsys_tasks.interest_model.learned import Learned, features_of, n_features_of
from recsys_tasks.interest_model.model import InterestModel, ItemFacts, UserFacts
from recsys_tasks.interest_model.weighing import Weights, rating_strength, scale_of, weigh
from recsys_tasks.interest_model.zero_shot import ZeroShot, centre_of, log_trends

__all__ = [
    "Contributions",
    "Deltas",
    "InterestModel",
    "ItemFacts",
    "Learned",
    "UserFacts",
    "Weights",
    "ZeroShot",
    "centre_of",
    "contributions",
    "deltas",
    "features_of",
    "log_trends",
    "n_features_of",
    "rating_strength",
    "scale_of",
    "weigh",
]
