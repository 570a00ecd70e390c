"""Lists on their way to the draft, as arrays, grouped by length."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recsys_tasks.decay import zero
from recsys_tasks.explaining import TREND, horizons
from recsys_tasks.interactions import NO_ROW, day_number
from recsys_tasks.interest_model import UserFacts
from recsys_tasks.ranking import Lists, top_k
from recsys_tasks.settings import Settings, preset_of
from recsys_tasks.steps.rank.inputs import Picture
from recsys_tasks.steps.rank.reasoning import Columns, days_of
from recsys_tasks.warehouse import Session, copying

PERSONAL, TRENDING, ATTRIBUTES = 1, 2, 5  # keys of the table strategies


def open_draft(
    session: Session, settings: Settings, picture: Picture, inputs_fingerprint: str
) -> None:
    """Replace the draft of a night by one that has only the list of whoever is not known."""
    repeat = preset_of(settings).repeat
    partition = session.value("create_draft", night=picture.night)
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
        excludes_after=None if repeat.kind == "exclude" else repeat.days,
    )


class Drafted(NamedTuple):
    """Lists as they are to be written; shape (n,), but for the columns.

    Attributes:
        columns: Of the lists.
        lengths: Of each; 0 for one that is not written.
        strategies: How each came about.
        variant_keys: The variant of each.
    """

    columns: Columns
    lengths: NDArray[np.intp]
    strategies: NDArray[np.int16]
    variant_keys: NDArray[np.int16]


def lengths_of(lists: Lists) -> NDArray[np.intp]:
    """Entries of each list, shape (n,)."""
    return np.asarray((lists.rows != NO_ROW).sum(axis=1))


def write_lists(session: Session, picture: Picture, drafted: Drafted) -> None:
    """Add the lists of a picture's users to the draft of its night."""
    lengths = drafted.lengths
    for length in np.unique(lengths[lengths > 0]):
        _copy(session, picture, lengths == length, int(length), drafted)


def strategies_of(picture: Picture) -> NDArray[np.int16]:
    """How the list of each of a picture's users came about, shape (n,)."""
    own = picture.interests.sum(axis=1)
    is_told_more = (picture.user_side[:, : picture.rank] != own).any(axis=1)
    of_the_idle = np.where(is_told_more, ATTRIBUTES, TRENDING)
    return np.where(picture.masses.any(axis=1), PERSONAL, of_the_idle).astype(np.int16)


def _copy(
    session: Session,
    picture: Picture,
    chosen: NDArray[np.bool_],
    length: int,
    drafted: Drafted,
) -> None:
    """Send the lists of one length: arrays of one width make rows of one width."""
    n = int(chosen.sum())
    scalars = (
        np.full(n, day_number(picture.night), np.int32),
        picture.user_keys[chosen],
        np.full(n, picture.model.model_key, np.int16),
        drafted.strategies[chosen],
        drafted.variant_keys[chosen],
    )
    wire = (copying.DAY, copying.INT4, copying.INT2, copying.INT2, copying.INT2)
    session.copy_in(
        "copy_draft_lists",
        (*wire, *drafted.columns.wire(length)),
        (*scalars, *drafted.columns.cells(chosen, length)),
    )


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
    details = days_of(model)[by_horizon.argmax(axis=-1)]
    zeros = np.zeros_like(lists.rows)
    kinds = np.full(lists.rows.shape, TREND, np.int16)
    return Columns(picture.item_keys[lists.rows], lists.scores, kinds, zeros, details, zeros)
