"""Which users are alike, as of the newest night."""

from datetime import date
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.cold_start import distinct, most_alike
from recsys_tasks.interactions import NO_ROW, rows_of
from recsys_tasks.ranking import Lists, nearest
from recsys_tasks.settings import Settings
from recsys_tasks.steps.rank.cold import Profiles, read_profiles
from recsys_tasks.steps.rank.inputs import Picture
from recsys_tasks.steps.rank.neighbour_lists import write_neighbour_lists
from recsys_tasks.warehouse import Session
from recsys_tasks.warehouse.interests import evidence_as_of
from recsys_tasks.warehouse.models import LiveModel

_BY_ATTRIBUTES = "alike_users"  # in derived_tables: whether there are such rows


class Pool(NamedTuple):
    """The users with the most evidence, most first: among them neighbours are sought.

    Attributes:
        keys: Theirs, shape (n,).
        vectors: What they are interested in, shape (n, rank).
    """

    keys: NDArray[np.int32]
    vectors: NDArray[np.float32]


class SimilarUsers(NamedTuple):
    """The nearest of a pool's users.

    Attributes:
        moved: Keys of those who may have had others until now.
        keys: Of the users, shape (n,).
        lists: Theirs, rows of the pool.
    """

    moved: NDArray[np.int32]
    keys: NDArray[np.int32]
    lists: Lists


def similar_users(
    settings: Settings, picture: Picture, moved: NDArray[np.int32], pool: Pool
) -> SimilarUsers:
    """The nearest of the pool's users, for those of a picture's users whose interest moved.

    Whoever moved and has no list has no neighbours either.

    Args:
        settings: Of the tenant.
        picture: With some users; others who moved are among `picture.known`.
        moved: Keys of the users whose interest moved, ascending.
        pool: Of the night.
    """
    theirs = np.concatenate([picture.user_keys, picture.known.user_keys])
    queries = np.flatnonzero(np.isin(picture.user_keys, moved) & (picture.masses[:, -1] > 0))
    keys = picture.user_keys[queries]
    rows, inside = rows_of(pool.keys, keys)
    lists = nearest(
        picture.interests[queries].sum(axis=1),
        pool.vectors,
        np.where(inside, rows, NO_ROW).astype(np.int32),
        settings.similar_length,
        batch_size=settings.batch_size,
        device=picture.device,
    )
    return SimilarUsers(moved[np.isin(moved, theirs)], keys, lists)


def write_similar_users(session: Session, found: SimilarUsers, pool: Pool) -> None:
    """Replace the neighbours of whoever moved."""
    session.execute("delete_user_neighbours", user_keys=found.moved.tolist())
    write_neighbour_lists(session, "copy_user_neighbours", found.keys, found.lists, pool.keys)


def write_alike_users(
    session: Session, settings: Settings, live: LiveModel, night: date, pool: Pool
) -> None:
    """The pool's users with the most attributes in common, for whoever has no interest yet."""
    people = read_profiles(session)
    _delete_strays(session, live, people)
    cold = _without_interest(session, live, night, people)
    if not len(cold):
        return
    kinds, which = distinct(people.values[cold])
    rows, cosines = most_alike(kinds, people.of(pool.keys), settings.similar_length)
    session.execute("delete_user_neighbours", user_keys=people.user_keys[cold].tolist())
    lists = Lists(rows[which], cosines[which])
    write_neighbour_lists(session, "copy_user_neighbours", people.user_keys[cold], lists, pool.keys)


def _without_interest(
    session: Session, live: LiveModel, night: date, people: Profiles
) -> NDArray[np.intp]:
    """Rows of people of whom attributes are all that is known."""
    if not len(people.user_keys):
        return np.zeros(0, np.intp)
    evidence = evidence_as_of(session, live.shape, live.stored.model_key, night, people.user_keys)
    with_interest = evidence.user_keys[evidence.state.masses[:, 0] > 0]
    return np.flatnonzero(~np.isin(people.user_keys, with_interest))


def _delete_strays(session: Session, live: LiveModel, people: Profiles) -> None:
    """Take away the neighbours of whoever has no interest any more.

    As long as the model stays and nobody is known by attributes alone, that is among those who were
    folded since; else everybody is looked at.
    """
    model = live.stored
    told = f"{model.model_id} {len(people.user_keys) > 0}"
    same = session.value("derived_fingerprint", table=_BY_ATTRIBUTES) == told
    few = same and not len(people.user_keys)
    query = "delete_due_user_neighbours" if few else "delete_stray_user_neighbours"
    session.execute(query, model_key=model.model_key)
    session.execute("upsert_derived", table=_BY_ATTRIBUTES, fingerprint=told)
