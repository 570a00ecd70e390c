"""Reasons: what a score rests on, out of its exact decomposition."""

from recsys_tasks.explaining.contributing import Contributors, contributors
from recsys_tasks.explaining.decomposing import Decomposition, decompose, horizons, meanings
from recsys_tasks.explaining.reasons import INTERACTION, NEW, TEXT, TREND, Reasons, explain

__all__ = [
    "INTERACTION",
    "NEW",
    "TEXT",
    "TREND",
    "Contributors",
    "Decomposition",
    "Reasons",
    "contributors",
    "decompose",
    "explain",
    "horizons",
    "meanings",
]
