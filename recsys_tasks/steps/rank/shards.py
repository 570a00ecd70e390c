"""The users of a night in shards: ranges of keys that take about as long as each other."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.errors import NightBusy
from recsys_tasks.settings import Settings
from recsys_tasks.warehouse import Session, copying
from recsys_tasks.warehouse.interests import EVERYBODY, Users

RERANKED_COST = 16.0  # of a user whom the second stage ranks, in users whom it does not: ADR 13


def write_shards(
    session: Session,
    settings: Settings,
    night: date,
    user_keys: NDArray[np.int32],
    *,
    has_second_stage: bool,
) -> None:
    """Write down the shards of a night that has a draft, by the users for whom it makes lists.

    They hold every key there can be, so that nobody is left out; some may hold no user.
    """
    costs = np.ones(len(user_keys))
    if has_second_stage:
        active = read_active(session, settings, night)
        costs[np.isin(user_keys, active)] = RERANKED_COST
    for shard, users in enumerate(split(user_keys, costs, settings.shards or 1)):
        session.execute("insert_draft_shard", night=night, shard=shard, **users._asdict())


def split(user_keys: NDArray[np.int32], costs: NDArray[np.float64], n_shards: int) -> list[Users]:
    """Ranges of keys that follow each other, hold every key and cost about as much as each other.

    Args:
        user_keys: In any order, shape (n,).
        costs: Of the same users, positive.
        n_shards: Where there are fewer users, the last ranges are empty.

    >>> split(np.array([3, 9, 5], np.int32), np.array([2.0, 1.0, 1.0]), 2)
    [Users(first=0, last=3), Users(first=4, last=2147483647)]
    """
    order = np.argsort(user_keys)
    until = np.cumsum(costs[order])
    shares = np.arange(1, n_shards) / n_shards * (until[-1] if len(until) else 0)
    # The user in whom a share ends belongs to it.
    ends = np.append(user_keys[order], EVERYBODY.first)[np.searchsorted(until, shares)]
    edges = [EVERYBODY.first - 1, *ends.tolist(), EVERYBODY.last]
    return [Users(before + 1, last) for before, last in pairwise(edges)]


def read_active(session: Session, settings: Settings, night: date) -> NDArray[np.int32]:
    """Keys of the users whom a second stage ranks again: who were active of late."""
    since = night - timedelta(days=settings.rerank_days)
    (active,) = session.copy_out("users_active_since", (copying.INT4,), night=night, since=since)
    return active


def claim(session: Session, night: date, shard: int) -> Users | None:
    """The users of a shard, for this transaction alone; None where its lists are made already.

    Raises:
        NightBusy: Somebody else is making them at this moment.
    """
    row = session.row("claim_shard", night=night, shard=shard)
    if row is not None:
        return Users(*row)
    if session.value("shard_is_made", night=night, shard=shard) is False:
        raise NightBusy(schema=session.schema, seconds=0)
    return None


def finish(session: Session, night: date, shard: int, n_lists: int, began: datetime) -> None:
    """Write down that a shard's lists are made."""
    session.execute(
        "finish_shard",
        night=night,
        shard=shard,
        n_lists=n_lists,
        started_at=began,
        finished_at=datetime.now(UTC),
    )
