"""The model that serves."""

from typing import NamedTuple

from recsys_tasks.errors import NoModel
from recsys_tasks.warehouse.session import Session


class ServingModel(NamedTuple):
    """Which space vectors live in.

    Attributes:
        model_key: In the table models.
        model_id: Its name for people.
        encoder_id: Whose vectors it reads.
        dim: Their length.
    """

    model_key: int
    model_id: str
    encoder_id: str
    dim: int


def serving_model(session: Session) -> ServingModel:
    """The model that serves.

    Raises:
        NoModel: None was made yet.
    """
    row = session.row("serving_model")
    if row is None:
        raise NoModel(schema=session.schema)
    return ServingModel(*row)
