"""Models on a warehouse: training, comparing, switching, and what is kept of them.

`train` makes a candidate, lets it replay the last days against the model that serves, and switches
only if it wins beyond noise; `serve_model` goes back to a kept one; `retire_model` frees the space
of one that is not wanted any more.
"""

from recsys_tasks.modelling.comparing import Comparison
from recsys_tasks.modelling.concluding import Outcome
from recsys_tasks.modelling.embedding_beside import add as add_encoder
from recsys_tasks.modelling.encoders import compare_encoder, retire_encoder, switch_encoder
from recsys_tasks.modelling.fitting import Fitted, Request
from recsys_tasks.modelling.learning import train
from recsys_tasks.modelling.switching import retire_model, serve_model
from recsys_tasks.modelling.trying import Trial, try_encoder
from recsys_tasks.modelling.tuning import tune_encoder

__all__ = [
    "Comparison",
    "Fitted",
    "Outcome",
    "Request",
    "Trial",
    "add_encoder",
    "compare_encoder",
    "retire_encoder",
    "retire_model",
    "serve_model",
    "switch_encoder",
    "train",
    "try_encoder",
    "tune_encoder",
]
