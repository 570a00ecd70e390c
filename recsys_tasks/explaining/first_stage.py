"""The first stage's scores, taken apart exactly.

A score is the sum of what the user's interactions bring, what the prior does, what users with the
same attributes do, and what the item's features do: trends, and how new it is.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.decay import Decayed
from recsys_tasks.explaining.contributing import Contributors, contributors, meanings
from recsys_tasks.explaining.grounds import (
    EARLIER,
    EVERYONE,
    INTERACTION,
    NEW,
    PEERS,
    TEXT,
    TREND,
    Grounds,
    horizons,
    trend_days,
)
from recsys_tasks.interactions import NO_ROW, Interactions
from recsys_tasks.interest_model import InterestModel, UserFacts
from recsys_tasks.reranking import Sides


class Parts(NamedTuple):
    """What the scores of n lists of k consist of; the parts of an entry add up to its score.

    Attributes:
        grounds: What each part rests on, shape (n, A).
        parts: Shape (n, k, A).
    """

    grounds: Grounds
    parts: NDArray[np.float32]


@dataclass(frozen=True)
class FirstStage:
    """A night's first stage, and what n users did.

    Attributes:
        model: `at` the items of the history.
        item_side: Of the items that are ranked, shape (n_items, rank + F).
        user_side: Shape (n, rank + F).
        interests: The sum of the users' u_h: what of `user_side` they did themselves, (n, rank).
        masses: Of the users, seen from the night, shape (n, H).
        centre: Of the catalogue's texts, shape (dim,).
        night: The night.
        history: In ascending time, as the preset weighs it; `users` are rows of `user_side`.
        known: What the last of it bring.
        vectors: What `known.vectors` are rows of, as `meanings` gives them.
    """

    model: InterestModel
    item_side: NDArray[np.float32]
    user_side: NDArray[np.float32]
    interests: NDArray[np.float32]
    masses: NDArray[np.float32]
    centre: NDArray[np.float32]
    night: int
    history: Interactions
    known: Contributors
    vectors: NDArray[np.float32]

    @classmethod
    def of(
        cls,
        model: InterestModel,
        sides: Sides,
        users: UserFacts,
        centre: NDArray[np.float32],
        night: int,
        history: Interactions,
        vectors: NDArray[np.float32],
        length: int,
    ) -> "FirstStage":
        """The stage, with what the last interactions bring.

        Args:
            model: `at` the items of the history.
            sides: Of the n users and of the items that are ranked.
            users: What is known of the same users.
            centre: Of the catalogue's texts, shape (dim,).
            night: The night.
            history: As in the class; its items and texts are rows of `vectors`.
            vectors: Of the history's items and of what users wrote, shape (n_vectors, dim).
            length: How many interactions of a user are told apart; what is earlier is one part.
        """
        inputs = model.inputs(vectors)
        known = contributors(model, history, inputs, users.masses, night, length)
        return cls(
            model,
            sides.items,
            sides.users,
            users.interests.sum(axis=1),
            users.masses,
            centre,
            night,
            history,
            known,
            meanings(model, inputs, centre),
        )

    @property
    def lengths(self) -> NDArray[np.intp]:
        """How many contributors each user has, shape (n,)."""
        counts: NDArray[np.intp] = (self.known.interactions != NO_ROW).sum(axis=1)
        return counts

    @property
    def n_fixed(self) -> int:
        """How many grounds follow the contributors': earlier, everyone, peers, trends, new."""
        return len(self.model.trend_half_lives) + 4

    def parts(self, users: NDArray[np.intp], rows: NDArray[np.int32], length: int) -> Parts:
        """What the scores of some users' entries consist of.

        Args:
            users: Shape (b,).
            rows: Of the items, shape (b, k).
            length: Contributors of the user who has most of them, or more.

        Returns:
            Grounds are `length` contributors, what is earlier, everyone, peers, K trends, new.
        """
        theirs = self.known.newest(users, length)
        rank = self.model.n_blocks * self.vectors.shape[1]
        items, user_side = self.item_side[rows], self.user_side[users]
        brought = _brought(items[..., :rank], theirs, self.vectors)
        interests, personal = self.interests[users], items[..., :rank]
        # Three products that add up to the personal part.
        prior = np.matmul(personal, self._prior(users)[..., None])
        own = np.matmul(personal, interests[..., None])
        peers = np.matmul(personal, (user_side[:, :rank] - interests)[..., None])
        earlier = own - prior - brought.sum(axis=-1, keepdims=True)
        by_feature = items[..., rank:] * user_side[:, None, rank:]
        of_item = by_feature @ horizons(self.model, by_feature.shape[-1])
        parts = np.concatenate([brought, earlier, prior, peers, of_item], axis=-1)
        return Parts(self._grounds(theirs), parts)

    def _prior(self, users: NDArray[np.intp]) -> NDArray[np.float32]:
        """What users of as much evidence, but of no taste, have for interest: (b, rank)."""
        n_half_lives = self.masses.shape[1]
        shape = (len(users), n_half_lives, self.model.width(len(self.centre)))
        nights = np.full(len(users), self.night, np.int32)
        nothing = Decayed(np.zeros(shape, np.float32), self.masses[users], nights)
        prior: NDArray[np.float32] = self.model.interests(nothing, self.centre).sum(axis=1)
        return prior

    def _grounds(self, theirs: Contributors) -> Grounds:
        """Of some users' contributors, and of what follows them."""
        at = theirs.interactions
        is_there = at != NO_ROW
        happened = self.history
        kinds = np.where(theirs.are_texts, TEXT, INTERACTION)
        told = Grounds(
            np.where(is_there, kinds, EARLIER).astype(np.int16),
            np.append(happened.items, NO_ROW)[at].astype(np.int32),
            np.append(happened.types, 0)[at].astype(np.int16),
            np.append(happened.days, 0)[at].astype(np.int32),
            theirs.weights,
        )
        days = trend_days(self.model)
        fixed = [EARLIER, EVERYONE, PEERS, *[TREND] * len(days), NEW]
        details = [0, 0, 0, *days.tolist(), 0]
        return told.beside(_same_for_all(len(at), fixed, details))


