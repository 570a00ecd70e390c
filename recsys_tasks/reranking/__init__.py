"""The second stage: some 200 candidates a user are ranked again, on what the night knows of each."""

from recsys_tasks.reranking.features import FEATURES, Candidates, Evidence, Sides, gather
from recsys_tasks.reranking.second_stage import Groups, SecondStage, grow

__all__ = [
    "FEATURES",
    "Candidates",
    "Evidence",
    "Groups",
    "SecondStage",
    "Sides",
    "gather",
    "grow",
]
