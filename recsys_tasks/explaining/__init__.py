"""Reasons: what a score rests on, out of its exact decomposition."""

from recsys_tasks.explaining.first_stage import FirstStage, Parts
from recsys_tasks.explaining.grounds import (
    EARLIER,
    EVERYONE,
    HABITS,
    INTERACTION,
    NEW,
    PEERS,
    TEXT,
    TOGETHER,
    TREND,
    Grounds,
    horizons,
    put_together,
    trend_days,
)
from recsys_tasks.explaining.reasons import EXPLAINED, N_REASONS, Explained, Reasons, explain
from recsys_tasks.explaining.second_stage import Reranked, SecondStageParts, contributions_of

__all__ = [
    "EARLIER",
    "EVERYONE",
    "EXPLAINED",
    "HABITS",
    "INTERACTION",
    "NEW",
    "N_REASONS",
    "PEERS",
    "TEXT",
    "TOGETHER",
    "TREND",
    "Explained",
    "FirstStage",
    "Grounds",
    "Parts",
    "Reasons",
    "Reranked",
    "SecondStageParts",
    "contributions_of",
    "explain",
    "horizons",
    "put_together",
    "trend_days",
]
