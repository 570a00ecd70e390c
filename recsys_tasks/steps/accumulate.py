"""Each user's delta for the day: what it adds to the interest at every half-life, and what trends.

A day is accumulated anew whenever its interactions, the weights, the model's parameters or the
encoder are not those that its deltas were made from; so the step also mends late days and changed
settings. Every live model has deltas of its own; trends are the same for all.
"""

from collections.abc import Iterator
from datetime import date
from itertools import islice

import numpy as np
import structlog
from numpy.typing import NDArray

from recsys_tasks.interactions import Interactions
from recsys_tasks.interest_model import InterestModel, deltas, scale_of
from recsys_tasks.settings import Preset, Settings, preset_of
from recsys_tasks.steps import Counts, digest_of
from recsys_tasks.steps.noised_trends import release_trends
from recsys_tasks.warehouse import Session, copying
from recsys_tasks.warehouse.interests import Users
from recsys_tasks.warehouse.models import ZERO_SHOT, LiveModel, StoredModel, live_models
from recsys_tasks.warehouse.overlapping import overlap
from recsys_tasks.warehouse.replacing import Deltas, replace_deltas
from recsys_tasks.warehouse.weighing import Reader, Weighed, liked, weighed_of

log = structlog.get_logger()

CHUNK = 50_000  # interactions of several days that are accumulated at once
PART = 5_000  # deltas in memory at once, of H vectors each
# Products of more rows or fewer take other paths through BLAS, which end in other last bits.
ROWS_AT_ONCE = 1024


def run(session: Session, settings: Settings, day: date) -> Counts:  # noqa: ARG001  as every step
    """Make the deltas of every day that needs it, and forget those of retired models."""
    preset = preset_of(settings)
    session.execute("prefer_indexes")
    forget_retired(session)
    reader = Reader(session)
    models = live_models(session, both_stages=False)
    if settings.privacy is None:
        _bring_trends(session, reader, preset, models[0].stored)
    else:
        release_trends(session, reader, settings, settings.privacy, models[0].stored)
    counts = [bring_deltas(session, preset, live, reader=reader) for live in models]
    n_days, n_deltas = np.sum(counts, axis=0).tolist()
    return {"days": n_days, "deltas": n_deltas}


def forget_retired(session: Session) -> None:
    """Delete what retired models left, but for their parameters."""
    if session.value("is_retired_model_left"):
        for part in ("interests", "totals", "deltas", "pending", "days"):
            session.execute(f"delete_retired_{part}")


def bring_deltas(
    session: Session,
    preset: Preset,
    live: LiveModel,
    max_chunks: int | None = None,
    reader: Reader | None = None,
) -> tuple[int, int]:
    """Make the deltas of a model for the days that need it.

    Args:
        session: Of the night, or of a rebuild.
        preset: Gives the weights.
        live: The model.
        max_chunks: Leave the rest of the work for later after so many chunks of CHUNK interactions.
        reader: Has read the interactions for others already.

    Returns:
        How many days were accumulated, and how many deltas that made.
    """
    weighing = _weighing(session, preset, live)
    stale = session.rows("stale_days", model_key=live.stored.model_key, weighing=weighing)
    is_known = session.value("has_deltas", model_key=live.stored.model_key)
    n_days = n_deltas = 0
    reader = reader or Reader(session)
    for days in islice(_chunks(stale, CHUNK), max_chunks):
        n_deltas += _accumulate(session, reader, preset, live, days)
        session.execute(
            "mark_accumulated", model_key=live.stored.model_key, days=days, weighing=weighing
        )
        n_days += len(days)
    if n_days and not is_known:
        session.execute("analyze_deltas")
    return n_days, n_deltas


def _weighing(session: Session, preset: Preset, live: LiveModel) -> str:
    """Names everything but interactions that deltas depend on."""
    facts: tuple[object, ...] = (live.interest.half_lives, live.stored.encoder_id)
    if live.stored.kind != ZERO_SHOT:
        facts = (live.stored.model_id,)
    kinds, scales = _rules(session, preset)
    return digest_of(kinds, *facts, scales)


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
    session: Session, reader: Reader, preset: Preset, live: LiveModel, days: list[date]
) -> int:
    """Bring the deltas of some days in line with what happened on them."""
    stored = live.stored
    named = {"model_key": stored.model_key, "days": days}
    are_there = session.value("are_there_deltas", **named)
    n_deltas = 0
    for users in reader.ranges(days):
        happened = weighed_of(session, reader.read(days, users), preset, stored)
        n_deltas += _replace(session, live, days, happened, users, are_there=are_there)
    log.info("accumulated", model=stored.model_id, since=days[0], until=days[-1], deltas=n_deltas)
    return n_deltas


