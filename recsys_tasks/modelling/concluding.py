"""How a training ends: what became of it is written down, and its model serves or is kept."""

import json
from datetime import date
from typing import NamedTuple

from recsys_tasks.modelling.comparing import Comparison
from recsys_tasks.modelling.embedding_beside import bring_encoder
from recsys_tasks.modelling.switching import forget_surplus, switch
from recsys_tasks.settings import Settings
from recsys_tasks.warehouse import Session
from recsys_tasks.warehouse.encoders import NamedEncoder
from recsys_tasks.warehouse.models import LiveModel


class Outcome(NamedTuple):
    """What became of a training.

    Attributes:
        model_id: Of the new model.
        trained_until: The day after the last that it learned from.
        facts: Of its training, in numbers.
        comparison: With the model that served; None where there was nothing to compare on.
        serves: Whether it serves now.
    """

    model_id: str
    trained_until: date
    facts: dict[str, float]
    comparison: Comparison | None
    serves: bool


def conclude(
    session: Session,
    settings: Settings,
    live: LiveModel,
    comparison: Comparison | None,
    *,
    serves: bool,
    named: NamedEncoder | None,
) -> None:
    """Write down how the trial ended, and let the model serve or keep it."""
    found = comparison._asdict() if comparison else {}
    if comparison:
        found["wins"] = comparison.wins
    session.execute(
        "set_validation",
        model_key=live.stored.model_key,
        validation=json.dumps({**found, "serves": serves}, default=str),
    )
    if serves:
        if named:
            bring_encoder(session, settings, named)
        switch(session, settings, live)
        return
    session.execute("keep_candidate", model_key=live.stored.model_key)
    forget_surplus(session, settings)
