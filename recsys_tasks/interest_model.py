"""The model: what an interaction weighs, what a day adds to an interest, and how items are scored.

    score(user, item, night) = sum_h <u_h, text(item)>  +  sum_k tau_k * log trend_k(item, night)
    u_h = s_h * (S_h - w_h * c) / (m_h + m0)

S_h and m_h are the user's total and mass at half-life h (see decay.py), w_h the decayed sum of
signed weights, c the centre of the catalogue's texts, s_h, m0 and tau_k come from the preset.
Centring the user takes the same off every interaction as centring each text would, and leaves item
vectors as the encoder made them: they change only when a text does. The score is one inner product
of (u_1 + ... + u_H, tau) and (text(item), log trends).

In a total, the coordinate after the text's is w_h.
"""

import hashlib
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recsys_tasks.decay import Decayed, retention
from recsys_tasks.interactions import Interactions
from recsys_tasks.presets import EventType, Preset

POSITIVE_SHARE = 0.6  # of the scale: a rating counts from here upward (docs/protocol.md)
SCALES = (1.0, 5.0, 10.0, 100.0)  # that ratings are given on
TREND_FLOOR = 0.3  # a decayed count that every item has: untouched is rare, not impossible


class Weights(NamedTuple):
    """Signed weights of n interactions, of the item and of what the user wrote; shape (n,) each."""

    items: NDArray[np.float32]
    texts: NDArray[np.float32]


def weigh(kind: EventType, values: NDArray[np.float32], largest: float) -> Weights:
    """The weights of interactions of one type.

    Args:
        kind: The preset's rule for the type.
        values: As the source gives them, shape (n,); nan where there is none.
        largest: The largest value of this type so far, which tells the scale of ratings.
    """
    factor = np.ones(len(values), np.float64)
    known = ~np.isnan(values)
    if kind.value == "rating":
        factor[known] = rating_strength(values[known] / scale_of(largest))
    elif kind.value == "log":
        factor[known] = np.log(np.e + values[known])
    weights = (kind.weight * factor).astype(np.float32)
    return Weights(weights, (weights * kind.text_weight).astype(np.float32))


def scale_of(largest: float) -> float:
    """The top of the scale that ratings up to `largest` are given on.

    >>> scale_of(4.5), scale_of(8), scale_of(250)
    (5.0, 10.0, 250.0)
    """
    return next((top for top in SCALES if largest <= top), float(largest))


def rating_strength(share: NDArray[np.floating]) -> NDArray[np.float64]:
    """What a rating says: from -0.5 at none of the scale up to 0, from 0.5 at 0.6 of it up to 1.

    >>> rating_strength(np.array([0.0, 0.3, 0.6, 1.0])).tolist()
    [-0.5, -0.25, 0.5, 1.0]
    """
    liked = 0.5 + 0.5 * (share - POSITIVE_SHARE) / (1 - POSITIVE_SHARE)
    disliked = -0.5 * (POSITIVE_SHARE - share) / POSITIVE_SHARE
    return np.where(share >= POSITIVE_SHARE, liked, disliked).astype(np.float64)


class Deltas(NamedTuple):
    """What days added to interests.

    Attributes:
        users: Row of the user of each delta, ascending, shape (n,).
        added: Totals of shape (n, H, dim + 1), masses and days.
    """

    users: NDArray[np.int32]
    added: Decayed


def deltas(
    interactions: Interactions, vectors: NDArray[np.float32], half_lives: tuple[float, ...]
) -> Deltas:
    """What each active day added to each user's interest, seen from the day's end.

    Sums run in the interactions' order, so equal input gives equal bits.

    Args:
        interactions: In any number of days; `items` and `texts` are rows of `vectors`, or NO_ROW.
        vectors: Of items and of what users wrote, shape (n_vectors, dim); a zero row where there is
            no text, which adds nothing.
        half_lives: In days, length H.
    """
    brought = contributions(interactions, vectors)
    users, days = interactions.users[brought.interactions], interactions.days[brought.interactions]
    order = np.lexsort((days, users))
    users, days = users[order], days[order]
    starts = np.flatnonzero((np.diff(users, prepend=-1) != 0) | (np.diff(days, prepend=-1) != 0))
    pointers = np.append(starts, len(users))
    homogeneous = np.column_stack([vectors, np.ones(len(vectors), np.float32)])
    shape = (len(starts), len(vectors))
    totals = np.empty((len(starts), len(half_lives), homogeneous.shape[1]), np.float32)
    masses = np.empty((len(starts), len(half_lives)), np.float32)
    ages = days + 1 - interactions.times[brought.interactions][order]
    for h, gamma in enumerate(retention(ages, half_lives).T):
        aged = brought.weights[order] * gamma
        totals[:, h] = sparse.csr_array((aged, brought.rows[order], pointers), shape) @ homogeneous
        masses[:, h] = np.add.reduceat(np.abs(aged), starts) if len(starts) else 0
    return Deltas(users[starts], Decayed(totals, masses, days[starts]))


