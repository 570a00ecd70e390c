"""Models in the warehouse: which one serves, and their parameters."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

import structlog

from recsys_tasks.errors import BrokenModel, NoModel, first_line
from recsys_tasks.interest_model import InterestModel, Learned, ZeroShot
from recsys_tasks.warehouse.artifacts import pack, problem_of, unpack
from recsys_tasks.warehouse.interests import Shape
from recsys_tasks.warehouse.second_stages import load_second_stage
from recsys_tasks.warehouse.session import Session

if TYPE_CHECKING:
    from recsys_tasks.reranking import SecondStage

log = structlog.get_logger()

ZERO_SHOT, LEARNED = "zero-shot", "interest"  # kinds


class StoredModel(NamedTuple):
    """Which space vectors live in.

    Attributes:
        model_key: In the table models.
        model_id: Its name for people.
        kind: ZERO_SHOT or LEARNED.
        encoder_id: Whose vectors it reads.
        dim: Their length.
    """

    model_key: int
    model_id: str
    kind: str
    encoder_id: str
    dim: int


class LiveModel(NamedTuple):
    """A model whose interests every night brings up to date.

    Attributes:
        stored: Its row.
        interest: Its parameters.
        second_stage: What ranks its candidates again; None where it has none, or it was not asked
            for.
    """

    stored: StoredModel
    interest: InterestModel
    second_stage: "SecondStage | None" = None

    @property
    def shape(self) -> Shape:
        """Of its totals."""
        return Shape(self.interest.half_lives, self.interest.width(self.stored.dim))


def serving_model(session: Session) -> StoredModel:
    """The model that serves.

    Raises:
        NoModel: None was made yet.
    """
    row = session.row("serving_model")
    if row is None:
        raise NoModel(schema=session.schema)
    return StoredModel(*row)


def live_models(session: Session, *, both_stages: bool = True) -> list[LiveModel]:
    """The models of which a night makes lists: the one that serves, and then those of variants.

    Where the first does not load, the newest kept one that does serves from now on, and the ledger
    says so. Another one that does not load is left out: `rank` says so.

    Args:
        session: Of the night.
        both_stages: Whether the second ones are wanted: they take longest to load.

    Raises:
        NoModel: None was made yet.
        BrokenModel: None loads.
    """
    serving = serving_model(session)
    try:
        first = load_live(session, serving, both_stages=both_stages)
    except BrokenModel as broken:
        first = _fall_back(session, serving, broken)
    return [first, *_live_beside(session, first.stored, both_stages=both_stages)]


def _live_beside(
    session: Session, serving: StoredModel, *, both_stages: bool
) -> Iterator[LiveModel]:
    for row in session.rows("models_of_variants", model_key=serving.model_key):
        try:
            yield load_live(session, StoredModel(*row), both_stages=both_stages)
        except BrokenModel as broken:
            log.warning("the model of a variant does not load", reason=str(broken))


def _fall_back(session: Session, serving: StoredModel, broken: BrokenModel) -> LiveModel:
    for row in session.rows("fallbacks", model_key=serving.model_key):
        try:
            live = load_live(session, StoredModel(*row))
        except BrokenModel as other:
            log.warning("a kept model does not load", reason=str(other))
            continue
        serve(session, live.stored)
        session.note(f"{live.stored.model_id} serves instead: {broken}")
        return live
    raise broken


def serve(session: Session, model: StoredModel) -> None:
    """Let a model serve; the one that did is kept."""
    row = session.row("serving_model")
    if row is not None:
        serving = StoredModel(*row)
        session.execute("set_model_state", model_key=serving.model_key, state="kept")
    session.execute("set_model_state", model_key=model.model_key, state="serving")


def load_live(session: Session, stored: StoredModel, *, both_stages: bool = True) -> LiveModel:
    """A model with its parameters; without its second stage where that is not asked for.

    Raises:
        BrokenModel: They are missing or damaged.
    """
    interest = load_model(session, stored)
    if not both_stages:
        return LiveModel(stored, interest)
    second = load_second_stage(session, stored.model_key, stored.model_id)
    return LiveModel(stored, interest, second)


def load_model(session: Session, stored: StoredModel) -> InterestModel:
    """The parameters of a model.

    Raises:
        BrokenModel: They are missing or damaged, or not those that the model is named after.
    """
    parameters, artifact, digest = session.rows("model_parameters", model_key=stored.model_key)[0]
    if stored.kind == ZERO_SHOT:
        return _zero_shot(parameters)
    if artifact is None:
        raise BrokenModel(model_id=stored.model_id, reason="its parameters are missing")
    content = bytes(artifact)
    if digest is None or hashlib.sha256(content).digest() != bytes(digest):
        raise BrokenModel(model_id=stored.model_id, reason="its parameters are damaged")
    try:
        model = unpack(content)
    except Exception as error:  # whatever numpy says of bytes that are no parameters
        reason = f"its parameters cannot be read ({first_line(error)})"
        raise BrokenModel(model_id=stored.model_id, reason=reason) from error
    if problem := problem_of(model, stored.encoder_id, stored.dim, stored.model_id):
        raise BrokenModel(model_id=stored.model_id, reason=problem)
    return model


def _zero_shot(parameters: Mapping[str, Any]) -> ZeroShot:
    """The model whose fields were written as JSON, which has no tuples."""
    fields: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in parameters.items()
    }
    return ZeroShot(**fields)


class Provenance(NamedTuple):
    """Where a learned model comes from.

    Attributes:
        preset: Whose weights it multiplies.
        seed: Of its training.
        trained_until: The day after the last one that it learned from.
        facts: Of its training, in numbers.
    """

    preset: str
    seed: int
    trained_until: date
    facts: dict[str, float]


def save_zero_shot(session: Session, model: ZeroShot, encoder_id: str, dim: int) -> StoredModel:
    """The row of a zero-shot model: kept, where it is new."""
    model_id = model.fingerprint(encoder_id)
    model_key = session.value(
        "keep_zero_shot_model",
        model_id=model_id,
        encoder_id=encoder_id,
        dim=dim,
        parameters=json.dumps(model._asdict()),
    )
    return StoredModel(model_key, model_id, ZERO_SHOT, encoder_id, dim)


def save_learned(
    session: Session, model: Learned, encoder_id: str, dim: int, provenance: Provenance
) -> StoredModel:
    """The row of a learned model: a candidate."""
    model_id, artifact = model.fingerprint(encoder_id), pack(model)
    model_key = session.value(
        "upsert_learned_model",
        model_id=model_id,
        encoder_id=encoder_id,
        dim=dim,
        parameters=json.dumps({"preset": provenance.preset}),
        artifact=artifact,
        artifact_sha256=hashlib.sha256(artifact).digest(),
        seed=provenance.seed,
        trained_until=provenance.trained_until,
        trained_on=json.dumps(provenance.facts),
    )
    return StoredModel(model_key, model_id, LEARNED, encoder_id, dim)
