"""Decayed sums between tables and arrays.

A user's rows at the H half-lives lie side by side in every query here, half-lives ascending.
"""

from datetime import date
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.decay import Decayed, Policy, fold, zero
from recsys_tasks.warehouse import copying
from recsys_tasks.warehouse.session import Session

CHUNK = 10_000  # users whose deltas are held at once


class Interests(NamedTuple):
    """The state of n users.

    Attributes:
        user_keys: Ascending, shape (n,).
        state: Their decayed sums.
        alphas: What the last merge left to the older interest, shape (n, H).
    """

    user_keys: NDArray[np.int32]
    state: Decayed
    alphas: NDArray[np.float32]

    def at(self, rows: NDArray[np.intp]) -> "Interests":
        """Those of some users, by their rows, in ascending keys."""
        rows = np.sort(rows)
        return Interests(self.user_keys[rows], self.state.at(rows), self.alphas[rows])


class Shape(NamedTuple):
    """How wide the vectors are.

    Attributes:
        half_lives: In days, ascending.
        width: Coordinates of a total.
    """

    half_lives: tuple[float, ...]
    width: int


class Users(NamedTuple):
    """Users by a range of their keys, both ends included; everybody where nothing is said."""

    first: int = 0
    last: int = 2**31 - 1


EVERYBODY = Users()


def read_deltas(
    session: Session, query: str, shape: Shape, **parameters: object
) -> tuple[NDArray[np.int32], Decayed]:
    """Deltas, by user and day: the key of each delta's user, ascending, and the deltas."""
    columns = (copying.INT4, copying.DAY, copying.FLOAT4, copying.vector(shape.width))
    users, days, masses, totals = session.copy_out(query, columns, **parameters)
    n_half_lives = len(shape.half_lives)
    state = Decayed(
        totals.reshape(-1, n_half_lives, shape.width),
        masses.reshape(-1, n_half_lives),
        days[::n_half_lives],
    )
    return users[::n_half_lives], state


def read_interests(session: Session, query: str, shape: Shape, **parameters: object) -> Interests:
    """Totals, by user, each seen from its user's last active day."""
    n_half_lives = len(shape.half_lives)
    real = copying.FLOAT4
    columns = (copying.INT4, copying.DAY, real, real, copying.vector(shape.width))
    users, days, masses, alphas, totals = session.copy_out(query, columns, **parameters)
    state = Decayed(
        totals.reshape(-1, n_half_lives, shape.width),
        masses.reshape(-1, n_half_lives),
        days[::n_half_lives],
    )
    return Interests(users[::n_half_lives], state, alphas.reshape(-1, n_half_lives))


def nobody(shape: Shape) -> Interests:
    """The interests of no users."""
    n_half_lives = len(shape.half_lives)
    state = zero(0, n_half_lives, shape.width, 0)
    return Interests(np.zeros(0, np.int32), state, np.zeros((0, n_half_lives), np.float32))


def fold_from(
    known: Interests, deltas: tuple[NDArray[np.int32], Decayed], half_lives: tuple[float, ...]
) -> Interests:
    """Fold deltas onto known interests; users who are not known start from nothing.

    Args:
        known: Seen from before their users' first delta here.
        deltas: The key of each delta's user, ascending, and the deltas, a user's in ascending days.
        half_lives: In days.
    """
    delta_keys, added = deltas
    user_keys = np.union1d(known.user_keys, delta_keys)
    rows = np.searchsorted(user_keys, delta_keys)
    start = zero(len(user_keys), len(half_lives), added.totals.shape[-1], 0)
    # Nothing decays to nothing, over however long a time: a new user starts on the first day.
    start.days[rows[::-1]] = added.days[::-1]
    alphas = np.zeros_like(start.masses)
    known_rows = np.searchsorted(user_keys, known.user_keys)
    for target, source in zip((*start, alphas), (*known.state, known.alphas), strict=True):
        target[known_rows] = source
    state, new_alphas = fold(start, rows, added, half_lives)
    alphas[rows] = new_alphas[rows]
    return Interests(user_keys, state, alphas)


def interests_as_of(
    session: Session,
    shape: Shape,
    model_key: int,
    night: date,
    among: Users = EVERYBODY,
    only: NDArray[np.int32] | None = None,
) -> Interests:
    """Users' interests as they were at the end of a night, each seen from the last active day.

    The totals of users who did something later are of no use for that: their deltas are folded
    again.

    Args:
        session: Of the night.
        shape: Of the model's totals.
        model_key: The model.
        night: The night.
        among: The users who are read.
        only: Keys of those of them who are read; None for all.
    """
    user_keys = None if only is None else only.tolist()
    asked = {"model_key": model_key, "night": night, "user_keys": user_keys, **among._asdict()}
    settled = read_interests(session, "totals_until", shape, **asked)
    deltas = read_deltas(session, "deltas_until", shape, **asked)
    refolded = fold_from(nobody(shape), deltas, shape.half_lives)
    return interests_together(settled, refolded)


def evidence_as_of(
    session: Session,
    shape: Shape,
    model_key: int,
    night: date,
    only: NDArray[np.int32] | None = None,
) -> Interests:
    """As `interests_as_of`, at the longest half-life alone and without vectors."""
    half_life = shape.half_lives[-1]
    bare = Shape((half_life,), 0)
    user_keys = None if only is None else only.tolist()
    asked = {"model_key": model_key, "night": night, "half_life": half_life, "user_keys": user_keys}
    columns = (copying.INT4, copying.DAY, copying.FLOAT4)

    def read(query: str) -> tuple[NDArray[np.int32], Decayed]:
        users, days, masses = session.copy_out(query, columns, **asked)
        return users, Decayed(np.zeros((len(users), 1, 0), np.float32), masses[:, None], days)

    users, state = read("masses_until")
    refolded = fold_from(nobody(bare), read("mass_deltas_until"), bare.half_lives)
    return interests_together(
        Interests(users, state, np.zeros((len(users), 1), np.float32)), refolded
    )


def interests_by(
    policy: Policy,
    session: Session,
    shape: Shape,
    model_key: int,
    night: date,
    user_keys: NDArray[np.int32],
) -> Interests:
    """Some users' interests as they were at the end of a night, by another policy than the totals'.

    All their deltas are folded from the first on, CHUNK users at a time. Who has none is left out.
    """
    parts = [nobody(shape)]
    for start in range(0, len(user_keys), CHUNK):
        asked = user_keys[start : start + CHUNK].tolist()
        keys, deltas = read_deltas(
            session,
            "deltas_of_users_until",
            shape,
            model_key=model_key,
            night=night,
            user_keys=asked,
        )
        users, rows = np.unique(keys, return_inverse=True)
        start_of = zero(len(users), len(shape.half_lives), shape.width, 0)
        start_of.days[rows[::-1]] = deltas.days[::-1]
        parts.append(Interests(users, *policy.fold(start_of, rows, deltas)))
    return interests_together(*parts)


def interests_together(*parts: Interests) -> Interests:
    """Disjoint sets of users as one, in ascending keys."""
    some = [part for part in parts if len(part.user_keys)] or [*parts[:1]]
    if len(some) == 1:
        return some[0]
    keys = np.concatenate([part.user_keys for part in parts])
    order = np.argsort(keys, kind="stable")
    state = Decayed(
        np.concatenate([part.state.totals for part in parts]),
        np.concatenate([part.state.masses for part in parts]),
        np.concatenate([part.state.days for part in parts]),
    )
    alphas = np.concatenate([part.alphas for part in parts])
    return Interests(keys[order], state.at(order), alphas[order])
