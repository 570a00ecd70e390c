"""Training on a warehouse with differential privacy, and the account of it.

Of the first stage few parameters are learned, on the days before those that it is judged on; how it
compares with the model that serves is told with noise too. There is no second stage: its trees
remember who they learned from.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from recsys_tasks.errors import BadSettings, NothingToEvaluate
from recsys_tasks.interactions import NEVER, NO_ROW, Catalogue, date_of, day_number
from recsys_tasks.interest_model import ZeroShot
from recsys_tasks.modelling.comparing import Comparison
from recsys_tasks.modelling.concluding import Outcome, conclude
from recsys_tasks.modelling.rebuilding import rebuild
from recsys_tasks.noise import NoiseKey, Release
from recsys_tasks.settings import Privacy, Settings, noise_secret, preset_of
from recsys_tasks.steps import digest_of
from recsys_tasks.steps.accumulate import forget_retired
from recsys_tasks.trends import ToldDays
from recsys_tasks.warehouse import Warehouse
from recsys_tasks.warehouse.history import History, end_of_history, read_history
from recsys_tasks.warehouse.models import LiveModel, Provenance, live_models, save_learned
from recsys_tasks.warehouse.told_days import read_told_days

if TYPE_CHECKING:
    from recsys_tasks.training import TrainingData
    from recsys_tasks.training.private import PrivateTraining, Verdict

MECHANISM: Final = "models"
ONE_DAY: Final = timedelta(days=1)


class _Case(NamedTuple):
    """What a training starts from.

    Attributes:
        history: Ratings in it are on the scale of the settings.
        told: What was told of its days.
        serving: The model that serves.
        trained_until: The day after the last that it learned from; None where it did not learn.
        end: The day after the last.
    """

    history: History
    told: ToldDays
    serving: LiveModel
    trained_until: date | None
    end: date


def train_privately(
    warehouse: Warehouse,
    settings: Settings,
    privacy: Privacy,
    until: date | None,
    *,
    force: bool,
    on_stage: Callable[[str], None],
) -> Outcome:
    """Train a model that costs a person `model_epsilon`, whatever they ever did.

    Repeated on the same days it is the same model with the same noise, and costs nothing more.

    Args:
        warehouse: Of the tenant.
        settings: Its settings.
        privacy: Those of its noise.
        until: The day after the last that is read; without it, of all that nights have taken.
        force: Let it serve whatever the comparison says.
        on_stage: Told what is being done.

    Raises:
        BadSettings: There is no `model_epsilon`.
        NothingToEvaluate: There is nothing to learn from, or to compare on and no force.
        NoModel: No night has run yet.
    """
    if privacy.model_epsilon is None:
        problem = "RECSYS_PRIVACY is set without model_epsilon, which models that learn cost"
        raise BadSettings(problem=problem)
    on_stage("reading the history")
    case = _read(warehouse, settings, privacy, until)
    key = NoiseKey(noise_secret(settings))
    release = Release(MECHANISM, case.end - ONE_DAY, _configuration(settings, privacy, case))
    found = _learned(settings, case, key, release, privacy.model_epsilon, on_stage)
    on_stage("saving the model")
    live = _save(warehouse, settings, case, found, release, key)
    comparison = _comparison(case, found, found.verdict) if found.verdict else None
    if comparison is None and not force:
        raise NothingToEvaluate(since=date_of(found.trained_until), until=case.end)
    serves = force or (comparison is not None and comparison.wins)
    if serves:
        on_stage("making every interest anew, beside those that serve")
        rebuild(warehouse, settings, live)
    with warehouse.transaction(exclusive=True) as session:
        conclude(session, settings, live, comparison, serves=serves, named=None)
    return Outcome(
        live.stored.model_id, date_of(found.trained_until), _facts(found), comparison, serves=serves
    )


def _read(warehouse: Warehouse, settings: Settings, privacy: Privacy, until: date | None) -> _Case:
    """The history, what was told of it, and the model that serves, as of one moment."""
    with warehouse.transaction(exclusive=True) as session:
        serving = live_models(session, both_stages=False)[0]
        session.execute("retire_candidates")
        forget_retired(session)
        end = end_of_history(session, until)
        preset, scale = preset_of(settings), privacy.rating_scale
        history = read_history(session, preset, serving.stored, end, scale)
        is_public = history.catalogue.since != NEVER
        told = read_told_days(session, history.item_keys[is_public], end - ONE_DAY)
        known = session.value("trained_until", model_key=serving.stored.model_key)
    return _Case(history, told, serving, known, end)


def _configuration(settings: Settings, privacy: Privacy, case: _Case) -> str:
    """Names everything but behaviour that a training depends on."""
    return digest_of(
        privacy.model_epsilon,
        privacy.rating_scale,
        privacy.edition,
        preset_of(settings).model_dump(),
        case.serving.stored.encoder_id,
    )


def _learned(
    settings: Settings,
    case: _Case,
    key: NoiseKey,
    release: Release,
    epsilon: float,
    on_stage: Callable[[str], None],
) -> "PrivateTraining":
    # Seconds to import; only who trains pays.
    from recsys_tasks.training.private import learn  # noqa: PLC0415

    return learn(
        _public(case.history, ZeroShot.of(preset_of(settings))),
        case.told,
        [str(user_key) for user_key in case.history.user_keys.tolist()],
        day_number(case.end),
        case.serving.interest,
        key,
        release,
        epsilon=epsilon,
        on_stage=on_stage,
    )


def _public(history: History, zero_shot: ZeroShot) -> "TrainingData":
    """The history of items that are listed: that there are others tells of who named them."""
    from recsys_tasks.training import TrainingData  # noqa: PLC0415  as above

    happened, catalogue = history.interactions, history.catalogue
    is_public = catalogue.since != NEVER
    rows = np.append(np.where(is_public, np.cumsum(is_public) - 1, NO_ROW), NO_ROW)
    n_gone = np.count_nonzero(~is_public)
    is_named = happened.items != NO_ROW
    texts = np.where(happened.texts == NO_ROW, NO_ROW, happened.texts - n_gone)
    moved = replace(
        happened, items=rows[happened.items].astype(np.int32), texts=texts.astype(np.int32)
    )
    vectors = history.vectors[: len(catalogue)][is_public]
    ids = tuple(np.array(catalogue.item_ids, object)[is_public])
    return TrainingData(
        moved.where(~is_named | (moved.items != NO_ROW)),
        Catalogue(ids, catalogue.since[is_public], vectors),
        history.item_keys[is_public],
        np.concatenate([vectors, history.vectors[len(catalogue) :]]),
        zero_shot,
    )


def _save(
    warehouse: Warehouse,
    settings: Settings,
    case: _Case,
    found: "PrivateTraining",
    release: Release,
    key: NoiseKey,
) -> LiveModel:
    """The candidate's row, and the release that it is."""
    stored, spent = case.serving.stored, found.spent
    provenance = Provenance(settings.preset, 0, date_of(found.trained_until), _facts(found))
    with warehouse.transaction(exclusive=True) as session:
        saved = save_learned(session, found.model, stored.encoder_id, stored.dim, provenance)
        session.execute("withdraw_releases", mechanism=MECHANISM, days=[release.day])
        session.execute(
            "upsert_release",
            **release._asdict(),
            content=spent.content,
            epsilon=spent.epsilon,
            delta=spent.delta,
            sensitivity=1.0,
            scale=(2 * spent.rho) ** -0.5,
            key_id=key.key_id,
        )
    return LiveModel(saved, found.model)


def _facts(found: "PrivateTraining") -> dict[str, float]:
    """What may be told of a training: nothing that was counted without noise."""
    return {
        "epsilon": found.spent.epsilon,
        "delta": found.spent.delta,
        "users": float(found.n_users),
    }


def _comparison(case: _Case, found: "PrivateTraining", verdict: "Verdict") -> Comparison:
    known = case.trained_until
    return Comparison(
        date_of(found.trained_until),
        case.end,
        "new",
        case.serving.stored.model_id,
        verdict.candidate_ndcg,
        verdict.rival_ndcg,
        verdict.difference,
        verdict.ci_low,
        verdict.ci_high,
        verdict.n_users,
        known is not None and known > date_of(found.trained_until),
    )
