"""What is shown beside the lists of a night: trends, and the interests of those who were active."""

from datetime import date

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.interactions import day_number
from recsys_tasks.settings import Preset
from recsys_tasks.steps.rank.inputs import Picture
from recsys_tasks.warehouse import Session, copying
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


def write_interests(session: Session, picture: Picture, keys: NDArray[np.int32]) -> None:
    """Show the interests of those of `users_to_show` who are among `picture.known`."""
    model, ranker, known = picture.model, picture.ranker, picture.known
    chosen = np.flatnonzero(np.isin(known.user_keys, keys))
    state = known.state.at(chosen)
    n_half_lives = len(ranker.half_lives)
    n = len(chosen) * n_half_lives
    vectors = ranker.interests(state, picture.centre).astype(np.float16)
    half, real = copying.halfvec(vectors.shape[-1]), copying.FLOAT4
    session.execute(
        "delete_interests",
        model_key=model.model_key,
        night=picture.night,
        user_keys=known.user_keys[chosen].tolist(),
    )
    session.copy_in(
        "copy_interests",
        (copying.INT2, copying.DAY, copying.INT4, real, real, real, half),
        (
            np.full(n, model.model_key, np.int16),
            state.days.repeat(n_half_lives),
            known.user_keys[chosen].repeat(n_half_lives),
            np.tile(np.asarray(ranker.half_lives, np.float32), len(chosen)),
            state.masses.ravel(),
            known.alphas[chosen].ravel(),
            vectors.reshape(-1, vectors.shape[-1]),
        ),
    )
