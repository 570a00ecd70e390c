"""Which items are alike by text: made anew where a text is new, and where it enters a list.

Texts are compared less their centre. It would move with every new item, and all cosines with it: so
the centre stays until it has moved by more than DRIFT (docs/adr/0016-lean-nights.md).
"""

import hashlib
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.interactions import NO_ROW, rows_of
from recsys_tasks.interest_model import centre_of
from recsys_tasks.ranking import Lists, renewed
from recsys_tasks.settings import Settings
from recsys_tasks.steps.rank.inputs import Picture
from recsys_tasks.steps.rank.neighbour_lists import write_neighbour_lists
from recsys_tasks.warehouse import Session, copying

DRIFT: Final = 0.02  # of the centre of unit vectors
_COMPARED = (copying.INT4, copying.INT8)


class _Items(NamedTuple):
    """Items that have a text; shape (n, ...), in the order of a picture.

    Attributes:
        keys: Theirs.
        vectors: Of their texts.
        digests: Of the vectors.
    """

    keys: NDArray[np.int32]
    vectors: NDArray[np.float32]
    digests: NDArray[np.int64]


def write_similar_items(session: Session, settings: Settings, picture: Picture) -> None:
    """Bring each item's nearest by text in line with the catalogue.

    They are as if all were made anew with the centre that is kept.
    """
    items = _with_text(picture)
    made_by = f"{settings.similar_length} {picture.model.encoder_id}"
    centre = centre_of(picture.vectors)
    kept = session.value("compared_centre", fingerprint=made_by)
    keeps = kept is not None and np.linalg.norm(np.array(kept, np.float32) - centre) <= DRIFT
    if keeps:
        centre = np.array(kept, np.float32)
    keys, digests = session.copy_out("compared_items", _COMPARED)
    rows, is_there = rows_of(items.keys, keys)
    stays = is_there & keeps
    stays[stays] = items.digests[rows[stays]] == digests[stays]
    if stays.all() and len(keys) == len(items.keys):
        return
    are_new = np.ones(len(items.keys), np.bool_)
    are_new[rows[stays]] = False
    _renew(session, settings, picture, items, are_new, centre)
    session.execute("delete_compared_items", item_keys=keys[~stays].tolist())
    session.execute("delete_item_neighbours", item_keys=keys[~is_there].tolist())
    fresh = (items.keys[are_new], items.digests[are_new])
    session.copy_in("copy_compared_items", _COMPARED, fresh)
    if not keeps:
        session.execute("upsert_compared", fingerprint=made_by, centre=centre.tolist())


def _with_text(picture: Picture) -> _Items:
    rows = np.flatnonzero(picture.vectors.any(axis=1))
    vectors = picture.vectors[rows]
    digests = [hashlib.blake2b(vector, digest_size=8).digest() for vector in vectors]
    return _Items(picture.item_keys[rows], vectors, np.frombuffer(b"".join(digests), np.int64))


def _renew(
    session: Session,
    settings: Settings,
    picture: Picture,
    items: _Items,
    are_new: NDArray[np.bool_],
    centre: NDArray[np.float32],
) -> None:
    """Write the lists of items that are new, lose a neighbour or get one."""
    standing, lists = _standing(session, settings.similar_length, items, are_new)
    found = renewed(
        items.vectors - centre,
        are_new,
        standing,
        lists,
        batch_size=settings.batch_size,
        device=picture.device,
    )
    theirs = items.keys[found.rows]
    session.execute("delete_item_neighbours", item_keys=theirs.tolist())
    write_neighbour_lists(session, "copy_item_neighbours", theirs, found.lists, items.keys)


def _standing(
    session: Session, length: int, items: _Items, are_new: NDArray[np.bool_]
) -> tuple[NDArray[np.intp], Lists]:
    """The lists of full length that hold nobody who is new or gone, and whose they are."""
    columns = (copying.INT4, copying.integer_array(length), copying.real_array(length))
    keys, neighbour_keys, scores = session.copy_out("full_item_neighbours", columns, length=length)
    own, is_there = rows_of(items.keys, keys)
    rows, are_there = rows_of(items.keys, neighbour_keys.ravel())
    known = np.append(~are_new, False)  # NO_ROW finds the last
    rows = np.where(are_there, rows, NO_ROW).reshape(neighbour_keys.shape)
    stands = known[np.where(is_there, own, NO_ROW)] & known[rows].all(axis=1)
    order = np.flatnonzero(stands)[np.argsort(own[stands])]
    return own[order], Lists(rows[order].astype(np.int32), scores[order])
