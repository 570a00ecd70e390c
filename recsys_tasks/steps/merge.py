"""Fold the deltas into the totals.

A user whose new deltas come after the stored total has them added to it (the night at the
watermark, the fast path). A user with a delta that changed before that is folded again from the
first day on. Both run the same recurrence over the same deltas, so both end in the same bits. What
was shown of a user since the change is taken down: `rank` shows it anew.
"""

from collections.abc import Iterator
from datetime import date

import numpy as np

from recsys_tasks.interactions import NO_ROW
from recsys_tasks.settings import Settings, preset_of
from recsys_tasks.steps import Counts
from recsys_tasks.warehouse import Session, copying
from recsys_tasks.warehouse.interests import (
    Interests,
    Shape,
    fold_from,
    read_deltas,
    read_interests,
)
from recsys_tasks.warehouse.models import serving_model

CHUNK = 50_000  # deltas folded at once; each is H vectors


def run(session: Session, settings: Settings, day: date) -> Counts:  # noqa: ARG001  as every step
    """Bring the totals of every user whose deltas changed in line with them."""
    model = serving_model(session)
    shape = Shape(preset_of(settings).half_lives, model.dim + 1)
    sizes = session.rows("pending_sizes", half_life=shape.half_lives[0])
    for first, last in _ranges(sizes, CHUNK):
        _fold_range(session, shape, first, last)
    return {"users": len(sizes), "deltas": sum(n_deltas for _, n_deltas in sizes)}


def _ranges(sizes: list[tuple[int, int]], limit: int) -> Iterator[tuple[int, int]]:
    """Ranges of user keys, both ends included, with at most `limit` deltas, or of one user."""
    first, last, size = NO_ROW, NO_ROW, 0
    for user_key, n_deltas in sizes:
        if first != NO_ROW and size + n_deltas > limit:
            yield first, last
            first, size = NO_ROW, 0
        first = user_key if first == NO_ROW else first
        last, size = user_key, size + n_deltas
    if first != NO_ROW:
        yield first, last


def _fold_range(session: Session, shape: Shape, first: int, last: int) -> None:
    """Fold the pending users of a range of keys; one without deltas any more loses the totals."""
    known = read_interests(session, "totals_to_extend", shape, first=first, last=last)
    deltas = read_deltas(session, "deltas_to_fold", shape, first=first, last=last)
    folded = fold_from(known, deltas, shape.half_lives)
    session.execute("delete_pending_totals", first=first, last=last)
    _write_totals(session, shape, folded)
    session.execute("delete_outdated_interests", first=first, last=last)
    session.execute("delete_pending", first=first, last=last)


def _write_totals(session: Session, shape: Shape, folded: Interests) -> None:
    n_half_lives = len(shape.half_lives)
    real = copying.FLOAT4
    columns = (copying.INT4, real, copying.DAY, real, real, copying.vector(shape.width))
    arrays = (
        folded.user_keys.repeat(n_half_lives),
        np.tile(np.asarray(shape.half_lives, np.float32), len(folded.user_keys)),
        folded.state.days.repeat(n_half_lives),
        folded.state.masses.ravel(),
        folded.alphas.ravel(),
        folded.state.totals.reshape(-1, shape.width),
    )
    session.copy_in("copy_interest_totals", columns, arrays)
