"""Which model serves, and what is kept of the others."""

from recsys_tasks.errors import UnknownModel
from recsys_tasks.modelling.rebuilding import catch_up, rebuild
from recsys_tasks.settings import Settings
from recsys_tasks.steps.accumulate import forget_retired
from recsys_tasks.warehouse import Session, Warehouse
from recsys_tasks.warehouse.models import (
    ZERO_SHOT,
    LiveModel,
    StoredModel,
    load_live,
    serve,
    serving_model,
)


def serve_model(warehouse: Warehouse, settings: Settings, model_id: str) -> StoredModel:
    """Let a kept model serve, once its interests are up to date.

    Raises:
        UnknownModel: There is no such model, or it cannot serve.
        BrokenModel: Its parameters do not load.
    """
    with warehouse.transaction() as session:
        live = load_live(session, _servable(session, settings, model_id))
    rebuild(warehouse, settings, live)
    with warehouse.transaction(exclusive=True) as session:
        _servable(session, settings, model_id)
        switch(session, settings, live)
    return live.stored


def switch(session: Session, settings: Settings, live: LiveModel) -> None:
    """Let a model serve, and forget what is beyond the number of kept ones."""
    catch_up(session, settings, live)
    serve(session, live.stored)
    forget_surplus(session, settings)


def forget_surplus(session: Session, settings: Settings) -> None:
    """Retire kept models but the newest, as many as the settings say."""
    session.execute("retire_surplus", keep_models=settings.keep_models)
    forget_retired(session)


def retire_model(warehouse: Warehouse, model_id: str) -> StoredModel:
    """Give up a model: its deltas, totals and interests go, its parameters stay.

    Raises:
        UnknownModel: There is no such model, or nights cannot do without it.
    """
    with warehouse.transaction(exclusive=True) as session:
        stored, state = _find(session, model_id)
        if state == "serving":
            raise UnknownModel(model_id=model_id, problem="serves: let another one serve first")
        if stored.kind == ZERO_SHOT and state == "kept":
            problem = "is what a night falls back to, and stays"
            raise UnknownModel(model_id=model_id, problem=problem)
        session.execute("set_model_state", model_key=stored.model_key, state="retired")
        forget_retired(session)
    return stored


def _find(session: Session, model_id: str) -> tuple[StoredModel, str]:
    """A model and its state.

    Raises:
        UnknownModel: There is none.
    """
    row = session.row("model_named", model_id=model_id)
    if row is None:
        raise UnknownModel(model_id=model_id, problem="is not there")
    *stored, state = row
    return StoredModel(*stored), state


def _servable(session: Session, settings: Settings, model_id: str) -> StoredModel:
    """A kept model over the vectors and weights of now.

    Raises:
        UnknownModel: It is none.
    """
    stored, state = _find(session, model_id)
    serving = serving_model(session)
    if state not in {"kept", "serving"}:
        raise UnknownModel(model_id=model_id, problem=f"is {state}, and only a kept one can serve")
    if (stored.encoder_id, stored.dim) != (serving.encoder_id, serving.dim):
        problem = f"was made for the encoder {stored.encoder_id}, and {serving.encoder_id} is set"
        raise UnknownModel(model_id=model_id, problem=problem)
    preset = session.value("preset_of_model", model_key=stored.model_key)
    if preset not in {None, settings.preset}:
        problem = f"was made for the preset {preset}, and {settings.preset} is set"
        raise UnknownModel(model_id=model_id, problem=problem)
    return stored
