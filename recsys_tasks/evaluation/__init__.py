"""How good lists are: one protocol for the nightly step, for backtest and for every figure."""

from recsys_tasks.evaluation.metrics import METRICS
from recsys_tasks.evaluation.protocol import Scorer, replay
from recsys_tasks.evaluation.ready_lists import (
    ReadyLists,
    meet_night,
    summarise_met,
    summarise_night,
)
from recsys_tasks.evaluation.replays import Lists, Replay
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
    "differences",
    "last_fifth",
    "meet_night",
    "replay",
    "summarise",
    "summarise_met",
    "summarise_night",
]
