"""Users without behaviour, or with little: who they are, and what their attributes say."""

from datetime import date
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recsys_tasks.cold_start import expected_by, profiles, still_expected, told_by
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


class Peers(NamedTuple):
    """What users tell of others who have the same attributes.

    Attributes:
        profiles: Of everybody who has any.
        told: What each value says, shape (n_values, rank).
    """

    profiles: Profiles
    told: NDArray[np.float32]

    def added(self, user_keys: NDArray[np.int32], users: UserFacts) -> NDArray[np.float32]:
        """What is added to the personal part of n users' sides, shape (n, rank).

        Args:
            user_keys: Of the users, shape (n,).
            users: What is known of the same.
        """
        expected = expected_by(self.profiles.of(user_keys), self.told)
        return np.asarray(still_expected(users.masses) * expected, np.float32)


def read_peers(
    session: Session,
    model: InterestModel,
    centre: NDArray[np.float32],
    night: date,
    known: Interests,
) -> Peers:
    """What those of whom an interest is known tell of others.

    Args:
        session: Of the night.
        model: What ranks.
        centre: Of the catalogue's texts, shape (dim,).
        night: The night.
        known: The users from whom others are told.
    """
    people = read_profiles(session)
    rows, is_known = rows_of(known.user_keys, people.user_keys)
    state = seen_from(known.state.at(rows[is_known]), day_number(night), model.half_lives)
    interests = model.interests(state, centre).sum(axis=1)
    has_any = state.masses[:, -1] > 0
    values = people.values[np.flatnonzero(is_known)[has_any]]
    return Peers(people, told_by(values, interests[has_any]))
