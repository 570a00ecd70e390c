"""Each user's delta for the day: what it adds to the interest at every half-life, and what trends.

A day is accumulated anew whenever its interactions, the weights, the half-lives or the encoder are
not those that its deltas were made from; so the step also mends late days and changed settings.
"""

import hashlib
from collections.abc import Iterator
from datetime import date

import numpy as np
import structlog
from numpy.typing import NDArray

from recsys_tasks.interactions import Interactions
from recsys_tasks.interest_model import deltas, scale_of
from recsys_tasks.settings import Preset, Settings, preset_of
from recsys_tasks.steps import Counts
from recsys_tasks.warehouse import Session, copying
from recsys_tasks.warehouse.models import ServingModel, serving_model
from recsys_tasks.warehouse.weighing import weighed

log = structlog.get_logger()

CHUNK = 50_000  # interactions accumulated at once; each may become a delta of H vectors


def run(session: Session, settings: Settings, day: date) -> Counts:  # noqa: ARG001  as every step
    """Make the deltas of every day that needs it."""
    preset, model = preset_of(settings), serving_model(session)
    weighing = _weighing(session, preset, model)
    stale = session.rows("stale_days", weighing=weighing)
    n_deltas = sum(
        _accumulate(session, preset, model, days, weighing) for days in _chunks(stale, CHUNK)
    )
    return {"days": len(stale), "deltas": n_deltas}


def _weighing(session: Session, preset: Preset, model: ServingModel) -> str:
    """Names everything but interactions that deltas depend on."""
    kinds = sorted((name, repr(kind)) for name, kind in preset.event_types.items())
    rated = {name for name, kind in preset.event_types.items() if kind.value == "rating"}
    scales = sorted(
        (name, scale_of(largest))
        for _, name, largest in session.rows("largest_values")
        if name in rated
    )
    facts = (kinds, preset.half_lives, model.encoder_id, scales)
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:12]


def _chunks(stale: list[tuple[date, int]], limit: int) -> Iterator[list[date]]:
    """Days in order, grouped so that a group has at most `limit` interactions, or is one day."""
    days: list[date] = []
    size = 0
    for day, n_interactions in stale:
        if days and size + n_interactions > limit:
            yield days
            days, size = [], 0
        days.append(day)
        size += n_interactions
    if days:
        yield days


def _accumulate(
    session: Session, preset: Preset, model: ServingModel, days: list[date], weighing: str
) -> int:
    """Replace the deltas of some days."""
    happened = weighed(session, "interactions_of_days", preset, model, days=days)
    users, added = deltas(happened.interactions, happened.vectors, preset.half_lives)
    session.execute("create_earlier_interests", days=days)
    session.execute("delete_daily_interests", days=days)
    n, n_half_lives, width = map(int, added.totals.shape)
    columns = (copying.INT4, copying.DAY, copying.FLOAT4, copying.FLOAT4, copying.vector(width))
    arrays = (
        happened.user_keys[users].repeat(n_half_lives),
        added.days.repeat(n_half_lives),
        np.tile(np.asarray(preset.half_lives, np.float32), n),
        added.masses.ravel(),
        added.totals.reshape(-1, width),
    )
    session.copy_in("copy_daily_interests", columns, arrays)
    session.execute("mark_changed_users", days=days)
    session.execute("drop_earlier_interests")
    session.execute("delete_daily_trends", days=days)
    trends = _trends(happened.interactions, happened.item_keys)
    session.copy_in("copy_daily_trends", (copying.INT4, copying.DAY, copying.FLOAT4), trends)
    session.execute("mark_accumulated", days=days, weighing=weighing)
    log.info("accumulated", since=days[0], until=days[-1], deltas=n)
    return n


def _trends(
    interactions: Interactions, item_keys: NDArray[np.int32]
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float32]]:
    """How many users did something good with each item on each day; a user counts once a day."""
    liked = interactions.where((interactions.weights > 0) & (interactions.items >= 0))
    triples = np.unique(np.column_stack([liked.items, liked.days, liked.users]), axis=0)
    pairs, counts = np.unique(triples[:, :2], axis=0, return_counts=True)
    return item_keys[pairs[:, 0]], pairs[:, 1], counts.astype(np.float32)
