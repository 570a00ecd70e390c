"""What is made beside the lists of a night: trends, interests, neighbours.

Some of it is made once, some of it user by user while blocks of users pass through memory.
"""

from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.decay import seen_from
from recsys_tasks.interactions import day_number, rows_of
from recsys_tasks.settings import Settings, preset_of
from recsys_tasks.steps.rank.inputs import Picture
from recsys_tasks.steps.rank.neighbours import (
    Pool,
    SimilarUsers,
    similar_users,
    write_alike_users,
    write_similar_users,
)
from recsys_tasks.steps.rank.people import write_people
from recsys_tasks.steps.rank.showing import (
    InterestsShown,
    interests_shown,
    users_to_show,
    write_interests,
    write_trends,
)
from recsys_tasks.steps.rank.similar_items import write_similar_items
from recsys_tasks.steps.rank.users import facts_of, read_known
from recsys_tasks.steps.rank.vectors import write_item_vectors
from recsys_tasks.warehouse import Session
from recsys_tasks.warehouse.interests import (
    CHUNK,
    Interests,
    evidence_as_of,
    interests_together,
    nobody,
)
from recsys_tasks.warehouse.models import LiveModel


@dataclass(frozen=True)
class Beside:
    """What is known of a night's users before they pass.

    Attributes:
        user_keys: For whom the night makes lists, in the order of a picture.
        masses: Their decayed evidence at the longest half-life, seen from the night.
        moved: Keys of the users whose interests are to be shown, ascending.
        kept: The interests of the pool: they need not be read again.
        pool: Among whom neighbours are sought.
        is_newest: Whether neighbours are this night's business.
    """

    user_keys: NDArray[np.int32]
    masses: NDArray[np.float32]
    moved: NDArray[np.int32]
    kept: Interests
    pool: Pool
    is_newest: bool

    @property
    def passing(self) -> NDArray[np.int32]:
        """All whose interests are needed: for lists, or to be shown."""
        others = np.setdiff1d(self.moved, self.user_keys)
        return np.concatenate([self.user_keys, others])

    def known(
        self, session: Session, live: LiveModel, night: date, keys: NDArray[np.int32]
    ) -> Interests:
        """The interests of some users, those of the pool out of memory."""
        rows, is_kept = rows_of(self.kept.user_keys, keys)
        theirs = self.kept.at(rows[is_kept])
        return interests_together(theirs, read_known(session, live, night, keys[~is_kept]))


def read_beside(
    session: Session,
    settings: Settings,
    live: LiveModel,
    picture: Picture,
    user_keys: NDArray[np.int32],
) -> Beside:
    """Find who moved, and who has the most evidence: of nobody else a vector is read.

    Args:
        session: Of the night.
        settings: Of the tenant.
        live: What ranks by default.
        picture: The items.
        user_keys: For whom the night makes lists.
    """
    night = picture.night
    is_newest = not session.value("published_after", night=night)
    moved = users_to_show(session, live, night, is_newest=is_newest)
    if not is_newest:
        nothing = np.zeros(len(user_keys), np.float32)
        pool = Pool(user_keys[:0], np.zeros((0, picture.rank), np.float32))
        return Beside(user_keys, nothing, moved, nobody(live.shape), pool, is_newest)
    masses = _evidence(session, live, night, user_keys)
    order = np.argsort(-masses, kind="stable")[: settings.similar_pool]
    pool_keys = user_keys[order[masses[order] > 0]]
    kept = read_known(session, live, night, pool_keys)
    facts = facts_of(pool_keys, kept, picture.ranker, picture.centre, day_number(night))
    pool = Pool(pool_keys, facts.interests.sum(axis=1))
    return Beside(user_keys, masses, moved, kept, pool, is_newest)


def _evidence(
    session: Session, live: LiveModel, night: date, user_keys: NDArray[np.int32]
) -> NDArray[np.float32]:
    """Masses at the longest half-life, seen from the night; 0 of whoever is not known."""
    masses = np.zeros(len(user_keys), np.float32)
    for start in range(0, len(user_keys), CHUNK):
        some = slice(start, start + CHUNK)
        known = evidence_as_of(session, live.shape, live.stored.model_key, night, user_keys[some])
        now = seen_from(known.state, day_number(night), live.interest.half_lives[-1:])
        rows, is_known = rows_of(known.user_keys, user_keys[some])
        masses[some][is_known] = now.masses[rows[is_known], 0]
    return masses


def write_before(session: Session, settings: Settings, picture: Picture) -> None:
    """Bring in line what does not depend on users."""
    write_trends(session, preset_of(settings), picture)
    session.execute("upsert_derived", table="interests", fingerprint=picture.model.model_id)
    if not session.value("published_after", night=picture.night):
        write_item_vectors(session, picture)
        write_similar_items(session, settings, picture)


class Passing(NamedTuple):
    """What is shown of some users who moved.

    Attributes:
        interests: Theirs.
        similar: Who is alike; None where that is not the night's business.
    """

    interests: InterestsShown
    similar: SimilarUsers | None


def passing_of(settings: Settings, picture: Picture, beside: Beside) -> Passing:
    """The interests of those of a picture's users who moved, and who is alike.

    Args:
        settings: Of the tenant.
        picture: With some users; others who moved are among `picture.known`.
        beside: Of the night.
    """
    shown = interests_shown(picture, beside.moved)
    if not beside.is_newest:
        return Passing(shown, None)
    return Passing(shown, similar_users(settings, picture, beside.moved, beside.pool))


def write_passing(session: Session, picture: Picture, beside: Beside, passing: Passing) -> None:
    """Show it."""
    write_interests(session, picture, passing.interests)
    if passing.similar is not None:
        write_similar_users(session, passing.similar, beside.pool)


def write_after(
    session: Session, settings: Settings, live: LiveModel, picture: Picture, beside: Beside
) -> None:
    """Bring in line what waits for whoever moved."""
    if not beside.is_newest:
        return
    write_alike_users(session, settings, live, picture.night, beside.pool)
    write_people(session, settings, live, picture, beside.user_keys, beside.masses)
    session.execute("delete_interests_due", model_key=picture.model.model_key, night=picture.night)
