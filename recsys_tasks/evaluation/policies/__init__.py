"""Policies of decay as variants of the protocol."""

from recsys_tasks.evaluation.policies.choosing import best_before
from recsys_tasks.evaluation.policies.compared import (
    PersonalPart,
    Policies,
    parameters_of,
    policies,
)
from recsys_tasks.evaluation.policies.fixed_alpha import FixedAlphaScorer, fixed_alpha_state_of

__all__ = [
    "FixedAlphaScorer",
    "PersonalPart",
    "Policies",
    "best_before",
    "fixed_alpha_state_of",
    "parameters_of",
    "policies",
]
