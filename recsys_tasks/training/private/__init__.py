"""Training with differential privacy: few parameters, learned and judged with noise.

The unit is a user, with all they ever did. What a user adds to any sum is bounded; sums are whole
numbers with noise of the discrete Gaussian distribution, whose costs add up by zero-concentrated
privacy. Trends are read as they were told, with noise of their own: what they tell is their cost.
"""

from recsys_tasks.training.private.judging import Verdict
from recsys_tasks.training.private.learning import Lesson, PrivateTraining, Spent, learn
from recsys_tasks.training.private.parameters import Form

__all__ = ["Form", "Lesson", "PrivateTraining", "Spent", "Verdict", "learn"]
