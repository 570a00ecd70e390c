"""An encoder that has to win before it serves."""

from typing import NamedTuple

from recsys_tasks.modelling.comparing import Comparison
from recsys_tasks.modelling.encoders import compare_encoder, switch_encoder
from recsys_tasks.modelling.learning import train
from recsys_tasks.settings import Settings
from recsys_tasks.warehouse import Warehouse
from recsys_tasks.warehouse.models import ZERO_SHOT, serving_model


class Trial(NamedTuple):
    """What became of an encoder that had to win.

    Attributes:
        comparison: Both zero-shot.
        serves: Whether it serves now.
    """

    comparison: Comparison
    serves: bool


def try_encoder(warehouse: Warehouse, settings: Settings, name: str) -> Trial:
    """Let an encoder serve if it wins: zero-shot, and trained where what serves was trained.

    Raises:
        UnknownEncoder: There is none of this name.
        NothingToEvaluate: Nobody did anything to compare on that it has not learned from.
    """
    comparison = compare_encoder(warehouse, settings, name)
    serves = comparison.wins
    if comparison.wins:
        with warehouse.transaction() as session:
            is_learned = serving_model(session).kind != ZERO_SHOT
        if is_learned:
            serves = train(warehouse, settings, encoder=name).serves
        else:
            switch_encoder(warehouse, settings, name)
    return Trial(comparison, serves)
