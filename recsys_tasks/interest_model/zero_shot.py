"""The model before anything is learned: every number is the preset's.

    score(user, item, night) = sum_h <u_h, text(item)>  +  sum_k tau_k * log trend_k(item, night)
    u_h = s_h * (S_h - w_h * c) / (m_h + m0)

w_h is the decayed sum of signed weights, c the centre of the catalogue's texts; s_h, m0 and tau_k
come from the preset. Centring the user takes the same off every interaction as centring each text
would, and leaves item vectors as the encoder made them: they change only when a text does.

In a total, the coordinate after the text's is w_h.
"""

import hashlib
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.decay import Decayed
from recsys_tasks.interactions import Interactions
from recsys_tasks.interest_model.model import ItemFacts, UserFacts
from recsys_tasks.presets import Preset

TREND_FLOOR = 0.3  # a decayed count that every item has: untouched is rare, not impossible


class ZeroShot(NamedTuple):
    """The model of a preset."""

    half_lives: tuple[float, ...]
    scales: tuple[float, ...]
    prior_mass: float
    trend_half_lives: tuple[float, ...]
    trend_weights: tuple[float, ...]

    @classmethod
    def of(cls, preset: Preset) -> "ZeroShot":
        """The model of a preset."""
        return cls(*(getattr(preset, name) for name in cls._fields))

    def with_half_life(self, days: float) -> "ZeroShot":
        """The model with one half-life, which counts as much as all of its own together."""
        return self._replace(half_lives=(days,), scales=(sum(self.scales),))

    @property
    def n_blocks(self) -> int:
        """1: at every half-life an item's vector is its text's."""
        return 1

    def fingerprint(self, encoder_id: str) -> str:
        """Names the model: equal for equal parameters over the same encoder."""
        digest = hashlib.sha256(f"{encoder_id} {tuple(self)}".encode()).hexdigest()
        return f"zero-shot-{digest[:12]}"

    def at(self, item_keys: NDArray[np.int32]) -> "ZeroShot":
        """The model itself: it knows no item."""
        del item_keys
        return self

    def weigh(self, interactions: Interactions) -> Interactions:
        """The interactions as they are: the preset has weighed them."""
        return interactions

    def width(self, dim: int) -> int:
        """Coordinates of a total over texts' vectors of `dim`."""
        return dim + 1

    def rank(self, dim: int) -> int:
        """Coordinates of an interest."""
        return dim

    def inputs(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """The vectors and a 1, which sums signed weights; a zero row stays one: (n, dim + 1)."""
        return np.column_stack([vectors, vectors.any(axis=1).astype(np.float32)])

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

    def user_side(self, users: UserFacts) -> NDArray[np.float32]:
        """The user's side of the score, shape (n, dim + K)."""
        tau = np.broadcast_to(
            np.asarray(self.trend_weights, np.float32), (len(users.masses), len(self.trend_weights))
        )
        return np.concatenate([users.interests.sum(axis=1), tau], axis=1)

    def item_side(self, items: ItemFacts) -> NDArray[np.float32]:
        """The item's side of the score, shape (n_items, dim + K)."""
        return np.concatenate([items.vectors, log_trends(items.counts)], axis=1)


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
