"""Whether totals are what they should be: the fold of their users' deltas."""

from datetime import date
from typing import Final

import numpy as np
import structlog
from numpy.typing import NDArray

from recsys_tasks.interactions import rows_of
from recsys_tasks.steps.merge import bring_totals
from recsys_tasks.warehouse import Session
from recsys_tasks.warehouse.interests import (
    Interests,
    fold_from,
    nobody,
    read_deltas,
    read_interests,
)
from recsys_tasks.warehouse.models import LiveModel, live_models

log = structlog.get_logger()

SAMPLE: Final = 1000  # users looked at each time, other ones each day
TOLERANCE: Final = 1e-5  # of a user's largest coordinate, and of the mass
_FOR_EVER: Final = date.max


def check_totals(session: Session, *, seed: int) -> dict[str, int]:
    """Fold the deltas of a sample of users anew, and replace totals that differ.

    Args:
        session: An exclusive transaction.
        seed: Draws the sample.

    Returns:
        How many totals of users were held against their deltas, and how many were mended.
    """
    newest = session.value("newest_user")
    if newest is None or session.row("serving_model") is None:
        return {"totals_checked": 0, "totals_mended": 0}
    drawn = np.random.default_rng(seed).choice(newest, min(newest, SAMPLE), replace=False) + 1
    n_checked = n_mended = 0
    for live in live_models(session):
        named = {"model_key": live.stored.model_key}
        rows = session.rows("settled_users", **named, user_keys=drawn.tolist())
        user_keys = [user_key for (user_key,) in rows]
        broken = _broken(session, live, user_keys)
        if broken:
            _mend(session, live, broken)
        n_checked += len(user_keys)
        n_mended += len(broken)
    return {"totals_checked": n_checked, "totals_mended": n_mended}


def _mend(session: Session, live: LiveModel, user_keys: list[int]) -> None:
    ids = [user_id for (user_id,) in session.rows("ids_of_users", user_keys=user_keys)]
    log.warning(
        "totals were not the fold of their deltas, and are folded again",
        model=live.stored.model_id,
        users=ids,
    )
    session.execute("fold_again", model_key=live.stored.model_key, user_keys=user_keys)
    bring_totals(session, live)


def _broken(session: Session, live: LiveModel, user_keys: list[int]) -> list[int]:
    """Those of the users whose total is not the fold of their deltas, ascending."""
    asked = {"model_key": live.stored.model_key, "user_keys": user_keys}
    found = read_interests(session, "totals_of_users", live.shape, **asked)
    deltas = read_deltas(session, "deltas_of_users_until", live.shape, **asked, night=_FOR_EVER)
    folded = fold_from(nobody(live.shape), deltas, live.interest.half_lives)
    one_sided = np.setxor1d(found.user_keys, folded.user_keys)
    both = np.intersect1d(found.user_keys, folded.user_keys)
    differs = ~_are_equal(_of(found, both), _of(folded, both))
    return sorted([*one_sided.tolist(), *both[differs].tolist()])


def _of(interests: Interests, user_keys: NDArray[np.int32]) -> Interests:
    rows, _ = rows_of(interests.user_keys, user_keys)
    return Interests(user_keys, interests.state.at(rows), interests.alphas[rows])


def _are_equal(one: Interests, two: Interests) -> NDArray[np.bool_]:
    """Whether users' sums are the same but for rounding, shape (n,). What is not finite is not."""
    largest = np.abs(two.state.totals).max(axis=(1, 2), initial=1e-30)
    apart = np.abs(one.state.totals - two.state.totals).max(axis=(1, 2), initial=0.0)
    masses_apart = np.abs(one.state.masses - two.state.masses).max(axis=1, initial=0.0)
    heaviest = np.abs(two.state.masses).max(axis=1, initial=1e-30)
    is_near = (apart <= TOLERANCE * largest) & (masses_apart <= TOLERANCE * heaviest)
    return np.asarray((one.state.days == two.state.days) & is_near, np.bool_)
