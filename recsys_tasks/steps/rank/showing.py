"""What is shown beside the lists of a night: trends, and the interests of those who were active."""

from datetime import date
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.interactions import day_number
from recsys_tasks.settings import Preset
from recsys_tasks.steps.rank.inputs import Picture
from recsys_tasks.warehouse import Session, copying
from recsys_tasks.warehouse.interests import Interests
from recsys_tasks.warehouse.models import LiveModel

TRENDING = 100  # items shown a horizon


def write_trends(session: Session, preset: Preset, picture: Picture) -> None:
    """Replace what trends on a night, by horizon."""
    session.execute("delete_trends", night=picture.night)
    columns = (copying.DAY, copying.INT2, copying.INT2, copying.INT4, copying.FLOAT4)
    for half_life, counts in zip(preset.trend_half_lives, picture.trends.T, strict=True):
        order = np.argsort(-counts, kind="stable")[:TRENDING]
        best = order[counts[order] > 0]
        arrays = (
            np.full(len(best), day_number(picture.night), np.int32),
            np.full(len(best), max(round(half_life), 1), np.int16),
            np.arange(1, len(best) + 1, dtype=np.int16),
            picture.item_keys[best],
            counts[best],
        )
        session.copy_in("copy_trends", columns, arrays)


def users_to_show(
    session: Session, live: LiveModel, night: date, *, is_newest: bool
) -> NDArray[np.int32]:
    """Keys, ascending, of users active on a night's day, or not shown as of their last day.

    After a change of model that is everybody whom the model before showed: readers see the vectors
    of one model. While it stays, the newest night looks only at whoever was folded since the last.
    """
    shown = session.value("derived_fingerprint", table="interests")
    stays = is_newest and shown == live.stored.model_id
    (keys,) = session.copy_out(
        "interests_due" if stays else "interests_to_show",
        (copying.INT4,),
        model_key=live.stored.model_key,
        night=night,
        half_life=live.interest.half_lives[0],
    )
    return keys


class InterestsShown(NamedTuple):
    """The interests of n users as applications read them.

    Attributes:
        known: The users, and what is known of them.
        vectors: u_h of each, shape (n, H, rank).
    """

    known: Interests
    vectors: NDArray[np.float16]


def interests_shown(picture: Picture, keys: NDArray[np.int32]) -> InterestsShown:
    """Those of the users who are among `keys` and among `picture.known`."""
    known = picture.known.at(np.flatnonzero(np.isin(picture.known.user_keys, keys)))
    vectors = picture.ranker.interests(known.state, picture.centre)
    return InterestsShown(known, vectors.astype(np.float16))


def write_interests(session: Session, picture: Picture, shown: InterestsShown) -> None:
    """Replace what is shown of users on the night of a picture."""
    model_key, half_lives, known = picture.model.model_key, picture.ranker.half_lives, shown.known
    n_users, n_half_lives, width = shown.vectors.shape
    half, real = copying.halfvec(width), copying.FLOAT4
    session.execute(
        "delete_interests",
        model_key=model_key,
        night=picture.night,
        user_keys=known.user_keys.tolist(),
    )
    session.copy_in(
        "copy_interests",
        (copying.INT2, copying.DAY, copying.INT4, real, real, real, half),
        (
            np.full(n_users * n_half_lives, model_key, np.int16),
            known.state.days.repeat(n_half_lives),
            known.user_keys.repeat(n_half_lives),
            np.tile(np.asarray(half_lives, np.float32), n_users),
            known.state.masses.ravel(),
            known.alphas.ravel(),
            shown.vectors.reshape(-1, width),
        ),
    )
