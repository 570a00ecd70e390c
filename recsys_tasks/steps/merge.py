"""Fold the deltas into the totals.

A user whose new deltas come after the stored total has them added to it (the night at the
watermark, the fast path). A user with a delta that changed before that is folded again from the
first day on. Both run the same recurrence over the same deltas, so both end in the same bits. What
was shown of a user since the change is taken down: `rank` shows it anew. Every live model has
totals of its own.
"""

from collections.abc import Iterator
from datetime import date
from functools import partial
from itertools import islice
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.decay import Decayed
from recsys_tasks.interactions import NO_ROW
from recsys_tasks.settings import Settings, preset_of
from recsys_tasks.steps import Counts
from recsys_tasks.steps.accumulate import bring_deltas
from recsys_tasks.warehouse import Session, copying
from recsys_tasks.warehouse.interests import (
    Interests,
    Users,
    fold_from,
    read_deltas,
    read_interests,
)
from recsys_tasks.warehouse.models import LiveModel, live_models, serving_model
from recsys_tasks.warehouse.overlapping import overlap

CHUNK = 5_000  # deltas folded at once; each is H vectors


def run(session: Session, settings: Settings, day: date) -> Counts:  # noqa: ARG001  as every step
    """Bring the totals of every user whose deltas changed in line with them."""
    counts = [
        bring_totals(session, live) for live in ready_models(session, settings, both_stages=False)
    ]
    n_users, n_deltas = np.sum(counts, axis=0).tolist()
    return {"users": n_users, "deltas": n_deltas}


def ready_models(
    session: Session, settings: Settings, *, both_stages: bool = True
) -> list[LiveModel]:
    """The live models, their totals up to date also where one has just replaced a broken one."""
    before = serving_model(session)
    ready = live_models(session, both_stages=both_stages)
    if before not in [live.stored for live in ready]:
        for live in ready:
            bring_deltas(session, preset_of(settings), live)
            bring_totals(session, live)
    return ready


def bring_totals(
    session: Session, live: LiveModel, max_chunks: int | None = None
) -> tuple[int, int]:
    """Fold what is pending of a model.

    Args:
        session: Of the night, or of a rebuild.
        live: The model.
        max_chunks: Leave the rest of the work for later after so many chunks of CHUNK deltas.

    Returns:
        How many users waited for it, and how many deltas of theirs.
    """
    named = {"model_key": live.stored.model_key}
    session.execute("create_folds", **named)
    sizes = session.rows("fold_sizes", **named, half_life=live.interest.half_lives[0])
    overlap(
        islice(_ranges(sizes, CHUNK), max_chunks),
        partial(_read, session, live),
        partial(_fold, live),
        partial(_write, session, live),
    )
    session.execute("drop_folds")
    return len(sizes), sum(n_deltas for _, n_deltas in sizes)


class _Pending(NamedTuple):
    """What the totals of some users are folded from: those there are, and deltas after them."""

    users: Users
    known: Interests
    deltas: tuple[NDArray[np.int32], Decayed]


def _ranges(sizes: list[tuple[int, int]], limit: int) -> Iterator[Users]:
    """Ranges of user keys with at most `limit` deltas, or of one user."""
    first, last, size = NO_ROW, NO_ROW, 0
    for user_key, n_deltas in sizes:
        if first != NO_ROW and size + n_deltas > limit:
            yield Users(first, last)
            first, size = NO_ROW, 0
        first = user_key if first == NO_ROW else first
        last, size = user_key, size + n_deltas
    if first != NO_ROW:
        yield Users(first, last)


def _read(session: Session, live: LiveModel, users: Users) -> _Pending:
    asked = {"model_key": live.stored.model_key, **users._asdict()}
    known = read_interests(session, "totals_to_extend", live.shape, **asked)
    return _Pending(users, known, read_deltas(session, "deltas_to_fold", live.shape, **asked))


def _fold(live: LiveModel, pending: _Pending) -> tuple[Users, Interests]:
    return pending.users, fold_from(pending.known, pending.deltas, live.interest.half_lives)


def _write(session: Session, live: LiveModel, folded: tuple[Users, Interests]) -> None:
    """Exchange the totals of a range's pending users; one without deltas any more loses them."""
    users, interests = folded
    asked = {"model_key": live.stored.model_key, **users._asdict()}
    session.execute("delete_pending_totals", **asked)
    write_totals(session, live, interests)
    session.execute("delete_outdated_interests", **asked)
    session.execute("delete_pending", **asked)


def write_totals(session: Session, live: LiveModel, folded: Interests) -> None:
    """Append totals of users who have none."""
    half_lives, width = live.shape
    n, real = len(folded.user_keys), copying.FLOAT4
    columns = (copying.INT2, copying.INT4, real, copying.DAY, real, real, copying.vector(width))
    arrays = (
        np.full(n * len(half_lives), live.stored.model_key, np.int16),
        folded.user_keys.repeat(len(half_lives)),
        np.tile(np.asarray(half_lives, np.float32), n),
        folded.state.days.repeat(len(half_lives)),
        folded.state.masses.ravel(),
        folded.alphas.ravel(),
        folded.state.totals.reshape(-1, width),
    )
    session.copy_in("copy_interest_totals", columns, arrays)