class Contributions(NamedTuple):
    """One row a vector that an interaction adds, in the interactions' order; shape (n,) each.

    Attributes:
        interactions: Row of the interaction.
        rows: Row of the vector.
        weights: Its signed weight.
        are_texts: Whether it is of what the user wrote, and not the item's.
    """

    interactions: NDArray[np.intp]
    rows: NDArray[np.int32]
    weights: NDArray[np.float32]
    are_texts: NDArray[np.bool_]

    def at(self, places: NDArray[np.intp]) -> "Contributions":
        """Those in some places, in their order."""
        return Contributions(
            self.interactions[places],
            self.rows[places],
            self.weights[places],
            self.are_texts[places],
        )


def contributions(interactions: Interactions, vectors: NDArray[np.float32]) -> Contributions:
    """The item's vector, then the text's, of each interaction; none where it is zero."""
    is_known = np.append(vectors.any(axis=1), np.False_)  # the last is NO_ROW's
    rows = np.column_stack([interactions.items, interactions.texts])
    weights = np.column_stack([interactions.weights, interactions.text_weights])
    kept = is_known[rows] & (weights != 0)
    positions, columns = np.nonzero(kept)
    return Contributions(positions, rows[kept], weights[kept], columns == 1)


class ZeroShot(NamedTuple):
    """The model before anything is learned: every number is the preset's."""

    half_lives: tuple[float, ...]
    scales: tuple[float, ...]
    prior_mass: float
    trend_half_lives: tuple[float, ...]
    trend_weights: tuple[float, ...]

    @classmethod
    def of(cls, preset: Preset) -> "ZeroShot":
        """The model of a preset."""
        return cls(*(getattr(preset, name) for name in cls._fields))

    def fingerprint(self, encoder_id: str) -> str:
        """Names the model: equal for equal parameters over the same encoder."""
        digest = hashlib.sha256(f"{encoder_id} {tuple(self)}".encode()).hexdigest()
        return f"zero-shot-{digest[:12]}"

    def interests(self, state: Decayed, centre: NDArray[np.float32]) -> NDArray[np.float32]:
        """The u_h of every user, shape (n, H, dim); they add up over h in the score.

        Args:
            state: Totals of shape (n, H, dim + 1), seen from the night that is ranked.
            centre: Of the catalogue's texts, shape (dim,).
        """
        signed = state.totals[..., -1:]
        centred = state.totals[..., :-1] - signed * centre
        return centred * self.gains(state.masses)[..., None]

    def gains(self, masses: NDArray[np.float32]) -> NDArray[np.float32]:
        """What makes a total an interest: s_h / (m_h + m0), shape (n, H); 0 without evidence."""
        evidence = masses + np.float32(self.prior_mass)
        gains = np.zeros_like(evidence)
        np.divide(np.asarray(self.scales, np.float32), evidence, out=gains, where=evidence > 0)
        return gains

    def user_side(self, interests: NDArray[np.float32]) -> NDArray[np.float32]:
        """The user's side of the score, from (n, H, dim): shape (n, dim + K)."""
        tau = np.broadcast_to(
            np.asarray(self.trend_weights, np.float32), (len(interests), len(self.trend_weights))
        )
        return np.concatenate([interests.sum(axis=1), tau], axis=1)

    def item_side(
        self, vectors: NDArray[np.float32], trends: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """The item's side of the score: shape (n_items, dim + K).

        Args:
            vectors: Of texts, shape (n_items, dim); zero rows where there is none.
            trends: Logarithms as of `log_trends`, shape (n_items, K).
        """
        return np.concatenate([vectors, trends], axis=1)


def log_trends(counts: NDArray[np.floating]) -> NDArray[np.float32]:
    """Logarithms of the items' shares in decayed counts, centred over the catalogue: (n_items, K).

    Args:
        counts: Decayed counts, shape (n_items, K).
    """
    shares = np.log(counts + TREND_FLOOR)
    centred: NDArray[np.floating] = shares - shares.mean(axis=0, keepdims=True)
    return centred.astype(np.float32)


def centre_of(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """The mean of the vectors of items that have a text, shape (dim,); zero where none has."""
    with_text = vectors[vectors.any(axis=1)]
    dim = vectors.shape[1]
    if not len(with_text):
        return np.zeros(dim, np.float32)
    centre: NDArray[np.float32] = with_text.mean(axis=0)
    return centre
