"""What each variant of the settings ranks by."""

import hashlib
import json

from recsys_tasks.errors import BrokenModel, UnknownModel
from recsys_tasks.interest_model import InterestModel, Learned, ZeroShot
from recsys_tasks.interest_model.replacing import NO_DECAY, with_half_life
from recsys_tasks.settings import Settings, Variant
from recsys_tasks.variants import SERVING, ZERO_SHOT
from recsys_tasks.warehouse.artifacts import pack
from recsys_tasks.warehouse.models import StoredModel, load_model, serving_model
from recsys_tasks.warehouse.session import Session


def name_variant_models(session: Session, settings: Settings) -> None:
    """Write down what the variants rank by; make the models that differ by their half-lives.

    Where a variant's model cannot be used, what is wrong with it is written down instead.

    Raises:
        NoModel: None was made yet.
    """
    serving = serving_model(session)
    session.execute("delete_variant_models")
    for name, variant in sorted(settings.variants.items()):
        model_key, problem = None, None
        try:
            model_key = _model_key(session, settings, variant, serving)
        except (BrokenModel, UnknownModel) as error:
            problem = str(error)
        session.execute("insert_variant_model", variant=name, model_key=model_key, problem=problem)
    session.execute("retire_stray_variant_models")


def _model_key(
    session: Session, settings: Settings, variant: Variant, serving: StoredModel
) -> int | None:
    """The model of a variant; None for whichever serves.

    Raises:
        UnknownModel: There is none, or it cannot be used.
        BrokenModel: Its parameters do not load.
    """
    stored = _named(session, settings, variant.model, serving)
    decay = variant.own_decay
    if decay is None:
        return None if variant.model == SERVING else stored.model_key
    model = with_half_life(load_model(session, stored), decay.half_life or NO_DECAY)
    return _keep(session, stored, model)


def _named(session: Session, settings: Settings, name: str, serving: StoredModel) -> StoredModel:
    if name == SERVING:
        return serving
    if name == ZERO_SHOT:
        row = session.row("zero_shot_beside", model_key=serving.model_key)
        if row is None:
            raise UnknownModel(model_id=name, problem="is not there")
        return StoredModel(*row)
    row = session.row("model_named", model_id=name)
    if row is None:
        raise UnknownModel(model_id=name, problem="is not there")
    *fields, state = row
    stored = StoredModel(*fields)
    if state == "retired":
        raise UnknownModel(model_id=name, problem="is retired")
    if (stored.encoder_id, stored.dim) != (serving.encoder_id, serving.dim):
        raise UnknownModel(model_id=name, problem=f"was made for the encoder {stored.encoder_id}")
    preset = session.value("preset_of_model", model_key=stored.model_key)
    if preset not in {None, settings.preset}:
        raise UnknownModel(model_id=name, problem=f"was made for the preset {preset}")
    return stored


def _keep(session: Session, source: StoredModel, model: InterestModel) -> int:
    """The key of a model that was made out of another one."""
    model_id = model.fingerprint(source.encoder_id)
    artifact = pack(model) if isinstance(model, Learned) else None
    session.execute(
        "keep_variant_model",
        model_id=model_id,
        source=source.model_key,
        parameters=json.dumps(model._asdict()) if isinstance(model, ZeroShot) else None,
        artifact=artifact,
        artifact_sha256=None if artifact is None else hashlib.sha256(artifact).digest(),
    )
    return int(session.value("model_named", model_id=model_id))
