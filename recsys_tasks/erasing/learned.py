"""What was learned from a user among others, and stays what it is until it is learned anew."""

from datetime import date

from recsys_tasks.encoder import Specification
from recsys_tasks.finetuning import tuned_until
from recsys_tasks.settings import Settings
from recsys_tasks.warehouse import Session
from recsys_tasks.warehouse.encoders import CONFIGURED


def learned_from(session: Session, settings: Settings, first_day: date) -> dict[str, str]:
    """Models and tuned encoders that learned from days after a user's first, with their state.

    An encoder tells by the card beside its weights: of one whose folder is not on this machine
    nothing is known.
    """
    models: dict[str, str] = dict(session.rows("models_that_learned_from", first_day=first_day))
    own = Specification.of(settings)
    encoders = [(CONFIGURED, CONFIGURED, own.facts), *session.rows("encoders_with_origin")]
    return models | {
        f"encoder {name}": state
        for name, state, facts in encoders
        if (until := tuned_until(facts["model"])) is not None and until > first_day
    }
