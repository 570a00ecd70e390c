"""How many users took to each item on each day, with noise: released once a day, and never again.

A day is released when it is over. Late events do not enter it: to tell a day again whenever it
changed would tell that somebody was late. What a release adds up to is noted in `noise_releases`;
the same counts draw the same noise, so that a schema made anew from the same days is the same.

Every item of the catalogue that existed on the day gets noise, whoever took to it. Items that only
behaviour names are left out: that they are there at all tells of somebody.
"""

from datetime import date
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.interactions import day_number, rows_of
from recsys_tasks.noise import GRID, NoiseKey, Release, clipped_counts
from recsys_tasks.settings import Preset, Privacy, Settings, noise_secret, preset_of
from recsys_tasks.steps import digest_of
from recsys_tasks.steps.releasing import released
from recsys_tasks.warehouse import Session, copying
from recsys_tasks.warehouse.models import StoredModel
from recsys_tasks.warehouse.weighing import Reader, liked

MECHANISM: Final = "trends"
_COLUMNS: Final = (copying.INT4, copying.DAY, copying.FLOAT4)


class _Catalogue(NamedTuple):
    """Its n items, in the order of ids.

    Attributes:
        keys: Theirs, shape (n,).
        ids: Theirs.
        first_days: Day numbers since when they exist, shape (n,).
    """

    keys: NDArray[np.int32]
    ids: tuple[str, ...]
    first_days: NDArray[np.int64]


def release_trends(
    session: Session, reader: Reader, settings: Settings, privacy: Privacy, serving: StoredModel
) -> None:
    """Release every day that is over and was not yet; a day that goes on has no counts."""
    preset = preset_of(settings)
    configuration = _configuration(privacy, preset, serving)
    key = NoiseKey(noise_secret(settings))
    _take_back_exact_days(session)
    days = [day for (day,) in session.rows("unreleased_days", configuration=configuration)]
    if not days:
        return
    keys, ids, first_days = session.columns("public_items")
    catalogue = _Catalogue(np.array(keys, np.int32), ids, np.array(first_days, np.int64))
    for day in days:
        _release(
            session,
            key,
            privacy,
            Release(MECHANISM, day, configuration),
            catalogue,
            _counts(session, reader, settings, privacy, serving, catalogue, day),
        )
    session.execute("mark_trends_released", days=days, configuration=configuration)


def _configuration(privacy: Privacy, preset: Preset, serving: StoredModel) -> str:
    """Names everything but interactions that a release depends on: another one costs as much again.

    Of a weight its sign alone counts; and what is left out of a release costs nothing.
    """
    kinds = sorted(
        (
            name,
            np.sign(kind.weight).item(),
            kind.value == "rating",
            # Whoever complains has not taken to it, and by its vector a text is a complaint.
            (kind.stance, serving.encoder_id) if kind.stance else None,
        )
        for name, kind in preset.event_types.items()
    )
    return digest_of(
        kinds, privacy.epsilon, privacy.most_items, privacy.rating_scale, privacy.edition
    )


def _take_back_exact_days(session: Session) -> None:
    """Of days that went on when they were counted without noise."""
    if days := [day for (day,) in session.rows("exact_days")]:
        session.execute("delete_daily_trends", days=days)
        session.execute("forget_trends", days=days)


def _counts(
    session: Session,
    reader: Reader,
    settings: Settings,
    privacy: Privacy,
    serving: StoredModel,
    catalogue: _Catalogue,
    day: date,
) -> NDArray[np.int64]:
    """Who took to what on a day, clipped, in steps of 1 / GRID, shape (n_items,)."""
    counts = np.zeros(len(catalogue.keys), np.int64)
    for users in reader.ranges([day]):
        read = reader.read([day], users)
        who = liked(session, read, preset_of(settings), serving, privacy.rating_scale)
        rows, is_listed = rows_of(catalogue.keys, who.item_keys)
        counts += clipped_counts(
            who.user_keys[is_listed], rows[is_listed], len(counts), privacy.most_items
        )
    return counts


def _release(
    session: Session,
    key: NoiseKey,
    privacy: Privacy,
    release: Release,
    catalogue: _Catalogue,
    counts: NDArray[np.int64],
) -> None:
    """Write a day's counts with noise in place of what the tables hold of it."""
    day = day_number(release.day)
    existed = catalogue.first_days <= day
    ids = [item_id for item_id, was_there in zip(catalogue.ids, existed, strict=True) if was_there]
    session.execute("withdraw_releases", mechanism=MECHANISM, days=[release.day])
    sensitivity = privacy.most_items * GRID
    noised, _ = released(session, key, release, privacy.epsilon, sensitivity, ids, counts[existed])
    kept = np.flatnonzero(np.abs(noised) >= max(privacy.smallest * GRID, 1))
    session.execute("delete_daily_trends", days=[release.day])
    session.copy_in(
        "copy_daily_trends",
        _COLUMNS,
        (
            catalogue.keys[existed][kept],
            np.full(len(kept), day, np.int32),
            (noised[kept] / GRID).astype(np.float32),
        ),
    )
