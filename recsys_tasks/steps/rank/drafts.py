"""Lists on their way to the draft: with reasons, as arrays, grouped by length."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recsys_tasks.explaining import TREND, Reasons, contributors, explain
from recsys_tasks.interactions import NO_ROW, day_number, rows_of
from recsys_tasks.interest_model import ZeroShot
from recsys_tasks.ranking import Lists, top_k
from recsys_tasks.settings import Preset, Settings, preset_of
from recsys_tasks.steps.rank.inputs import Picture
from recsys_tasks.warehouse import Session, copying
from recsys_tasks.warehouse.weighing import Weighed, weighed

HISTORY = 50  # interactions of a user among which a reason is sought
PERSONAL, TRENDING = 1, 2  # keys of the table strategies
VARIANT = "content"  # docs/protocol.md's name of the zero-shot model


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
    variant_key = session.value("variant_key", variant=VARIANT)
    columns = _with_reasons(session, preset, picture, lists)
    strategies = np.where(picture.masses.any(axis=1), PERSONAL, TRENDING).astype(np.int16)
    lengths = (lists.rows != NO_ROW).sum(axis=1)
    for length in np.unique(lengths[lengths > 0]):
        chosen = lengths == length
        _copy(session, picture, chosen, int(length), columns, strategies, variant_key)
    cold = _cold_list(preset, picture, settings.list_length)
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
    reasons = _reasons(ZeroShot.of(preset), picture, lists, history)
    happened, at = history.interactions, reasons.interactions
    # A trend points to no interaction: its NO_ROW finds the zero that is appended.
    item_keys = np.append(history.item_keys, 0)[np.append(happened.items, NO_ROW)[at]]
    kinds = np.append(history.event_type_keys, 0)[at]
    return Columns(
        picture.item_keys[lists.rows],
        lists.scores,
        reasons.kinds,
        item_keys.astype(np.int32),
        np.where(reasons.kinds == TREND, _horizons(preset)[reasons.horizons], kinds).astype(
            np.int16
        ),
        np.append(happened.days, 0)[at].astype(np.int32),
    )


def _reasons(model: ZeroShot, picture: Picture, lists: Lists, history: Weighed) -> Reasons:
    """Why each entry stands in its list."""
    rows, refreshed = rows_of(picture.user_keys, history.user_keys)
    users = history.interactions.users
    of_refreshed = refreshed[users]
    renumbered = replace(history.interactions, users=rows[users].astype(np.int32))
    positions = np.append(np.flatnonzero(of_refreshed), NO_ROW)
    last = contributors(
        model,
        renumbered.where(of_refreshed),
        history.vectors,
        picture.masses,
        day_number(picture.night),
        HISTORY,
    )
    reasons = explain(
        lists, last, history.vectors, picture.centre, picture.item_side, picture.user_side
    )
    return reasons._replace(interactions=positions[reasons.interactions].astype(np.int32))


def _horizons(preset: Preset) -> NDArray[np.int16]:
    """Half-lives of trends in whole days, at least one: today, this week, this month."""
    return np.maximum(np.rint(preset.trend_half_lives), 1).astype(np.int16)


def _cold_list(preset: Preset, picture: Picture, length: int) -> Columns:
    """The list of whoever is not known: what trends."""
    dim = len(picture.centre)
    model = ZeroShot.of(preset)
    nobody = model.user_side(np.zeros((1, len(preset.half_lives), dim), np.float32))
    nothing = sparse.csr_array((1, len(picture.item_keys)), dtype=np.bool_)
    lists = top_k(nobody, picture.item_side, nothing, length, device=picture.device)
    brought = picture.item_side[lists.rows, dim:] * nobody[:, None, dim:]
    details = _horizons(preset)[brought.argmax(axis=-1)]
    zeros = np.zeros_like(lists.rows)
    kinds = np.full(lists.rows.shape, TREND, np.int16)
    return Columns(picture.item_keys[lists.rows], lists.scores, kinds, zeros, details, zeros)
