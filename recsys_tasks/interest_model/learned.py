"""The learned model: what training found, applied with numpy.

    score(user, item, night) = sum_h <u_h, out_h(item)>  +  sum_f tau_f(m) * f(item, night)
    u_h = s_h * (S_h + m0 * prior_h) / (m_h + m0)
    in(item) = P_in (text(item) - c) + id_in(item)
    out_h(item) = P_out,h (text(item) - c) + n / (n + g) * id_out,h(item)
    tau_f(m) = a_f + b_f * log(1 + m)

S_h sums in(item) of what the user did, and P_in (text - c) of what the user wrote, by learned
weights; m is the mass at the longest half-life. n is the item's decayed count at the longest trend
half-life: an id has to be earned. The features f are logarithms of trends, their shares, and how
new the item is: see `features_of`.
"""

import hashlib
from dataclasses import dataclass, fields, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.decay import Decayed
from recsys_tasks.interactions import Interactions, rows_of
from recsys_tasks.interest_model.model import ItemFacts, UserFacts
from recsys_tasks.interest_model.zero_shot import log_trends

FRESHNESS = (1.0, 7.0, 30.0)  # half-lives in days of an item's being new
SHARE_SCALE = 10.0  # a share of the most popular item's count becomes a feature of about this size


@dataclass(frozen=True)
class Learned:
    """Parameters over texts' vectors of `dim`, with d coordinates a half-life.

    Attributes:
        half_lives: In days, ascending, length H.
        trend_half_lives: In days, ascending, length K.
        scales: s_h, shape (H,).
        prior_mass: m0.
        prior: Shape (H, d).
        centre: c, shape (dim,).
        p_in: Shape (dim, d).
        p_out: Shape (dim, H * d).
        item_keys: Of the items that have an id, or that `at` was given, shape (n,).
        in_ids: id_in of them, shape (n, d).
        out_ids: id_out of them, shape (n, H * d).
        earned_at: g: the count at which half of an id counts.
        tau: a_f, shape (F,).
        tau_by_mass: b_f, shape (F,).
        type_keys: Of the event types that training met, ascending, shape (T,).
        type_gains: What the preset's weights of each type are multiplied by, shape (T, 3): positive
            ones, negative ones, and those of texts.
    """

    half_lives: tuple[float, ...]
    trend_half_lives: tuple[float, ...]
    scales: NDArray[np.float32]
    prior_mass: float
    prior: NDArray[np.float32]
    centre: NDArray[np.float32]
    p_in: NDArray[np.float32]
    p_out: NDArray[np.float32]
    item_keys: NDArray[np.int32]
    in_ids: NDArray[np.float32]
    out_ids: NDArray[np.float32]
    earned_at: float
    tau: NDArray[np.float32]
    tau_by_mass: NDArray[np.float32]
    type_keys: NDArray[np.int16]
    type_gains: NDArray[np.float32]

    @property
    def n_blocks(self) -> int:
        """H: an item has a vector for each half-life."""
        return len(self.half_lives)

    def fingerprint(self, encoder_id: str) -> str:
        """Names the model: equal for equal parameters over the same encoder."""
        digest = hashlib.sha256(encoder_id.encode())
        for field in fields(self):
            digest.update(np.ascontiguousarray(getattr(self, field.name)).tobytes())
        return f"interest-{digest.hexdigest()[:12]}"

    def at(self, item_keys: NDArray[np.int32]) -> "Learned":
        """The model for items in this order; those that it never met have no id."""
        rows, is_known = rows_of(self.item_keys, item_keys)
        in_ids = np.zeros((len(item_keys), self.in_ids.shape[1]), np.float32)
        out_ids = np.zeros((len(item_keys), self.out_ids.shape[1]), np.float32)
        in_ids[is_known] = self.in_ids[rows[is_known]]
        out_ids[is_known] = self.out_ids[rows[is_known]]
        return replace(self, item_keys=item_keys, in_ids=in_ids, out_ids=out_ids)

    def weigh(self, interactions: Interactions) -> Interactions:
        """The preset's weights times the gains of their types; an unknown type keeps its own."""
        known, wanted = (keys.astype(np.int32) for keys in (self.type_keys, interactions.types))
        rows, is_known = rows_of(known, wanted)
        gains = np.ones((len(rows), 3), np.float32)
        gains[is_known] = self.type_gains[rows[is_known]]
        signed = np.where(interactions.weights >= 0, gains[:, 0], gains[:, 1])
        return replace(
            interactions,
            weights=interactions.weights * signed,
            text_weights=interactions.text_weights * gains[:, 2],
        )

    def width(self, dim: int) -> int:
        """Coordinates of a total: d."""
        del dim
        return int(self.p_in.shape[1])

    def rank(self, dim: int) -> int:
        """Coordinates of an interest: H * d."""
        del dim
        return int(self.p_out.shape[1])

    def inputs(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """What totals sum, from vectors of the items of `at` and then of what users wrote."""
        summed = self._centred(vectors) @ self.p_in
        summed[: len(self.in_ids)] += self.in_ids
        return summed

    def interests(self, state: Decayed, centre: NDArray[np.float32]) -> NDArray[np.float32]:
        """The u_h, each in its own block, shape (n, H, H * d).

        The catalogue's centre is not read: the one of the days of training belongs to the model.
        """
        del centre
        n, n_half_lives, width = state.totals.shape
        sums = state.totals + np.float32(self.prior_mass) * self.prior
        blocks = np.zeros((n, n_half_lives, n_half_lives, width), np.float32)
        own = np.arange(n_half_lives)
        blocks[:, own, own] = sums * self.gains(state.masses)[..., None]
        return blocks.reshape(n, n_half_lives, n_half_lives * width)

    def gains(self, masses: NDArray[np.float32]) -> NDArray[np.float32]:
        """s_h / (m_h + m0), shape (n, H)."""
        return (self.scales / (masses + np.float32(self.prior_mass))).astype(np.float32)

    def user_side(self, users: UserFacts) -> NDArray[np.float32]:
        """The user's side of the score, shape (n, H * d + F)."""
        tau = self.tau + self.tau_by_mass * np.log1p(users.masses[:, -1:])
        return np.concatenate([users.interests.sum(axis=1), tau], axis=1).astype(np.float32)

    def item_side(self, items: ItemFacts) -> NDArray[np.float32]:
        """The item's side of the score, shape (n_items, H * d + F)."""
        evidence = items.counts[:, -1:]
        earned = evidence / (evidence + self.earned_at)
        personal = self._texts(items.vectors) + earned * self.out_ids
        return np.concatenate([personal, features_of(items)], axis=1).astype(np.float32)

    def _texts(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """What texts give to items; the same array is projected once, however many nights ask."""
        if self._projected.get("of") is not vectors:
            self._projected.update(of=vectors, by=self._centred(vectors) @ self.p_out)
        return self._projected["by"]

    @cached_property
    def _projected(self) -> dict[str, NDArray[np.float32]]:
        return {}

    def _centred(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """The vectors less the centre; zero rows, which are no texts, stay."""
        return np.where(vectors.any(axis=1, keepdims=True), vectors - self.centre, 0)


def n_features_of(n_trends: int) -> int:
    """F, by the number of trend half-lives."""
    return 2 * n_trends + len(FRESHNESS)


def features_of(items: ItemFacts) -> NDArray[np.float32]:
    """What a score takes of an item whoever the user is, shape (n, F), F = 2K + 3.

    Logarithms of trends (centred), shares in the most popular item's count, and 2^(-age / h) for
    half-lives of FRESHNESS, 0 where the age is not known.
    """
    shares = items.counts / np.maximum(items.counts.max(axis=0, initial=0), 1)
    fresh = np.exp2(-items.ages[:, None] / np.asarray(FRESHNESS))
    columns = [log_trends(items.counts), shares * SHARE_SCALE, fresh]
    return np.concatenate(columns, axis=1).astype(np.float32)
