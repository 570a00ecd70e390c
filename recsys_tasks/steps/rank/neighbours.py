"""Who and what is alike, and the item vectors of live queries, as of the newest night."""

import hashlib

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.cold_start import distinct, most_alike
from recsys_tasks.interactions import NO_ROW, rows_of
from recsys_tasks.ranking import Lists, nearest
from recsys_tasks.settings import Settings
from recsys_tasks.steps.rank.cold import read_profiles
from recsys_tasks.steps.rank.inputs import Listed, Picture, item_facts_of, read_catalogue
from recsys_tasks.steps.rank.people import write_people
from recsys_tasks.warehouse import Session, copying


def write_neighbours(
    session: Session,
    settings: Settings,
    picture: Picture,
    moved: NDArray[np.int32],
    with_interest: NDArray[np.int32],
) -> None:
    """Bring neighbours and item vectors in line with the night. What did not change is not touched.

    Args:
        session: Of the night.
        settings: Its settings.
        picture: What the night ranks; of its users, those that moved and those with the most
            evidence are enough.
        moved: Keys of users whose interest moved: they get new neighbours.
        with_interest: Keys of everybody who has an interest.
    """
    _write_item_vectors(session, picture)
    _write_similar_items(session, settings, picture)
    pool = _pool(settings, picture)
    _write_similar_users(session, settings, picture, moved, pool)
    _write_alike_users(session, settings, picture, pool, with_interest)
    write_people(session, settings, picture)


def _write_item_vectors(session: Session, picture: Picture) -> None:
    """The personal part of every listed item's side, where it is not what stands there.

    Items whose part is zero have no row: no interest points at them.
    """
    keys, sides = _personal_parts(session, picture)
    vectors = sides.astype(np.float16)
    keys, vectors = keys[vectors.any(axis=1)], vectors[vectors.any(axis=1)]
    columns = (copying.INT4, copying.halfvec(picture.rank))
    session.value("prepare_item_vectors", dim=picture.rank)
    known, as_they_are = session.copy_out("item_vectors_as_they_are", columns)
    rows, is_listed = rows_of(keys, known)
    stays = is_listed.copy()
    stays[is_listed] = (as_they_are[is_listed] == vectors[rows[is_listed]]).all(axis=1)
    session.execute("delete_item_vectors", item_keys=known[~stays].tolist())
    changed = ~np.isin(keys, known[stays])
    if not len(known):
        session.value("drop_vector_index")
    session.execute("create_staged_item_vectors")
    session.copy_in("copy_staged_item_vectors", columns, (keys[changed], vectors[changed]))
    session.execute("insert_item_vectors")
    session.execute("drop_staged_item_vectors")
    session.value("make_vector_index")
    session.execute("update_item_vectors")


def _personal_parts(
    session: Session, picture: Picture
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Keys of all listed items, available or not, and their vectors, shape (n, rank)."""
    listed = read_catalogue(session, picture.model, "items_with_vectors", picture.night)
    personal = picture.item_side[:, : picture.rank]
    absent = ~np.isin(listed.item_keys, picture.item_keys)
    if not absent.any():
        return picture.item_keys, personal
    others = Listed(listed.item_keys[absent], listed.vectors[absent], listed.ages[absent])
    ranker = picture.ranker.at(others.item_keys)
    side = ranker.item_side(item_facts_of(session, ranker, others, picture.night))
    keys = np.concatenate([picture.item_keys, others.item_keys])
    return keys, np.concatenate([personal, side[:, : picture.rank]])


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


def _pool(settings: Settings, picture: Picture) -> NDArray[np.intp]:
    """Rows of the users with the most evidence, most first: among them neighbours are sought."""
    evidence = picture.masses[:, -1]
    pool = np.argsort(-evidence, kind="stable")[: settings.similar_pool]
    return pool[evidence[pool] > 0]


def _write_similar_users(
    session: Session,
    settings: Settings,
    picture: Picture,
    moved: NDArray[np.int32],
    pool: NDArray[np.intp],
) -> None:
    """The nearest of the pool's users, for those whose interest moved."""
    evidence = picture.masses[:, -1]
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
    session.execute("delete_stray_user_neighbours", model_key=picture.model.model_key)
    _copy(
        session,
        "copy_user_neighbours",
        picture.user_keys[queries],
        lists,
        picture.user_keys[pool],
    )


def _write_alike_users(
    session: Session,
    settings: Settings,
    picture: Picture,
    pool: NDArray[np.intp],
    with_interest: NDArray[np.int32],
) -> None:
    """The pool's users with the most attributes in common, for whoever has no interest yet."""
    people = read_profiles(session)
    cold = np.flatnonzero(~np.isin(people.user_keys, with_interest))
    if not len(cold):
        return
    kinds, which = distinct(people.values[cold])
    pool_keys = picture.user_keys[pool]
    rows, cosines = most_alike(kinds, people.of(pool_keys), settings.similar_length)
    session.execute("delete_user_neighbours", user_keys=people.user_keys[cold].tolist())
    lists = Lists(rows[which], cosines[which])
    _copy(session, "copy_user_neighbours", people.user_keys[cold], lists, pool_keys)


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
