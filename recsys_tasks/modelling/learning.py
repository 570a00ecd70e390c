"""Training on a warehouse: a candidate, its trial, and the switch.

The schema is locked while the history is read and while results are written, not while the model
is trained: nights go on.
"""

from collections.abc import Callable
from datetime import date
from typing import NamedTuple

from recsys_tasks.errors import BadSettings, NothingToEvaluate
from recsys_tasks.interactions import ALWAYS, date_of, day_number
from recsys_tasks.interest_model import ZeroShot
from recsys_tasks.modelling.comparing import Comparison, Rival, compare, first_unknown, window
from recsys_tasks.modelling.concluding import Outcome, conclude
from recsys_tasks.modelling.embedding_beside import bring_vectors
from recsys_tasks.modelling.fitting import Fit, Fitted, Request, fit
from recsys_tasks.modelling.learning_privately import train_privately
from recsys_tasks.modelling.rebuilding import rebuild
from recsys_tasks.settings import Settings, noise_of_models, preset_of
from recsys_tasks.steps.accumulate import forget_retired
from recsys_tasks.warehouse import Warehouse
from recsys_tasks.warehouse.encoders import NamedEncoder
from recsys_tasks.warehouse.history import History, end_of_history, read_history
from recsys_tasks.warehouse.models import LiveModel, Provenance, live_models, save_learned
from recsys_tasks.warehouse.second_stages import save_second_stage
from recsys_tasks.warehouse.text_vectors import Space


class _Case(NamedTuple):
    """What a training starts from.

    Attributes:
        history: With the vectors that the candidate is to read.
        rival_history: With those that the serving model reads.
        space: Whose vectors the candidate reads.
        rival: The serving model.
        until: The day after the last to learn from.
        encoder: The model whose vectors the candidate reads, where it is not the serving one's.
    """

    history: History
    rival_history: History
    space: Space
    rival: Rival
    until: int
    encoder: str | None


def train(  # noqa: PLR0913  what the command's options say, each named
    warehouse: Warehouse,
    settings: Settings,
    until: date | None = None,
    *,
    force: bool = False,
    seed: int = 0,
    second_stage: bool = True,
    encoder: str | None = None,
    fitter: Fit = fit,
    on_stage: Callable[[str], None] | None = None,
) -> Outcome:
    """Train a model; it serves only if it beats the one that does, or is forced to.

    Args:
        warehouse: Of the tenant.
        settings: Its settings.
        until: The day after the last to learn from; without it, of all that nights have taken.
        force: Let it serve whatever the comparison says.
        seed: Of everything random.
        second_stage: Whether a second stage is wanted.
        encoder: Train on the vectors of an encoder that was added by this name; it serves with the
            model. Without it, on those of the encoder that serves.
        fitter: What trains.
        on_stage: Told what is being done.

    Raises:
        BadSettings: Noise is wanted for what users share, and neither exact models nor ones that
            learn with noise are; or those are, on another encoder.
        NoModel: No night has run yet.
        NothingToEvaluate: There is nothing to learn from, or to compare on and no force.
        UnknownEncoder: There is no such encoder.
    """
    tell = on_stage or (lambda _: None)
    if (noisy := noise_of_models(settings)) is not None:
        if encoder is not None:
            raise BadSettings(problem="with RECSYS_PRIVACY models learn on the encoder that serves")
        return train_privately(warehouse, settings, noisy, until, force=force, on_stage=tell)
    named = None
    if encoder is not None:
        tell("embedding what is new")
        named = bring_vectors(warehouse, settings, encoder)
    tell("reading the history")
    case = _read(warehouse, settings, until, named)
    request = Request(seed, settings.device, None, second_stage, options=settings.training)
    comparison, held_out = _try_out(settings, case, request, fitter, tell, must=not force)
    tell(f"training on everything until {date_of(case.until)}")
    choice = held_out.choice if held_out else None
    fitted = _fit(settings, case, case.until, request._replace(choice=choice), fitter)
    tell("saving the model")
    live = _save(warehouse, settings, case, fitted, seed)
    serves = force or (comparison is not None and comparison.wins)
    if serves:
        tell("making every interest anew, beside those that serve")
        rebuild(warehouse, settings, live)
    with warehouse.transaction(exclusive=True) as session:
        conclude(session, settings, live, comparison, serves=serves, named=named)
    return Outcome(
        live.stored.model_id, date_of(case.until), fitted.facts, comparison, serves=serves
    )


def _read(
    warehouse: Warehouse, settings: Settings, until: date | None, named: NamedEncoder | None
) -> _Case:
    """The history, and the model that serves, as of one moment."""
    preset = preset_of(settings)
    with warehouse.transaction(exclusive=True) as session:
        serving = live_models(session)[0]
        session.execute("retire_candidates")
        forget_retired(session)
        end = end_of_history(session, until)
        space: Space = named or serving.stored
        rivals = read_history(session, preset, serving.stored, end)
        history = read_history(session, preset, space, end) if named else rivals
        trained_until = session.value("trained_until", model_key=serving.stored.model_key)
    if not len(history.interactions):
        raise NothingToEvaluate(since="the first day", until=end)
    rival = Rival(serving.stored.model_id, serving.interest, serving.second_stage, trained_until)
    encoder = named.specification.model if named else None
    return _Case(history, rivals, space, rival, day_number(end), encoder)


def _try_out(
    settings: Settings,
    case: _Case,
    request: Request,
    fitter: Fit,
    tell: Callable[[str], None],
    *,
    must: bool,
) -> tuple[Comparison | None, Fitted | None]:
    """Compare the serving model with one that was trained on what precedes the last days.

    Raises:
        NothingToEvaluate: Nobody took to anything on them, and there must be a comparison.
    """
    try:
        since = max(
            window(case.history.interactions, case.until, case.rival),
            first_unknown(case.encoder, case.until) if case.encoder else ALWAYS,
        )
        tell(f"training on what precedes {date_of(since)}")
        held_out = _fit(settings, case, since, request, fitter)
        tell(f"comparing on {date_of(since)} until {date_of(case.until)}")
        found = compare(
            case.history,
            held_out,
            case.rival,
            since,
            case.until,
            preset_of(settings),
            case.rival_history,
        )
    except NothingToEvaluate:
        if must:
            raise
        return None, None
    return found, held_out


def _fit(settings: Settings, case: _Case, until: int, request: Request, fitter: Fit) -> Fitted:
    """Train on what precedes a day; go on from where a training of the same was cut off."""
    folder = settings.var / "training" / settings.schema_name
    folder.mkdir(parents=True, exist_ok=True)
    checkpoint = (
        folder / f"{case.rival.model_id}-{case.space.encoder_id}-{date_of(until)}-{request.seed}"
    )
    fitted = fitter(
        case.history,
        ZeroShot.of(preset_of(settings)),
        until,
        request._replace(checkpoint=checkpoint),
    )
    checkpoint.unlink(missing_ok=True)
    return fitted


def _save(
    warehouse: Warehouse, settings: Settings, case: _Case, fitted: Fitted, seed: int
) -> LiveModel:
    """The candidate's row."""
    provenance = Provenance(settings.preset, seed, date_of(case.until), fitted.facts)
    with warehouse.transaction(exclusive=True) as session:
        stored = save_learned(
            session, fitted.model, case.space.encoder_id, case.space.dim, provenance
        )
        save_second_stage(session, stored.model_key, fitted.second)
    return LiveModel(stored, fitted.model, fitted.second)
