"""Deltas exchanged for others; only those that differ are written."""

from collections.abc import Sequence
from datetime import date

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.decay import Decayed
from recsys_tasks.interactions import date_of
from recsys_tasks.warehouse import copying
from recsys_tasks.warehouse.interests import Users, read_deltas
from recsys_tasks.warehouse.models import LiveModel
from recsys_tasks.warehouse.session import Session

Deltas = tuple[NDArray[np.int32], Decayed]  # the key of each delta's user, and the deltas


def replace_deltas(
    session: Session,
    live: LiveModel,
    days: Sequence[date],
    fresh: Deltas,
    *,
    among: Users | None,
) -> None:
    """Make what days add to some users' interests what is found now.

    A user for whom a day adds what it did until now is left alone, so that a late event costs what
    its user costs, and not its day. The others are to be folded from the earliest such day on.

    Args:
        session: Of the night.
        live: The model.
        days: All days that there may be deltas of.
        fresh: By user and day, ascending.
        among: Whose deltas these are all; None where the days have none yet.
    """
    user_keys, added = fresh
    changed = np.ones(len(user_keys), np.bool_)
    gone = np.zeros(0, np.int64)
    if among is not None:
        asked = {"model_key": live.stored.model_key, "days": list(days), **among._asdict()}
        found_keys, found = read_deltas(session, "deltas_of_days", live.shape, **asked)
        places, found_places = _places(user_keys, added.days), _places(found_keys, found.days)
        _, mine, theirs = np.intersect1d(
            places, found_places, assume_unique=True, return_indices=True
        )
        changed[mine] = ~_are_equal(added.at(mine), found.at(theirs))
        stale = np.ones(len(found_places), np.bool_)
        stale[theirs] = changed[mine]
        gone = found_places[stale]
        _delete(session, live, gone)
    _write(session, live, user_keys[changed], added.at(np.flatnonzero(changed)))
    _mark(session, live, np.union1d(_places(user_keys, added.days)[changed], gone))


def _places(user_keys: NDArray[np.int32], days: NDArray[np.int32]) -> NDArray[np.int64]:
    """A user and a day as one number, in their order."""
    places: NDArray[np.int64] = user_keys.astype(np.int64) << 32 | days
    return places


def _apart(places: NDArray[np.int64]) -> tuple[list[int], list[date]]:
    return (places >> 32).tolist(), [date_of(day) for day in (places & 0xFFFFFFFF).tolist()]


def _are_equal(one: Decayed, two: Decayed) -> NDArray[np.bool_]:
    same: NDArray[np.bool_] = (one.totals == two.totals).all(axis=(1, 2))
    same &= (one.masses == two.masses).all(axis=1)
    return same


def _delete(session: Session, live: LiveModel, places: NDArray[np.int64]) -> None:
    if len(places):
        users, days = _apart(places)
        session.execute(
            "delete_deltas", model_key=live.stored.model_key, user_keys=users, days=days
        )


def _write(session: Session, live: LiveModel, user_keys: NDArray[np.int32], added: Decayed) -> None:
    n, n_half_lives, width = map(int, added.totals.shape)
    real = copying.FLOAT4
    columns = (copying.INT2, copying.INT4, copying.DAY, real, real, copying.vector(width))
    arrays = (
        np.full(n * n_half_lives, live.stored.model_key, np.int16),
        user_keys.repeat(n_half_lives),
        added.days.repeat(n_half_lives),
        np.tile(np.asarray(live.interest.half_lives, np.float32), n),
        added.masses.ravel(),
        added.totals.reshape(-1, width),
    )
    session.copy_in("copy_daily_interests", columns, arrays)


def _mark(session: Session, live: LiveModel, places: NDArray[np.int64]) -> None:
    """Let `merge` fold the users from their first place on; places ascend."""
    if len(places):
        _, first = np.unique(places >> 32, return_index=True)
        users, days = _apart(places[first])
        session.execute(
            "mark_changed_users", model_key=live.stored.model_key, user_keys=users, days=days
        )
