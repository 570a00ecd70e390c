"""The item vectors of live queries, as of the newest night."""

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.interactions import rows_of
from recsys_tasks.steps.rank.inputs import Picture, item_facts_of, read_catalogue
from recsys_tasks.warehouse import Session, copying


def write_item_vectors(session: Session, picture: Picture) -> None:
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
    listed = read_catalogue(
        session, picture.model, "items_with_vectors", picture.night, picture.texts
    )
    personal = picture.item_side[:, : picture.rank]
    absent = ~np.isin(listed.item_keys, picture.item_keys)
    if not absent.any():
        return picture.item_keys, personal
    others = listed.at(absent)
    ranker = picture.ranker.at(others.item_keys)
    side = ranker.item_side(item_facts_of(session, ranker, others, picture.night))
    keys = np.concatenate([picture.item_keys, others.item_keys])
    return keys, np.concatenate([personal, side[:, : picture.rank]])
