"""Each user's delta for the day: what it adds to the interest at every half-life, and what trends.

A day is accumulated anew whenever its interactions, the weights, the model's parameters or the
encoder are not those that its deltas were made from; so the step also mends late days and changed
settings. Every live model has deltas of its own; trends are the same for all.
"""

import hashlib
from collections.abc import Iterator
from datetime import date
from itertools import islice

import numpy as np
import structlog
from numpy.typing import NDArray

from recsys_tasks.interest_model import InterestModel, deltas, scale_of
from recsys_tasks.settings import Preset, Settings, preset_of
from recsys_tasks.steps import Counts
from recsys_tasks.warehouse import Session, copying
from recsys_tasks.warehouse.models import ZERO_SHOT, LiveModel, live_models
from recsys_tasks.warehouse.weighing import Weighed, liked, weighed

log = structlog.get_logger()

CHUNK = 50_000  # interactions accumulated at once; each may become a delta of H vectors
# Products of more rows or fewer take other paths through BLAS, which end in other last bits.
ROWS_AT_ONCE = 1024


def run(session: Session, settings: Settings, day: date) -> Counts:  # noqa: ARG001  as every step
    """Make the deltas of every day that needs it, and forget those of retired models."""
    preset = preset_of(settings)
    forget_retired(session)
    _bring_trends(session, preset)
    counts = [
        bring_deltas(session, preset, live) for live in live_models(session, both_stages=False)
    ]
    n_days, n_deltas = np.sum(counts, axis=0).tolist()
    return {"days": n_days, "deltas": n_deltas}


def forget_retired(session: Session) -> None:
    """Delete what retired models left, but for their parameters."""
    for part in ("interests", "totals", "deltas", "pending", "days"):
        session.execute(f"delete_retired_{part}")


def bring_deltas(
    session: Session, preset: Preset, live: LiveModel, max_chunks: int | None = None
) -> tuple[int, int]:
    """Make the deltas of a model for the days that need it.

    Args:
        session: Of the night, or of a rebuild.
        preset: Gives the weights.
        live: The model.
        max_chunks: Leave the rest of the work for later after so many chunks of CHUNK interactions.

    Returns:
        How many days were accumulated, and how many deltas that made.
    """
    weighing = _weighing(session, preset, live)
    stale = session.rows("stale_days", model_key=live.stored.model_key, weighing=weighing)
    n_days = n_deltas = 0
    for days in islice(_chunks(stale, CHUNK), max_chunks):
        n_deltas += _accumulate(session, preset, live, days, weighing)
        n_days += len(days)
    return n_days, n_deltas


def _weighing(session: Session, preset: Preset, live: LiveModel) -> str:
    """Names everything but interactions that deltas depend on."""
    facts: tuple[object, ...] = (live.interest.half_lives, live.stored.encoder_id)
    if live.stored.kind != ZERO_SHOT:
        facts = (live.stored.model_id,)
    kinds, scales = _rules(session, preset)
    return _digest((kinds, *facts, scales))


def _rules(
    session: Session, preset: Preset
) -> tuple[list[tuple[str, str]], list[tuple[str, float]]]:
    """The preset's rules by event type, and the scales of ratings."""
    kinds = sorted((name, repr(kind)) for name, kind in preset.event_types.items())
    rated = {name for name, kind in preset.event_types.items() if kind.value == "rating"}
    scales = sorted(
        (name, scale_of(largest))
        for _, name, largest in session.rows("largest_values")
        if name in rated
    )
    return kinds, scales


def _digest(facts: tuple[object, ...]) -> str:
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
    session: Session, preset: Preset, live: LiveModel, days: list[date], weighing: str
) -> int:
    """Replace the deltas of some days."""
    named = {"model_key": live.stored.model_key, "days": days}
    happened = weighed(session, "interactions_of_days", preset, live.stored, days=days)
    model = live.interest.at(happened.item_keys)
    users, added = deltas(
        model.weigh(happened.interactions), summed(model, happened), model.half_lives
    )
    session.execute("create_earlier_interests", **named)
    session.execute("delete_daily_interests", **named)
    n, n_half_lives, width = map(int, added.totals.shape)
    real = copying.FLOAT4
    columns = (copying.INT2, copying.INT4, copying.DAY, real, real, copying.vector(width))
    arrays = (
        np.full(n * n_half_lives, live.stored.model_key, np.int16),
        happened.user_keys[users].repeat(n_half_lives),
        added.days.repeat(n_half_lives),
        np.tile(np.asarray(model.half_lives, np.float32), n),
        added.masses.ravel(),
        added.totals.reshape(-1, width),
    )
    session.copy_in("copy_daily_interests", columns, arrays)
    session.execute("mark_changed_users", **named)
    session.execute("drop_earlier_interests")
    session.execute("mark_accumulated", **named, weighing=weighing)
    log.info("accumulated", model=live.stored.model_id, since=days[0], until=days[-1], deltas=n)
    return n


def summed(model: InterestModel, happened: Weighed) -> NDArray[np.float32]:
    """What totals sum, by the same bits whatever else is summed at once: (n_vectors, width).

    Args:
        model: Already `at` the items.
        happened: Gives the vectors.
    """
    vectors = happened.vectors
    padding = np.zeros((-len(vectors) % ROWS_AT_ONCE, vectors.shape[1]), np.float32)
    return model.inputs(np.concatenate([vectors, padding]))[: len(vectors)]


def _bring_trends(session: Session, preset: Preset) -> None:
    """Count who took to what on every day that needs it."""
    kinds, scales = _rules(session, preset)
    weighing = _digest((kinds, scales))
    stale = session.rows("stale_trends", weighing=weighing)
    for days in _chunks(stale, CHUNK):
        session.execute("delete_daily_trends", days=days)
        trends = _trends(session, preset, days)
        session.copy_in("copy_daily_trends", (copying.INT4, copying.DAY, copying.FLOAT4), trends)
        session.execute("mark_trends", days=days, weighing=weighing)


def _trends(
    session: Session, preset: Preset, days: list[date]
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float32]]:
    """How many users did something good with each item on each day; a user counts once a day."""
    taken = liked(session, "interactions_of_days", preset, days=days)
    triples = np.unique(np.column_stack([taken.item_keys, taken.days, taken.user_keys]), axis=0)
    pairs, counts = np.unique(triples[:, :2], axis=0, return_counts=True)
    return pairs[:, 0], pairs[:, 1], counts.astype(np.float32)
