"""Users without behaviour, or with little: who they are, and what their attributes say."""

from datetime import date
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recsys_tasks.cold_start import expected, profiles, still_expected
from recsys_tasks.decay import seen_from
from recsys_tasks.interactions import day_number, rows_of
from recsys_tasks.interest_model import InterestModel, UserFacts
from recsys_tasks.settings import Settings
from recsys_tasks.warehouse import Session, copying
from recsys_tasks.warehouse.interests import Interests


class Profiles(NamedTuple):
    """What is known of users apart from what they do.

    Attributes:
        user_keys: Of n users with attributes, in the order of ids, shape (n,).
        values: As `cold_start.profiles` gives them, shape (n, n_values).
    """

    user_keys: NDArray[np.int32]
    values: sparse.csr_array

    def of(self, user_keys: NDArray[np.int32]) -> sparse.csr_array:
        """Those of some users, in their order; an empty row for one without attributes."""
        rows, has_any = rows_of(self.user_keys, user_keys)
        pairs = (np.ones(int(has_any.sum()), np.float32), (np.flatnonzero(has_any), rows[has_any]))
        picked = sparse.csr_array(pairs, shape=(len(user_keys), len(self.user_keys)))
        return sparse.csr_array(picked @ self.values)


def read_profiles(session: Session) -> Profiles:
    """The attributes of everybody who has any."""
    documents, keys = session.columns("user_attributes")
    (user_keys,) = session.copy_out("users_with_attributes", (copying.INT4,))
    n_users = np.array([len(of_document) for of_document in keys], np.int32)
    values = profiles(documents, n_users)
    # Sums over users run in the order of ids: keys depend on the order of nights.
    grouped = np.array([key for of_document in keys for key in of_document], np.int32)
    rows, _ = rows_of(grouped, user_keys)
    return Profiles(user_keys, values[np.arange(len(n_users)).repeat(n_users)[rows]])


def newcomers(session: Session, settings: Settings, night: date) -> NDArray[np.int32]:
    """Keys of users of whom only attributes are known; nobody unless the settings ask for them."""
    if not settings.from_attributes:
        return np.zeros(0, np.int32)
    (user_keys,) = session.copy_out(
        "users_without_history", (copying.INT4,), night=night, refresh_days=settings.refresh_days
    )
    return user_keys


class Ranked(NamedTuple):
    """By what users are ranked on a night.

    Attributes:
        model: Its parameters, `at` the items.
        centre: Of the catalogue's texts, shape (dim,).
        night: The night.
    """

    model: InterestModel
    centre: NDArray[np.float32]
    night: date


def sides_of(
    session: Session,
    settings: Settings,
    ranked: Ranked,
    known: Interests,
    user_keys: NDArray[np.int32],
    users: UserFacts,
) -> NDArray[np.float32]:
    """The users' side of the score, with what their attributes say: shape (n, rank + F).

    Args:
        session: Of the night.
        settings: Say whether attributes count.
        ranked: What ranks.
        known: The users from whom others are told.
        user_keys: Of n users, shape (n,).
        users: What is known of the same.
    """
    side = ranked.model.user_side(users)
    if not settings.from_attributes:
        return side
    people = read_profiles(session)
    rows, is_known = rows_of(known.user_keys, people.user_keys)
    rows = rows[is_known]
    state = seen_from(known.state.at(rows), day_number(ranked.night), ranked.model.half_lives)
    interests = ranked.model.interests(state, ranked.centre).sum(axis=1)
    has_any = state.masses[:, -1] > 0
    told = expected(
        people.of(user_keys), people.values[np.flatnonzero(is_known)[has_any]], interests[has_any]
    )
    side[:, : told.shape[1]] += still_expected(users.masses) * told
    return side
