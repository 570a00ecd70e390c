"""Which few numbers are learned where every one of them has to be told with noise.

    score = sum over h, b of  w_hb * <U_h, text(item)> in the b-th band of principal components
          + sum over f of  (a_f + b_f * log(1 + m)) * f(item, night)

U_h is the zero-shot interest without its scale, (S_h - w_h c) / (m_h + m0). The score is linear in
all that is learned, so features are made once and the loss is convex. Half-lives, m0 and the
weights of event types stay the preset's; there are no ids: a vector for each item is more than
noise leaves anything of. Where w_hb = s_h, a_f = tau_f and b_f = 0 it is the zero-shot model.
"""

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.interest_model import (
    ItemFacts,
    Learned,
    UserFacts,
    ZeroShot,
    centre_of,
    features_of,
    n_features_of,
)
from recsys_tasks.interest_model.learned import FRESHNESS
from recsys_tasks.training.private.reading import one_by_one

BANDS: Final = (0, 8, 32, 128)  # principal components, most of what texts differ by first
# What makes a step in one coordinate worth about as much as one in another.
_PERSONAL, _LOGARITHM, _SHARE, _BY_MASS = 10.0, 1.0, 0.2, 0.25


@dataclass(frozen=True)
class Form:
    """A model that is all but learned.

    Attributes:
        unit: A model of this form, over the first principal components: interests without scales,
            trends that do not count.
        texts: Of the catalogue's items in these components, shape (n_items, width).
        zero_shot: Where learning starts from.
    """

    unit: Learned
    texts: NDArray[np.float32]
    zero_shot: ZeroShot

    @classmethod
    def of(
        cls, zero_shot: ZeroShot, vectors: NDArray[np.float32], existed: NDArray[np.bool_]
    ) -> "Form":
        """The form over a catalogue.

        Args:
            zero_shot: Where learning starts from.
            vectors: Of the items' texts, shape (n_items, dim).
            existed: Whose texts say how texts differ, shape (n_items,).
        """
        centre = centre_of(vectors[existed])
        has_text: NDArray[np.bool_] = np.any(vectors != 0, axis=1)
        known = vectors[existed & has_text] - centre
        _, components = np.linalg.eigh(known.T @ known)
        basis = np.ascontiguousarray(components[:, ::-1][:, : BANDS[-1]], np.float32)
        n_half_lives, width = len(zero_shot.half_lives), basis.shape[1]
        tau = np.zeros(n_features_of(len(zero_shot.trend_half_lives)), np.float32)
        unit = Learned(
            half_lives=zero_shot.half_lives,
            trend_half_lives=zero_shot.trend_half_lives,
            scales=np.ones(n_half_lives, np.float32),
            prior_mass=zero_shot.prior_mass,
            prior=np.zeros((n_half_lives, width), np.float32),
            centre=centre,
            p_in=basis,
            p_out=np.tile(basis, n_half_lives),
            item_keys=np.zeros(0, np.int32),
            in_ids=np.zeros((0, width), np.float32),
            out_ids=np.zeros((0, n_half_lives * width), np.float32),
            earned_at=1.0,
            tau=tau,
            tau_by_mass=np.zeros_like(tau),
            type_keys=np.zeros(0, np.int16),
            type_gains=np.zeros((0, 3), np.float32),
        )
        texts = np.where(has_text[:, None], vectors - centre, 0) @ basis
        return cls(unit, texts.astype(np.float32), zero_shot)

    @property
    def bands(self) -> list[slice]:
        """Of the coordinates of an interest."""
        width = self.unit.p_in.shape[1]
        return [slice(low, min(high, width)) for low, high in pairwise(BANDS) if low < width]

    @property
    def n_trends(self) -> int:
        """How many features of an item there are: how new it is is none of them."""
        return len(self.unit.tau) - len(FRESHNESS)

    @property
    def units(self) -> NDArray[np.float64]:
        """What parameters are multiplied by to be numbers of the model, shape (F,)."""
        personal = np.full(len(self.unit.scales) * len(self.bands), _PERSONAL)
        trends = np.repeat([_LOGARITHM, _SHARE], self.n_trends // 2)
        return np.concatenate([personal, trends, _BY_MASS * trends])

    def first(self) -> NDArray[np.float64]:
        """The parameters of the zero-shot model, shape (F,)."""
        personal = np.repeat(self.zero_shot.scales, len(self.bands))
        tau = np.zeros(self.n_trends)
        tau[: len(self.zero_shot.trend_weights)] = self.zero_shot.trend_weights
        return np.concatenate([personal, tau, np.zeros_like(tau)]) / self.units

    def features(
        self, users: UserFacts, facts: ItemFacts, items: NDArray[np.intp]
    ) -> NDArray[np.float32]:
        """What parameters are multiplied by, shape (n, C, F).

        Args:
            users: The n users, by any model of this form.
            facts: Of the catalogue.
            items: Rows of C items for each of them, shape (n, C).
        """
        width = self.unit.p_in.shape[1]
        columns = []
        for h in range(len(self.unit.scales)):
            of_block = users.interests[:, h, h * width : (h + 1) * width]
            for band in self.bands:
                near = one_by_one(of_block[:, band], self.texts[:, band])
                columns.append(np.take_along_axis(near, items, axis=1))
        trends = features_of(facts)[:, : self.n_trends][items]
        evidence = np.log1p(users.masses[:, -1])[:, None, None]
        whole = np.concatenate([np.stack(columns, axis=2), trends, evidence * trends], axis=2)
        return np.asarray(whole * self.units, np.float32)

    def model(self, parameters: NDArray[np.float64]) -> Learned:
        """The model that has these parameters, shape (F,)."""
        n_half_lives, bands = len(self.unit.scales), self.bands
        n_personal, n_trends = n_half_lives * len(bands), self.n_trends
        numbers = np.split(parameters * self.units, [n_personal, n_personal + n_trends])
        personal, tau, by_mass = numbers
        gains = np.zeros((n_half_lives, self.unit.p_in.shape[1]), np.float32)
        for b, band in enumerate(bands):
            gains[:, band] = personal.reshape(n_half_lives, -1)[:, b, None]
        rest = np.zeros(len(FRESHNESS))
        return replace(
            self.unit,
            p_out=(self.unit.p_out * gains.ravel()).astype(np.float32),
            tau=np.concatenate([tau, rest]).astype(np.float32),
            tau_by_mass=np.concatenate([by_mass, rest]).astype(np.float32),
        )
