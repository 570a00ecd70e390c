"""People to follow, where people are what users follow: in the preset `social`."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recsys_tasks.decay import retention
from recsys_tasks.following import Suggestions, suggest
from recsys_tasks.interactions import NO_ROW, day_number, rows_of
from recsys_tasks.ranking.neighbours import unit
from recsys_tasks.settings import Preset, Settings, preset_of
from recsys_tasks.steps.rank.inputs import Picture
from recsys_tasks.steps.rank.users import facts_of, read_known
from recsys_tasks.warehouse import Session, copying
from recsys_tasks.warehouse.interests import CHUNK
from recsys_tasks.warehouse.models import LiveModel
from recsys_tasks.warehouse.tombstones import has_people


class Acquaintance(NamedTuple):
    """Who had to do with whom; shape (n,) each, in days where it is a time.

    Attributes:
        user_keys: Who followed or turned away.
        person_keys: From whom.
        followed_on: When last; -inf for never.
        left_on: When the user last turned away; -inf for never.
    """

    user_keys: NDArray[np.int32]
    person_keys: NDArray[np.int32]
    followed_on: NDArray[np.float64]
    left_on: NDArray[np.float64]


class _Users(NamedTuple):
    """For whom the night makes lists; shape (n,) each.

    Attributes:
        keys: Theirs.
        masses: Their decayed evidence, seen from the night.
    """

    keys: NDArray[np.int32]
    masses: NDArray[np.float32]


def write_people(
    session: Session,
    settings: Settings,
    live: LiveModel,
    picture: Picture,
    user_keys: NDArray[np.int32],
    masses: NDArray[np.float32],
) -> None:
    """Suggest people to whoever did something since the last time; to nobody in other presets.

    Args:
        session: Of the night.
        settings: Of the tenant.
        live: What ranks by default.
        picture: The items.
        user_keys: For whom the night makes lists, shape (n,).
        masses: Their decayed evidence, seen from the night, shape (n,).
    """
    if not has_people(settings.preset):
        session.execute("delete_all_suggested_people")
        return
    (asked,) = session.copy_out("users_to_introduce", (copying.INT4,), night=picture.night)
    session.execute("delete_suggested_people", user_keys=asked.tolist())
    known = _acquaintance(session, preset_of(settings), picture)
    users = _Users(user_keys, masses)
    people = _people(settings, users, asked, known)
    rows, _ = rows_of(people, asked)
    follows, met = _graphs(picture, people, known)
    interests = _interests(session, live, picture, users, people)
    found = suggest(rows.astype(np.int32), follows, met, interests, settings.similar_length)
    _write(session, picture, asked, people, found)


def _acquaintance(session: Session, preset: Preset, picture: Picture) -> Acquaintance:
    """Follows, and what takes them back or forbids them: every type of negative weight."""
    against = [name for name, kind in preset.event_types.items() if kind.weight < 0]
    columns = (copying.INT4, copying.INT4, copying.FLOAT8, copying.FLOAT8)
    return Acquaintance(
        *session.copy_out("follows", columns, night=picture.night, turning_away=against)
    )


def _people(
    settings: Settings, users: _Users, asked: NDArray[np.int32], known: Acquaintance
) -> NDArray[np.int32]:
    """Keys of everybody who is asked, or may be suggested, ascending.

    That is the users with the most evidence, and the people with the most followers, at most
    `similar_pool` of each; and whoever is followed by somebody who is asked, since friends lead to
    friends.
    """
    active = np.argsort(-users.masses, kind="stable")[: settings.similar_pool]
    followed, n_followers = np.unique(known.person_keys, return_counts=True)
    popular = np.argsort(-n_followers, kind="stable")[: settings.similar_pool]
    friends = known.person_keys[np.isin(known.user_keys, asked)]
    return np.unique(np.concatenate([users.keys[active], followed[popular], friends, asked]))


def _graphs(
    picture: Picture, people: NDArray[np.int32], known: Acquaintance
) -> tuple[sparse.csr_array, sparse.csr_array]:
    """What is left of the follows that hold, and who had to do with whom: (n_people, n_people)."""
    users, has_user = rows_of(people, known.user_keys)
    persons, has_person = rows_of(people, known.person_keys)
    inside = has_user & has_person
    shape = (len(people), len(people))
    met = sparse.csr_array(
        (np.ones(int(inside.sum()), np.bool_), (users[inside], persons[inside])), shape=shape
    )
    holds = inside & (known.followed_on > known.left_on)
    ages = day_number(picture.night) + 1 - known.followed_on[holds]
    left = retention(ages, picture.ranker.half_lives[-1:])[:, 0]
    return sparse.csr_array((left, (users[holds], persons[holds])), shape=shape), met


def _interests(
    session: Session,
    live: LiveModel,
    picture: Picture,
    users: _Users,
    people: NDArray[np.int32],
) -> NDArray[np.float32]:
    """Unit vectors of what people are interested in; zero where nothing is known."""
    rows, is_user = rows_of(users.keys, people)
    has_interest = is_user.copy()
    has_interest[is_user] = users.masses[rows[is_user]] > 0
    vectors = np.zeros((len(people), picture.rank), np.float32)
    with_interest = np.flatnonzero(has_interest)
    for start in range(0, len(with_interest), CHUNK):
        at = with_interest[start : start + CHUNK]
        known = read_known(session, live, picture.night, people[at])
        night = day_number(picture.night)
        facts = facts_of(people[at], known, picture.ranker, picture.centre, night)
        vectors[at] = facts.interests.sum(axis=1)
    return unit(vectors)


def _write(
    session: Session,
    picture: Picture,
    asked: NDArray[np.int32],
    people: NDArray[np.int32],
    found: Suggestions,
) -> None:
    """Send suggestions as arrays, lists of one length at a time."""
    lengths = (found.lists.rows != NO_ROW).sum(axis=1)
    for length in np.unique(lengths[lengths > 0]).tolist():
        chosen = lengths == length
        friends = found.friends[chosen, :length]
        integers = copying.integer_array(length)
        reals = copying.real_array(length)
        session.copy_in(
            "copy_suggested_people",
            (copying.INT4, copying.DAY, integers, reals, integers, integers),
            (
                asked[chosen],
                np.full(int(chosen.sum()), day_number(picture.night), np.int32),
                people[found.lists.rows[chosen, :length]],
                found.lists.scores[chosen, :length],
                np.where(friends == NO_ROW, 0, people[friends]),
                found.n_friends[chosen, :length],
            ),
        )
