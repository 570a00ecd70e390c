"""Training: fits the interest model and the second stage, and chooses on validation."""

from recsys_tasks.training.fitting import Fitting
from recsys_tasks.training.learning import Choice, Training, train
from recsys_tasks.training.options import TrainingData, TrainingOptions, options_of
from recsys_tasks.training.reranked_scorer import RerankedScorer
from recsys_tasks.training.variants import INTEREST, RERANKED, SharedTraining, TrainedScorer

__all__ = [
    "INTEREST",
    "RERANKED",
    "Choice",
    "Fitting",
    "RerankedScorer",
    "SharedTraining",
    "TrainedScorer",
    "Training",
    "TrainingData",
    "TrainingOptions",
    "options_of",
    "train",
]
