"""The users of a night: for whom lists are made, what is known of them, and what they had."""

from datetime import date

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recsys_tasks.decay import FixedAlpha, seen_from, zero
from recsys_tasks.interactions import date_of, day_number, rows_of
from recsys_tasks.interest_model import InterestModel, UserFacts
from recsys_tasks.settings import Preset, Settings
from recsys_tasks.steps.rank.cold import newcomers
from recsys_tasks.warehouse import Session, copying
from recsys_tasks.warehouse.interests import (
    EVERYBODY,
    Interests,
    Users,
    interests_as_of,
    interests_by,
)
from recsys_tasks.warehouse.models import LiveModel

KEY_PAIR = (copying.INT4, copying.INT4)


def read_user_keys(
    session: Session, settings: Settings, night: date, among: Users = EVERYBODY
) -> NDArray[np.int32]:
    """For whom a night makes lists: keys in ascending order of ids, newcomers last."""
    asked = {"night": night, **among._asdict()}
    if settings.refresh_days is None:
        (user_keys,) = session.copy_out("users_to_refresh", (copying.INT4,), **asked)
    else:
        asked["refresh_days"] = settings.refresh_days
        (user_keys,) = session.copy_out("users_of_late", (copying.INT4,), **asked)
    new = newcomers(session, settings, night)
    new = new[(new >= among.first) & (new <= among.last)]
    return np.concatenate([user_keys, new])


def read_known(
    session: Session,
    live: LiveModel,
    night: date,
    user_keys: NDArray[np.int32] | None,
    alpha: float | None = None,
) -> Interests:
    """The interests of some users as of a night, None for everybody; else as in `read_items`."""
    shape, model_key = live.shape, live.stored.model_key
    if alpha is None or user_keys is None:
        return interests_as_of(session, shape, model_key, night, only=user_keys)
    return interests_by(FixedAlpha(alpha), session, shape, model_key, night, user_keys)


def facts_of(
    user_keys: NDArray[np.int32],
    known: Interests,
    model: InterestModel,
    centre: NDArray[np.float32],
    night: int,
) -> UserFacts:
    """u_h and masses of users, seen from a night; of those who are not known, the model's prior."""
    rows, has_state = rows_of(known.user_keys, user_keys)
    n_half_lives, width = known.state.totals.shape[1:]
    state = zero(len(user_keys), n_half_lives, width, night)
    for target, source in zip(state, known.state, strict=True):
        target[has_state] = source[rows[has_state]]
    now = seen_from(state, night, model.half_lives)
    return UserFacts(model.interests(now, centre), now.masses)


def read_used_up(
    session: Session,
    preset: Preset,
    user_keys: NDArray[np.int32],
    item_keys: NDArray[np.int32],
    night: date,
) -> sparse.csr_array:
    """What the repeat policy keeps out of the lists of users, shape (n, n_items).

    Args:
        session: Of the night.
        preset: Has the policy.
        user_keys: The n users.
        item_keys: Of the items, by row.
        night: The night.
    """
    shape = (len(user_keys), len(item_keys))
    since = preset.repeat.excludes_after(day_number(night))
    if since >= day_number(night) or not len(user_keys):
        return sparse.csr_array(shape, dtype=np.bool_)
    users, items = session.copy_out(
        "used_up_items",
        KEY_PAIR,
        night=night,
        since=date_of(max(since, -1)),
        user_keys=user_keys.tolist(),
    )
    user_rows, _ = rows_of(user_keys, users)
    item_rows, listed = rows_of(item_keys, items)
    pairs = (np.ones(int(listed.sum()), np.bool_), (user_rows[listed], item_rows[listed]))
    return sparse.csr_array(pairs, shape=shape)