def _replace(
    session: Session,
    live: LiveModel,
    days: list[date],
    happened: Weighed,
    among: Users,
    *,
    are_there: bool,
) -> int:
    """Bring the deltas of some users in line, each part written while the next one is summed.

    Returns:
        Their number.
    """
    model = live.interest.at(happened.item_keys)
    interactions, inputs = model.weigh(happened.interactions), summed(model, happened)
    n_deltas = 0

    def read(part: tuple[Users, Interactions]) -> tuple[Users, Interactions]:
        return part

    def compute(part: tuple[Users, Interactions]) -> tuple[Users, Deltas]:
        users, theirs = part
        rows, added = deltas(theirs, inputs, model.half_lives)
        return users, (happened.user_keys[rows], added)

    def write(made: tuple[Users, Deltas]) -> None:
        nonlocal n_deltas
        users, fresh = made
        replace_deltas(session, live, days, fresh, among=users if are_there else None)
        n_deltas += len(fresh[0])

    overlap(_parts(interactions, happened.user_keys, among), read, compute, write)
    return n_deltas


def _parts(
    interactions: Interactions, user_keys: NDArray[np.int32], among: Users
) -> Iterator[tuple[Users, Interactions]]:
    """Interactions, user by user, in parts of at most PART deltas, or of one user.

    Yields:
        A range of keys, and the interactions of its users. Together the ranges
        are `among`, so that whoever has none is in one of them.
    """
    users, days = interactions.users, interactions.days
    is_new = (np.diff(users, prepend=-1) != 0) | (np.diff(days, prepend=-1) != 0)
    starts = np.flatnonzero(np.diff(users, prepend=-1) != 0)
    n_before = np.append(np.cumsum(is_new)[starts] - 1, is_new.sum())  # deltas, by user
    first, start, user = among.first, 0, 0
    while True:
        fits = int(np.searchsorted(n_before, n_before[user] + PART, "right")) - 1
        user = min(max(user + 1, fits), len(starts))
        is_last = user == len(starts)
        end = len(users) if is_last else int(starts[user])
        last = among.last if is_last else int(user_keys[user]) - 1
        yield Users(first, last), interactions.at(slice(start, end))
        if is_last:
            return
        first, start = last + 1, end


def summed(model: InterestModel, happened: Weighed) -> NDArray[np.float32]:
    """What totals sum, by the same bits whatever else is summed at once: (n_vectors, width).

    Args:
        model: Already `at` the items.
        happened: Gives the vectors.
    """
    vectors = happened.vectors
    padding = np.zeros((-len(vectors) % ROWS_AT_ONCE, vectors.shape[1]), np.float32)
    return model.inputs(np.concatenate([vectors, padding]))[: len(vectors)]


def _bring_trends(session: Session, reader: Reader, preset: Preset, serving: StoredModel) -> None:
    """Count who took to what on every day that needs it."""
    facts: tuple[object, ...] = _rules(session, preset)
    if any(kind.stance for kind in preset.event_types.values()):
        facts = (*facts, serving.encoder_id)  # whoever complains has not taken to it
    weighing = digest_of(*facts)
    stale = session.rows("stale_trends", weighing=weighing)
    for days in _chunks(stale, CHUNK):
        session.execute("withdraw_releases", mechanism="trends", days=days)
        session.execute("delete_daily_trends", days=days)
        trends = _trends(session, reader, preset, serving, days)
        session.copy_in("copy_daily_trends", (copying.INT4, copying.DAY, copying.FLOAT4), trends)
        session.execute("mark_trends", days=days, weighing=weighing)


def _trends(
    session: Session, reader: Reader, preset: Preset, serving: StoredModel, days: list[date]
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float32]]:
    """How many users did something good with each item on each day; a user counts once a day."""
    counted = [np.zeros(0, np.int64)]
    for users in reader.ranges(days):
        who = liked(session, reader.read(days, users), preset, serving)
        pairs = who.item_keys.astype(np.int64) << 32 | who.days
        order = np.lexsort((who.user_keys, pairs))
        keys = who.user_keys[order]
        pairs = pairs[order]
        is_first = (np.diff(pairs, prepend=-1) != 0) | (np.diff(keys, prepend=-1) != 0)
        counted.append(pairs[is_first])
    pairs, counts = np.unique(np.concatenate(counted), return_counts=True)
    items, on = (pairs >> 32).astype(np.int32), (pairs & 0xFFFFFFFF).astype(np.int32)
    return items, on, counts.astype(np.float32)
