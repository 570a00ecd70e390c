"""What is made beside the lists of a night, once: trends, interests, neighbours."""

from datetime import date
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.decay import seen_from
from recsys_tasks.interactions import day_number, rows_of
from recsys_tasks.settings import Settings, preset_of
from recsys_tasks.steps.rank.inputs import Picture, read_picture
from recsys_tasks.steps.rank.listing import listable
from recsys_tasks.steps.rank.neighbours import write_neighbours
from recsys_tasks.steps.rank.showing import users_to_show, write_interests, write_trends
from recsys_tasks.steps.rank.users import read_user_keys
from recsys_tasks.warehouse import Session
from recsys_tasks.warehouse.interests import evidence_as_of
from recsys_tasks.warehouse.models import LiveModel
from recsys_tasks.warehouse.tombstones import has_people


class Beside(NamedTuple):
    """What it is made from.

    Attributes:
        picture: What the default ranks; of its users, those are enough that moved, and
            `similar_pool` of those with the most evidence.
        moved: Keys of the users whose interests are to be shown, ascending.
        with_interest: Keys of everybody who has an interest.
        user_keys: For whom the night makes lists, in the order of a picture.
    """

    picture: Picture
    moved: NDArray[np.int32]
    with_interest: NDArray[np.int32]
    user_keys: NDArray[np.int32]


def with_everybody(session: Session, live: LiveModel, picture: Picture) -> Beside:
    """From a picture of everybody, who are in memory for their lists."""
    known = picture.known
    with_interest = known.user_keys[known.state.masses[:, -1] > 0]
    moved = users_to_show(session, live, picture.night)
    return Beside(picture, moved, with_interest, picture.user_keys)


def with_few(session: Session, settings: Settings, live: LiveModel, night: date) -> Beside:
    """From the vectors of as few users as will do, and the evidence of everybody else."""
    user_keys = read_user_keys(session, settings, night)
    moved = users_to_show(session, live, night)
    evidence = evidence_as_of(session, live.shape, live.stored.model_key, night)
    with_interest = evidence.user_keys[evidence.state.masses[:, 0] > 0]
    half_life = live.interest.half_lives[-1:]
    masses = seen_from(evidence.state, day_number(night), half_life).masses[:, 0]
    rows, is_known = rows_of(evidence.user_keys, user_keys)
    theirs = np.where(is_known, masses[rows], 0) if len(masses) else np.zeros(len(user_keys))
    most = user_keys[np.argsort(-theirs, kind="stable")[: settings.similar_pool]]
    # Where people are suggested, friends of friends may be anybody.
    only = None if has_people(settings.preset) else np.union1d(moved, most)
    # Attributes tell of lists alone.
    without = settings.model_copy(update={"from_attributes": False})
    picture = listable(session, read_picture(session, without, live, night, only=only))
    return Beside(picture, moved, with_interest, user_keys)


def write_beside(session: Session, settings: Settings, beside: Beside) -> None:
    """Bring in line what is shown beside the lists of a night."""
    picture, moved = beside.picture, beside.moved
    write_trends(session, preset_of(settings), picture)
    write_interests(session, picture, moved)
    if not session.value("published_after", night=picture.night):
        write_neighbours(session, settings, picture, moved, beside.with_interest)
