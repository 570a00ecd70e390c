"""What a night's lists are made from, as it was at the end of the night."""

from datetime import date, timedelta
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recsys_tasks.decay import retention, seen_from, zero
from recsys_tasks.errors import EmptyCatalogue
from recsys_tasks.interactions import date_of, day_number, rows_of
from recsys_tasks.interest_model import ZeroShot, centre_of, log_trends
from recsys_tasks.settings import Preset, Settings, preset_of
from recsys_tasks.warehouse import Session, copying
from recsys_tasks.warehouse.interests import Interests, Shape, interests_as_of
from recsys_tasks.warehouse.models import ServingModel
from recsys_tasks.warehouse.weighing import read_vectors

KEY_PAIR = (copying.INT4, copying.INT4)
# A decayed count of so many half-lives ago is a millionth of itself.
TREND_MEMORY = 20


class Picture(NamedTuple):
    """Users and items as a night sees them. Rows are in ascending order of ids.

    Attributes:
        night: The night.
        model: The model that ranks.
        known: Decayed sums of every user of whom a text is known, as of the night.
        user_keys: Of the n users whose lists are made, shape (n,).
        interests: u_h of each, shape (n, H, dim).
        masses: Decayed evidence of each, seen from the night, shape (n, H).
        user_side: Shape (n, dim + K).
        item_keys: Of the items that may be listed, shape (n_items,).
        vectors: Of their texts, shape (n_items, dim).
        centre: Of them, shape (dim,).
        trends: Decayed counts, shape (n_items, K).
        item_side: Shape (n_items, dim + K).
        excluded: What the repeat policy keeps out, shape (n, n_items).
        device: Where torch computes.
    """

    night: date
    model: ServingModel
    known: Interests
    user_keys: NDArray[np.int32]
    interests: NDArray[np.float32]
    masses: NDArray[np.float32]
    user_side: NDArray[np.float32]
    item_keys: NDArray[np.int32]
    vectors: NDArray[np.float32]
    centre: NDArray[np.float32]
    trends: NDArray[np.float32]
    item_side: NDArray[np.float32]
    excluded: sparse.csr_array
    device: str


def read_picture(session: Session, settings: Settings, model: ServingModel, night: date) -> Picture:
    """Read and compute what a night's lists are made from.

    Raises:
        EmptyCatalogue: No item may be listed that night.
    """
    preset = preset_of(settings)
    zero_shot = ZeroShot.of(preset)
    item_keys, vectors = read_catalogue(session, model, night)
    if not len(item_keys):
        raise EmptyCatalogue(day=night)
    (user_keys,) = session.copy_out(
        "users_to_refresh", (copying.INT4,), night=night, refresh_days=settings.refresh_days
    )
    known = interests_as_of(session, Shape(preset.half_lives, model.dim + 1), night)
    centre = centre_of(vectors)
    interests, masses = _interests_of(user_keys, known, zero_shot, centre, day_number(night))
    trends = read_trends(session, preset, item_keys, night)
    return Picture(
        night=night,
        model=model,
        known=known,
        user_keys=user_keys,
        interests=interests,
        masses=masses,
        user_side=zero_shot.user_side(interests),
        item_keys=item_keys,
        vectors=vectors,
        centre=centre,
        trends=trends,
        item_side=zero_shot.item_side(vectors, log_trends(trends)),
        excluded=_excluded(session, preset, user_keys, item_keys, night),
        device=torch_device(settings.device),
    )


def torch_device(wanted: str) -> str:
    """The device that a setting names; `auto` is a GPU where there is one."""
    if wanted != "auto":
        return wanted
    import torch  # noqa: PLC0415  seconds to import; only who ranks pays

    return "cuda" if torch.cuda.is_available() else "cpu"


def read_catalogue(
    session: Session, model: ServingModel, night: date
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """The keys and vectors of the items that may be listed after a night."""
    item_keys, text_keys = session.copy_out("catalogue_as_of", KEY_PAIR, night=night)
    return item_keys, read_vectors(session, model, text_keys)


def read_trends(
    session: Session, preset: Preset, item_keys: NDArray[np.int32], night: date
) -> NDArray[np.float32]:
    """Decayed counts of items, seen from the end of a night, shape (n_items, K)."""
    since = night - timedelta(days=int(TREND_MEMORY * preset.trend_half_lives[-1]))
    columns = (copying.INT4, copying.DAY, copying.FLOAT4)
    keys, days, masses = session.copy_out("trends_until", columns, night=night, since=since)
    rows, listed = rows_of(item_keys, keys)
    aged = masses[:, None] * retention(day_number(night) - days, preset.trend_half_lives)
    counts = [
        np.bincount(rows[listed], aged[listed, k], minlength=len(item_keys))
        for k in range(aged.shape[1])
    ]
    return np.stack(counts, axis=1).astype(np.float32)


def _interests_of(
    user_keys: NDArray[np.int32],
    known: Interests,
    model: ZeroShot,
    centre: NDArray[np.float32],
    night: int,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """u_h and masses of users, seen from a night; zero for those of whom no text is known."""
    rows, has_state = rows_of(known.user_keys, user_keys)
    n_half_lives, width = known.state.totals.shape[1:]
    state = zero(len(user_keys), n_half_lives, width, night)
    for target, source in zip(state, known.state, strict=True):
        target[has_state] = source[rows[has_state]]
    now = seen_from(state, night, model.half_lives)
    return model.interests(now, centre), now.masses


def _excluded(
    session: Session,
    preset: Preset,
    user_keys: NDArray[np.int32],
    item_keys: NDArray[np.int32],
    night: date,
) -> sparse.csr_array:
    """What the repeat policy keeps out of each user's list."""
    shape = (len(user_keys), len(item_keys))
    since = preset.repeat.excludes_after(day_number(night))
    if since >= day_number(night):
        return sparse.csr_array(shape, dtype=np.bool_)
    users, items = session.copy_out(
        "used_up_items", KEY_PAIR, night=night, since=date_of(max(since, -1))
    )
    user_rows, refreshed = rows_of(user_keys, users)
    item_rows, listed = rows_of(item_keys, items)
    kept = refreshed & listed
    pairs = (np.ones(int(kept.sum()), np.bool_), (user_rows[kept], item_rows[kept]))
    return sparse.csr_array(pairs, shape=shape)
