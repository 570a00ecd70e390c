"""How good lists are: one protocol for the nightly step, for backtest and for every figure."""

from recsys_tasks.evaluation.metrics import METRICS
from recsys_tasks.evaluation.protocol import Scorer, SharedScorer, replay
from recsys_tasks.evaluation.ready_lists import ReadyLists
from recsys_tasks.evaluation.replays import Lists, Replay
from recsys_tasks.evaluation.served import meet_day, summarise_served
from recsys_tasks.evaluation.summary import (
    Difference,
    Evaluation,
    differences,
    summarise,
)
from recsys_tasks.evaluation.user_days import SEGMENTS, TARGETS, last_fifth

__all__ = [
    "METRICS",
    "SEGMENTS",
    "TARGETS",
    "Difference",
    "Evaluation",
    "Lists",
    "ReadyLists",
    "Replay",
    "Scorer",
    "SharedScorer",
    "differences",
    "last_fifth",
    "meet_day",
    "replay",
    "summarise",
    "summarise_served",
]
