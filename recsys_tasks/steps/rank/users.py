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


def read_users(
    session: Session,
    settings: Settings,
    live: LiveModel,
    night: date,
    among: Users = EVERYBODY,
    only: NDArray[np.int32] | None = None,
    alpha: float | None = None,
) -> tuple[NDArray[np.int32], Interests]:
    """For whom lists are made, and what is known of users; arguments as of `read_picture`.

    Returns:
        Keys in ascending order of ids, newcomers last, shape (n,); and the interests of these and
        perhaps of others.
    """
    # Attributes tell of a user by what everybody does who has them too.
    heard = EVERYBODY if settings.from_attributes else among
    user_keys = read_user_keys(session, settings, night, heard)
    if only is not None:
        user_keys = user_keys[np.isin(user_keys, only)]
    shape, model_key = live.shape, live.stored.model_key
    if alpha is None:
        told = None if settings.from_attributes else only
        known = interests_as_of(session, shape, model_key, night, heard, told)
    else:
        known = interests_by(FixedAlpha(alpha), session, shape, model_key, night, user_keys)
    return user_keys[(user_keys >= among.first) & (user_keys <= among.last)], known


def read_user_keys(
    session: Session, settings: Settings, night: date, among: Users = EVERYBODY
) -> NDArray[np.int32]:
    """For whom a night makes lists: keys in ascending order of ids, newcomers last."""
    (user_keys,) = session.copy_out(
        "users_to_refresh",
        (copying.INT4,),
        night=night,
        refresh_days=settings.refresh_days,
        **among._asdict(),
    )
    return np.concatenate([user_keys, newcomers(session, settings, night)])


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


def excluded(
    session: Session,
    preset: Preset,
    user_keys: NDArray[np.int32],
    item_keys: NDArray[np.int32],
    night: date,
    among: Users,
    only: NDArray[np.int32] | None,
) -> sparse.csr_array:
    """What the repeat policy keeps out of the lists of users, shape (n, n_items).

    Args:
        session: Of the night.
        preset: Has the policy.
        user_keys: The n users, all of them among `among`.
        item_keys: Of the items, by row.
        night: The night.
        among: The users whose interactions are read.
        only: Keys of those of them whose interactions are read; None for all.
    """
    shape = (len(user_keys), len(item_keys))
    since = preset.repeat.excludes_after(day_number(night))
    if since >= day_number(night):
        return sparse.csr_array(shape, dtype=np.bool_)
    users, items = session.copy_out(
        "used_up_items",
        KEY_PAIR,
        night=night,
        since=date_of(max(since, -1)),
        user_keys=None if only is None else only.tolist(),
        **among._asdict(),
    )
    user_rows, refreshed = rows_of(user_keys, users)
    item_rows, listed = rows_of(item_keys, items)
    kept = refreshed & listed
    pairs = (np.ones(int(kept.sum()), np.bool_), (user_rows[kept], item_rows[kept]))
    return sparse.csr_array(pairs, shape=shape)
