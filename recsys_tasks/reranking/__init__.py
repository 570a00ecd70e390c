"""The second stage: some 200 candidates a user are ranked again on all that the night knows."""

from recsys_tasks.reranking.features import FEATURES
from recsys_tasks.reranking.gathering import Candidates, gather
from recsys_tasks.reranking.plain_scores import Evidence, Sides
from recsys_tasks.reranking.second_stage import (
    Groups,
    Grown,
    SecondStage,
    grow,
    with_the_rest,
)

__all__ = [
    "FEATURES",
    "Candidates",
    "Evidence",
    "Groups",
    "Grown",
    "SecondStage",
    "Sides",
    "gather",
    "grow",
    "with_the_rest",
]