def _same_for_all(n: int, kinds: list[int], details: list[int]) -> Grounds:
    """Grounds that belong to no interaction, of n users."""
    shape = (n, len(kinds))
    return Grounds(
        np.tile(np.array(kinds, np.int16), (n, 1)),
        np.full(shape, NO_ROW, np.int32),
        np.tile(np.array(details, np.int16), (n, 1)),
        np.zeros(shape, np.int32),
        np.zeros(shape, np.float32),
    )


def _brought(
    listed: NDArray[np.float32], known: Contributors, vectors: NDArray[np.float32]
) -> NDArray[np.float32]:
    """What each contributor gives to each entry, shape (b, k, L).

    Args:
        listed: The personal part of the items, shape (b, k, n_blocks * width).
        known: Of the b users.
        vectors: What `known.vectors` are rows of.
    """
    import torch  # noqa: PLC0415  seconds to import; only who explains pays

    b, k, rank = listed.shape
    width, length = vectors.shape[1], known.vectors.shape[1]
    if not len(vectors):
        return np.zeros((b, k, length), np.float32)
    blocks = torch.from_numpy(listed).reshape(b, k, rank // width, width)
    brought_by = torch.from_numpy(vectors)[torch.from_numpy(known.vectors)]  # (b, L, width)
    coefficients = torch.from_numpy(known.coefficients)[:, None]  # (b, 1, L, n_blocks)
    brought = torch.zeros(b, k, length)
    for block in range(rank // width):
        brought += torch.bmm(blocks[:, :, block], brought_by.mT) * coefficients[..., block]
    found: NDArray[np.float32] = brought.numpy()
    return found
