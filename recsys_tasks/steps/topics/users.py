"""What part each user's interest has in each topic, of the users whom a changed day concerns."""

from datetime import date
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.interactions import rows_of
from recsys_tasks.presets import Preset
from recsys_tasks.steps import digest_of
from recsys_tasks.steps.topics.placing import read_topics
from recsys_tasks.topics import Contributions, nearest, share
from recsys_tasks.topics.sharing import Shares, lately
from recsys_tasks.warehouse import Session, copying
from recsys_tasks.warehouse.models import StoredModel
from recsys_tasks.warehouse.overlapping import overlap
from recsys_tasks.warehouse.text_vectors import read_vectors
from recsys_tasks.warehouse.weighing import Counted, counted

USERS_AT_ONCE = 20_000
TEXTS_AT_ONCE = 50_000


def bring_shares(session: Session, preset: Preset, model: StoredModel, fit: int) -> int:
    """Count every day that is not counted as it is now.

    Args:
        session: Of the night, when items are placed.
        preset: Gives weights and half-lives.
        model: Gives the space of the vectors.
        fit: Names the topics.

    Returns:
        The number of users whose shares were made anew.
    """
    rules = _rules(session, preset, fit)
    session.execute("prefer_indexes")
    days = [day for (day,) in session.rows("stale_topic_days", rules=rules)]
    session.execute("recount_users_of_days", days=days)
    session.execute("forget_topic_days", days=days)
    session.execute("insert_topic_days", days=days, rules=rules)
    session.execute("insert_topic_user_days", days=days)
    _place_texts(session, preset, model, days)
    users = [user for (user,) in session.rows("recounted_users")]
    session.execute("delete_topic_shares")
    overlap(
        (users[first : first + USERS_AT_ONCE] for first in range(0, len(users), USERS_AT_ONCE)),
        partial(_read, session, preset, model),
        partial(_share, _read_placed(session), preset),
        partial(_write, session, preset),
    )
    return len(users)


def _rules(session: Session, preset: Preset, fit: int) -> str:
    """Names everything but interactions that shares depend on."""
    kinds = sorted((name, repr(kind)) for name, kind in preset.event_types.items())
    scales = sorted((name, largest) for _, name, largest in session.rows("largest_values"))
    rated = [(name, n) for name, n in scales if name in _rated(preset)]
    return digest_of(fit, preset.half_lives, kinds, rated)


def _rated(preset: Preset) -> set[str]:
    return {name for name, kind in preset.event_types.items() if kind.value == "rating"}


def _place_texts(session: Session, preset: Preset, model: StoredModel, days: list[date]) -> None:
    """Find the topic of what users wrote; of none where it is less close than items mostly are."""
    (texts,) = session.copy_out(
        "texts_to_place",
        (copying.INT4,),
        encoder_id=model.encoder_id,
        days=days,
        event_types=[name for name, kind in preset.event_types.items() if kind.text_weight > 0],
    )
    topics, centroids = read_topics(session, model.dim)
    *_, poor_below = session.rows("topic_fit")[0]
    for first in range(0, len(texts), TEXTS_AT_ONCE):
        batch = texts[first : first + TEXTS_AT_ONCE]
        labels, closeness = nearest(centroids, read_vectors(session, model, batch))
        placed = topics[labels].tolist()
        is_near = closeness >= poor_below
        session.execute(
            "insert_topic_texts",
            text_keys=batch.tolist(),
            topic_keys=[
                key if near else None for key, near in zip(placed, is_near.tolist(), strict=True)
            ],
            closeness=closeness.tolist(),
        )


class _Placed(NamedTuple):
    """Keys, ascending, of items and of texts that have a topic, and of those topics."""

    items: NDArray[np.int32]
    item_topics: NDArray[np.int32]
    texts: NDArray[np.int32]
    text_topics: NDArray[np.int32]


def _read_placed(session: Session) -> _Placed:
    pair = (copying.INT4, copying.INT4)
    items, _, item_topics = session.copy_out("placed_items", (*pair, copying.INT4))
    return _Placed(items, item_topics, *session.copy_out("placed_texts", pair))


def _read(session: Session, preset: Preset, model: StoredModel, users: list[int]) -> Counted:
    return counted(session, "interactions_of_users_to_count", preset, model, user_keys=users)


def _share(placed: _Placed, preset: Preset, did: Counted) -> Shares:
    """By what interactions say by their items, and by what was written."""
    by_item, of_item = _topics_of(placed.items, placed.item_topics, did.item_keys)
    by_text, of_text = _topics_of(placed.texts, placed.text_topics, did.text_keys)
    given = Contributions(
        np.concatenate([did.user_keys[by_item], did.user_keys[by_text]]),
        np.concatenate([of_item, of_text]),
        np.concatenate([did.times[by_item], did.times[by_text]]),
        np.concatenate([did.weights[by_item], did.text_weights[by_text]]),
    )
    return share(given, preset.half_lives)


def _write(session: Session, preset: Preset, shares: Shares) -> None:
    """Send users by the number of their topics: arrays of one width make rows of one width."""
    _, first, n_topics = np.unique(shares.users, return_index=True, return_counts=True)
    scalars = (copying.INT4, copying.DAY, copying.FLOAT4)
    for n in np.unique(n_topics).tolist():
        own = first[n_topics == n]
        cells = own[:, None] + np.arange(n)
        half_life = np.full(len(own), lately(preset.half_lives), np.float32)
        real = copying.real_array(n)
        session.copy_in(
            "copy_topic_shares",
            (*scalars, copying.integer_array(n), real, real, real),
            (
                *(shares.users[own], shares.days[own], half_life, shares.topics[cells]),
                *(shares.masses[cells], shares.shares[cells], shares.usual_shares[cells]),
            ),
        )


def _topics_of(
    keys: NDArray[np.int32], topics: NDArray[np.int32], wanted: NDArray[np.int32]
) -> tuple[NDArray[np.bool_], NDArray[np.int32]]:
    """Which of the wanted keys have a topic, and the topics of those."""
    rows, found = rows_of(keys, wanted)
    return found, topics[rows[found]]
