"""Lists on their way to the draft: with reasons, as arrays, grouped by length."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recsys_tasks.decay import zero
from recsys_tasks.explaining import (
    TREND,
    Reasons,
    contributors,
    explain,
    horizons,
    meanings,
)
from recsys_tasks.interactions import NO_ROW, day_number, rows_of
from recsys_tasks.interest_model import InterestModel, UserFacts
from recsys_tasks.ranking import Lists, top_k
from recsys_tasks.settings import Preset, Settings, preset_of
from recsys_tasks.steps.rank.inputs import Picture
from recsys_tasks.warehouse import Session, copying
from recsys_tasks.warehouse.models import LEARNED, ZERO_SHOT
from recsys_tasks.warehouse.weighing import Weighed, weighed

HISTORY = 50  # interactions of a user among which a reason is sought
PERSONAL, TRENDING = 1, 2  # keys of the table strategies
VARIANTS = {ZERO_SHOT: "content", LEARNED: "interest"}  # docs/protocol.md's names of models


class Columns(NamedTuple):
    """The arrays of n lists of k, as the table has them; shape (n, k) each."""

    item_keys: NDArray[np.int32]
    scores: NDArray[np.float32]
    reason_kinds: NDArray[np.int16]
    reason_items: NDArray[np.int32]
    reason_details: NDArray[np.int16]
    reason_days: NDArray[np.int32]


def write_draft(
    session: Session, settings: Settings, picture: Picture, lists: Lists, inputs_fingerprint: str
) -> None:
    """Replace the draft of a night: its lists, and the list of whoever is not known."""
    preset = preset_of(settings)
    partition = session.value("create_draft", night=picture.night)
    variant_key = session.value("variant_key", variant=VARIANTS[picture.model.kind])
    columns = _with_reasons(session, preset, picture, lists)
    strategies = np.where(picture.masses.any(axis=1), PERSONAL, TRENDING).astype(np.int16)
    lengths = (lists.rows != NO_ROW).sum(axis=1)
    for length in np.unique(lengths[lengths > 0]):
        chosen = lengths == length
        _copy(session, picture, chosen, int(length), columns, strategies, variant_key)
    cold = _cold_list(picture, settings.list_length)
    session.execute(
        "insert_draft_night",
        night=picture.night,
        partition_name=partition,
        model_key=picture.model.model_key,
        fingerprint=inputs_fingerprint,
        item_keys=cold.item_keys[0].tolist(),
        scores=cold.scores[0].tolist(),
        details=cold.reason_details[0].tolist(),
        excludes_after=None if preset.repeat.kind == "exclude" else preset.repeat.days,
    )


def _copy(
    session: Session,
    picture: Picture,
    chosen: NDArray[np.bool_],
    length: int,
    columns: Columns,
    strategies: NDArray[np.int16],
    variant_key: int,
) -> None:
    """Send the lists of one length: arrays of one width make rows of one width."""
    n = int(chosen.sum())
    short, integers = copying.INT2, copying.integer_array(length)
    shorts = copying.smallint_array(length)
    wire = (copying.DAY, copying.INT4, short, short, short, integers, copying.real_array(length))
    scalars = (
        np.full(n, day_number(picture.night), np.int32),
        picture.user_keys[chosen],
        np.full(n, picture.model.model_key, np.int16),
        strategies[chosen],
        np.full(n, variant_key, np.int16),
    )
    arrays = tuple(column[chosen, :length] for column in columns)
    session.copy_in(
        "copy_draft_lists", (*wire, shorts, integers, shorts, integers), (*scalars, *arrays)
    )


def _with_reasons(session: Session, preset: Preset, picture: Picture, lists: Lists) -> Columns:
    """The lists' columns; what a reason points to is an item, a type or a horizon, and a day."""
    history = weighed(
        session, "recent_interactions", preset, picture.model, night=picture.night, length=HISTORY
    )
    reasons = _reasons(picture, lists, history)
    happened, at = history.interactions, reasons.interactions
    # A trend points to no interaction: its NO_ROW finds the zero that is appended.
    item_keys = np.append(history.item_keys, 0)[np.append(happened.items, NO_ROW)[at]]
    kinds = np.append(happened.types, 0)[at]
    return Columns(
        picture.item_keys[lists.rows],
        lists.scores,
        reasons.kinds,
        item_keys.astype(np.int32),
        np.where(reasons.kinds >= TREND, _days_of(picture.ranker)[reasons.horizons], kinds).astype(
            np.int16
        ),
        np.append(happened.days, 0)[at].astype(np.int32),
    )


def _reasons(picture: Picture, lists: Lists, history: Weighed) -> Reasons:
    """Why each entry stands in its list."""
    rows, refreshed = rows_of(picture.user_keys, history.user_keys)
    users = history.interactions.users
    of_refreshed = refreshed[users]
    renumbered = replace(history.interactions, users=rows[users].astype(np.int32))
    positions = np.append(np.flatnonzero(of_refreshed), NO_ROW)
    model = picture.ranker.at(history.item_keys)
    inputs = model.inputs(history.vectors)
    last = contributors(
        model,
        renumbered.where(of_refreshed),
        inputs,
        picture.masses,
        day_number(picture.night),
        HISTORY,
    )
    vectors = meanings(model, inputs, picture.centre)
    reasons = explain(lists, last, vectors, model, picture.item_side, picture.user_side)
    return reasons._replace(interactions=positions[reasons.interactions].astype(np.int32))


def _days_of(model: InterestModel) -> NDArray[np.int16]:
    """Half-lives of trends in whole days, at least one: today, this week, this month; 0 for NEW."""
    days = np.maximum(np.rint(model.trend_half_lives), 1)
    return np.append(days, 0).astype(np.int16)


def _cold_list(picture: Picture, length: int) -> Columns:
    """The list of whoever is not known: what trends, and what everybody likes."""
    model, rank = picture.ranker, picture.rank
    shape = (1, len(model.half_lives), model.width(len(picture.centre)))
    nothing = zero(*shape, day_number(picture.night))
    facts = UserFacts(model.interests(nothing, picture.centre), nothing.masses)
    nobody = model.user_side(facts)
    lists = top_k(
        nobody,
        picture.item_side,
        sparse.csr_array((1, len(picture.item_keys)), dtype=np.bool_),
        length,
        device=picture.device,
    )
    brought = picture.item_side[lists.rows, rank:] * nobody[:, None, rank:]
    by_horizon = (brought @ horizons(model, brought.shape[-1]))[..., : len(model.trend_half_lives)]
    details = _days_of(model)[by_horizon.argmax(axis=-1)]
    zeros = np.zeros_like(lists.rows)
    kinds = np.full(lists.rows.shape, TREND, np.int16)
    return Columns(picture.item_keys[lists.rows], lists.scores, kinds, zeros, details, zeros)
