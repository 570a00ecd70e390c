"""Similar items and similar users, and the item vectors of live queries, as of the newest night."""

import hashlib

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.interactions import NO_ROW, rows_of
from recsys_tasks.ranking import Lists, nearest
from recsys_tasks.settings import Settings
from recsys_tasks.steps.rank.inputs import Picture
from recsys_tasks.warehouse import Session, copying


def write_neighbours(
    session: Session, settings: Settings, picture: Picture, moved: NDArray[np.int32]
) -> None:
    """Bring neighbours and item vectors in line with the night. What did not change is not touched.

    Args:
        session: Of the night.
        settings: Its settings.
        picture: What the night ranks.
        moved: Keys of users whose interest moved: they get new neighbours.
    """
    _write_item_vectors(session, picture)
    _write_similar_items(session, settings, picture)
    _write_similar_users(session, settings, picture, moved)


def _write_item_vectors(session: Session, picture: Picture) -> None:
    """Rows of items whose text or listing changed; the index sees no others."""
    session.value("prepare_item_vectors", dim=picture.model.dim)
    asked = {"encoder_id": picture.model.encoder_id, "night": picture.night}
    session.execute("delete_item_vectors", **asked)
    session.execute("insert_item_vectors", **asked)


def _write_similar_items(session: Session, settings: Settings, picture: Picture) -> None:
    """Each item's nearest by text; all are made anew when one of the vectors is new."""
    digest = hashlib.sha256(picture.item_keys.tobytes() + picture.vectors.tobytes())
    fingerprint = f"{settings.similar_length} {digest.hexdigest()}"
    if session.value("derived_fingerprint", table="item_neighbours") == fingerprint:
        return
    with_text = np.flatnonzero(picture.vectors.any(axis=1))
    vectors = picture.vectors[with_text] - picture.centre
    own = np.arange(len(vectors), dtype=np.int32)
    lists = nearest(
        vectors,
        vectors,
        own,
        settings.similar_length,
        batch_size=settings.batch_size,
        device=picture.device,
    )
    session.execute("delete_item_neighbours")
    keys = picture.item_keys[with_text]
    _copy(session, "copy_item_neighbours", keys, lists, keys)
    session.execute("upsert_derived", table="item_neighbours", fingerprint=fingerprint)


def _write_similar_users(
    session: Session, settings: Settings, picture: Picture, moved: NDArray[np.int32]
) -> None:
    """The nearest users of those whose interest moved, among the users with the most evidence."""
    evidence = picture.masses[:, -1]
    pool = np.argsort(-evidence, kind="stable")[: settings.similar_pool]
    pool = pool[evidence[pool] > 0]
    queries = np.flatnonzero(np.isin(picture.user_keys, moved) & (evidence > 0))
    vectors = picture.interests.sum(axis=1)
    rows, inside = rows_of(pool.astype(np.int32), queries.astype(np.int32))
    own = np.where(inside, rows, NO_ROW).astype(np.int32)
    lists = nearest(
        vectors[queries],
        vectors[pool],
        own,
        settings.similar_length,
        batch_size=settings.batch_size,
        device=picture.device,
    )
    session.execute("delete_user_neighbours", user_keys=moved.tolist())
    session.execute("delete_stray_user_neighbours")
    _copy(
        session,
        "copy_user_neighbours",
        picture.user_keys[queries],
        lists,
        picture.user_keys[pool],
    )


def _copy(
    session: Session,
    query: str,
    own_keys: NDArray[np.int32],
    lists: Lists,
    pool_keys: NDArray[np.int32],
) -> None:
    """Send neighbours as arrays, lists of one length at a time."""
    lengths = (lists.rows != NO_ROW).sum(axis=1)
    for length in np.unique(lengths[lengths > 0]).tolist():
        chosen = lengths == length
        session.copy_in(
            query,
            (copying.INT4, copying.integer_array(length), copying.real_array(length)),
            (
                own_keys[chosen],
                pool_keys[lists.rows[chosen, :length]],
                lists.scores[chosen, :length],
            ),
        )
