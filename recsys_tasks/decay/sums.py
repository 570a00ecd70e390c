"""The algebra: an interest is a decayed sum.

A decayed sum is a total (a vector) and a mass (how much evidence stands behind it), seen from an
instant. Seen from later, both shrink by `2 ** (-days / half_life)`; two sums seen from the same
instant add. Decaying is a monoid action and adding is commutative, so any grouping, order, retry or
split of a history gives the state of one pass over it. Totals are never normalised here: that is
ranking's business.

The published recurrence follows: with u = total / mass,

    u_t = alpha_t * u_(t-1) + (1 - alpha_t) * u_new,    alpha_t = gamma * m / (gamma * m + m_new)

Shapes: n users (or items), H half-lives, dim the length of a vector. Days are counted from
1970-01-01; a state "as of day d" is seen from the end of day d. Arrays are float32, and every
operation is elementwise, so that folding the same deltas gives the same bits whoever folds them,
and whenever.

After DecayedValue of Twitter's Algebird: the older sum is scaled, then the newer one is added.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from recsys_tasks.errors import ClockSkew


class Decayed(NamedTuple):
    """Decayed sums of n users at H half-lives, seen from the end of a day each.

    Attributes:
        totals: Weighted sums of vectors, shape (n, H, dim).
        masses: Decayed sums of absolute weights, shape (n, H).
        days: The day that each row is seen from, shape (n,).
    """

    totals: NDArray[np.float32]
    masses: NDArray[np.float32]
    days: NDArray[np.int32]

    def at(self, rows: NDArray[np.intp]) -> "Decayed":
        """Those of some users, in the order of `rows`."""
        return Decayed(self.totals[rows], self.masses[rows], self.days[rows])


# From users' states and their next deltas to their next states, and the alphas of that.
Step = Callable[[Decayed, Decayed], tuple[Decayed, NDArray[np.float32]]]


def retention(days: ArrayLike, half_lives: ArrayLike) -> NDArray[np.float32]:
    """What is left of a sum after `days`: 2 ** (-days / half_life), shape (*days.shape, H).

    >>> retention([0.0, 7.0], [7.0, 14.0]).round(3).tolist()
    [[1.0, 1.0], [0.5, 0.7070000171661377]]
    """
    elapsed = np.asarray(days, np.float64)[..., None]
    return np.exp2(-elapsed / np.asarray(half_lives, np.float64)).astype(np.float32)


def half_life(daily_retention: float) -> float:
    """The half-life in days of a sum that keeps `daily_retention` of itself a day.

    >>> round(half_life(0.955), 2)
    15.05
    """
    return float(np.log(0.5) / np.log(daily_retention))


def zero(n: int, n_half_lives: int, dim: int, day: int) -> Decayed:
    """The neutral element: n users of whom nothing is known."""
    return Decayed(
        np.zeros((n, n_half_lives, dim), np.float32),
        np.zeros((n, n_half_lives), np.float32),
        np.full(n, day, np.int32),
    )


def seen_from(state: Decayed, days: ArrayLike, half_lives: ArrayLike) -> Decayed:
    """The same sums, seen from later days.

    Raises:
        ClockSkew: A day lies before the day that its row is seen from.
    """
    until = not_before(state, days)
    gamma = retention(until - state.days, half_lives)
    return Decayed(state.totals * gamma[..., None], state.masses * gamma, until)


def not_before(state: Decayed, days: ArrayLike) -> NDArray[np.int32]:
    """The days, one a row of the state.

    Raises:
        ClockSkew: A day lies before the day that its row is seen from.
    """
    until = np.broadcast_to(np.asarray(days, np.int32), state.days.shape).copy()
    if (until < state.days).any():
        row = int(np.argmax(until < state.days))
        raise ClockSkew(as_of=int(state.days[row]), day=int(until[row]))
    return until


def merge(older: Decayed, newer: Decayed, half_lives: ArrayLike) -> Decayed:
    """Row by row, the sum of two decayed sums, seen from the newer one's days.

    Raises:
        ClockSkew: A row of `older` is seen from after the same row of `newer`.
    """
    before = seen_from(older, newer.days, half_lives)
    return Decayed(before.totals + newer.totals, before.masses + newer.masses, newer.days)


def alpha(older: Decayed, newer: Decayed, half_lives: ArrayLike) -> NDArray[np.float32]:
    """The weight that `merge` leaves to the older interest, shape (n, H); 0 where there is neither.

    A new user has 0, an idle day 1; under constant activity alpha tends to the daily retention.
    """
    before = seen_from(older, newer.days, half_lives).masses
    mass = before + newer.masses
    alphas = np.zeros_like(mass)
    np.divide(before, mass, out=alphas, where=mass > 0)
    return alphas


def fold(
    start: Decayed, rows: NDArray[np.intp], deltas: Decayed, half_lives: ArrayLike
) -> tuple[Decayed, NDArray[np.float32]]:
    """Add daily deltas to states, day after day.

    Args:
        start: States of n users, each seen from before its first delta.
        rows: The user (row of `start`) of each delta, ascending; a user's deltas in ascending days.
        deltas: What each day added, seen from the end of its day.
        half_lives: In days, shape (H,).

    Returns:
        The states seen from each user's last delta, and the alpha of that last merge, shape (n, H).
    """

    def added(older: Decayed, newer: Decayed) -> tuple[Decayed, NDArray[np.float32]]:
        return merge(older, newer, half_lives), alpha(older, newer, half_lives)

    return fold_by(added, start, rows, deltas)


def fold_by(
    step: Step, start: Decayed, rows: NDArray[np.intp], deltas: Decayed
) -> tuple[Decayed, NDArray[np.float32]]:
    """As `fold`, by any step."""
    state = Decayed(start.totals.copy(), start.masses.copy(), start.days.copy())
    alphas = np.zeros_like(state.masses)
    # The r-th delta of every user who has that many is merged at once: as many rounds as the
    # busiest user has days.
    first = np.searchsorted(rows, rows)
    rounds = np.arange(len(rows)) - first
    for batch in _same_round(rounds):
        users = rows[batch]
        merged, alphas[users] = step(state.at(users), deltas.at(batch))
        state.totals[users], state.masses[users], state.days[users] = merged
    return state, alphas


def _same_round(rounds: NDArray[np.intp]) -> list[NDArray[np.intp]]:
    """Positions of equal values, grouped, by ascending value."""
    if not len(rounds):
        return []
    order = np.argsort(rounds, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(rounds[order])) + 1)


def blend(
    older: NDArray[np.floating], newer: NDArray[np.floating], alpha: float | NDArray[np.floating]
) -> NDArray[np.floating]:
    """The fixed-alpha policy: an active day moves the interest by 1 - alpha, whatever its evidence.

    >>> blend(np.array([0.5, 0.2, 0.3]), np.array([0.2, 0.5, 0.3]), 0.5).tolist()
    [0.35, 0.35, 0.3]
    """
    return alpha * older + (1 - alpha) * newer
