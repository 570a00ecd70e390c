"""Changing the encoder while the old one serves: compare, switch, and give up.

A model reads one encoder's vectors, so an encoder serves with a model of its own: one that was
trained on its vectors, else the zero-shot one. Interests are made anew beside those that serve, and
one transaction switches both.
"""

from datetime import date

from recsys_tasks.errors import NothingToEvaluate, UnknownEncoder
from recsys_tasks.finetuning import tuned_until
from recsys_tasks.interactions import day_number
from recsys_tasks.interest_model import ZeroShot
from recsys_tasks.modelling.comparing import Comparison, Rival, compare, first_unknown, window
from recsys_tasks.modelling.embedding_beside import bring_encoder, bring_vectors, find
from recsys_tasks.modelling.rebuilding import rebuild
from recsys_tasks.modelling.switching import switch
from recsys_tasks.settings import Settings, preset_of
from recsys_tasks.steps.accumulate import forget_retired
from recsys_tasks.warehouse import Session, Warehouse
from recsys_tasks.warehouse.encoders import NamedEncoder, encoder_in_use
from recsys_tasks.warehouse.history import end_of_history, read_history
from recsys_tasks.warehouse.models import (
    LEARNED,
    StoredModel,
    load_live,
    save_zero_shot,
    serving_model,
)


def compare_encoder(
    warehouse: Warehouse, settings: Settings, name: str, until: date | None = None
) -> Comparison:
    """Replay the last days with an encoder and with the one that serves, both zero-shot.

    So the encoder alone makes the difference; `train(..., encoder=name)` compares a model that was
    trained on its vectors with the one that serves. Days that a tuned encoder has learned from are
    left out.

    Raises:
        UnknownEncoder: There is none of this name.
        NoModel: No night has run yet.
        NothingToEvaluate: Nobody did anything to compare on that the encoder has not learned from.
    """
    named = bring_vectors(warehouse, settings, name)
    preset = preset_of(settings)
    model = ZeroShot.of(preset)
    with warehouse.transaction(exclusive=True) as session:
        serving = serving_model(session)
        end = end_of_history(session, until)
        history = read_history(session, preset, named, end)
        rivals = read_history(session, preset, serving, end)
        known_to_rival = tuned_until(encoder_in_use(session, settings).model)
    if not len(history.interactions):
        raise NothingToEvaluate(since="the first day", until=end)
    rival = Rival(model.fingerprint(serving.encoder_id), model, None, known_to_rival)
    last = day_number(end)
    since = max(
        window(history.interactions, last, rival), first_unknown(named.specification.model, last)
    )
    candidate = rival._replace(model_id=model.fingerprint(named.encoder_id))
    return compare(history, candidate, rival, since, last, preset, rivals)


def switch_encoder(warehouse: Warehouse, settings: Settings, name: str) -> StoredModel:
    """Let an encoder serve, with the newest model that was trained on its vectors.

    Where there is none, with the zero-shot model. The old one serves until its interests are made;
    what is cut off goes on when this is run again.

    Args:
        warehouse: Of the tenant.
        settings: Its settings.
        name: Of an encoder that was added; CONFIGURED for that of the settings.

    Raises:
        UnknownEncoder: There is none.
        BrokenModel: Its model's parameters do not load.
    """
    named = bring_vectors(warehouse, settings, name)
    with warehouse.transaction(exclusive=True) as session:
        live = load_live(session, _model_of(session, settings, named))
    rebuild(warehouse, settings, live)
    with warehouse.transaction(exclusive=True) as session:
        bring_encoder(session, settings, named)
        switch(session, settings, live)
    return live.stored


def _model_of(session: Session, settings: Settings, named: NamedEncoder) -> StoredModel:
    """The model that is to serve with an encoder."""
    row = session.row(
        "newest_learned_model",
        encoder_id=named.encoder_id,
        kind=LEARNED,
        preset=settings.preset,
    )
    if row is not None:
        return StoredModel(*row)
    model = ZeroShot.of(preset_of(settings))
    stored = save_zero_shot(session, model, named.encoder_id, named.dim)
    if stored != serving_model(session):
        session.execute("set_model_state", model_key=stored.model_key, state="kept")
    return stored


def retire_encoder(warehouse: Warehouse, settings: Settings, name: str) -> NamedEncoder:
    """Give up an encoder that was added: its name goes, its vectors, and its models' interests.

    Raises:
        UnknownEncoder: There is none, or it serves.
    """
    with warehouse.transaction(exclusive=True) as session:
        named = find(session, settings, name)
        if named.serves or named.encoder_id == serving_model(session).encoder_id:
            raise UnknownEncoder(name=name, problem="serves: let another one serve first")
        session.execute("delete_encoder", name=name)
        session.execute("retire_models_of_encoder", encoder_id=named.encoder_id)
        forget_retired(session)
        session.execute("delete_vectors_of_encoder", encoder_id=named.encoder_id)
        session.execute("delete_direction_of_encoder", encoder_id=named.encoder_id)
    return named
