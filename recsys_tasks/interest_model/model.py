"""What every model of interests offers: the night and the backtest ask nothing else of one.

A model says what an interaction adds to a total (`inputs`), what a total means (`interests`), and
how users and items meet: one inner product of `user_side` and `item_side`. Their first `rank`
coordinates are the personal part; what follows belongs to the item alone (trends), and the user's
coordinates there say how much it counts.
"""

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.decay import Decayed
from recsys_tasks.interactions import Interactions


class UserFacts(NamedTuple):
    """What a night knows of n users.

    Attributes:
        interests: As of `Model.interests`, shape (n, H, rank).
        masses: Decayed evidence, shape (n, H).
    """

    interests: NDArray[np.float32]
    masses: NDArray[np.float32]


class ItemFacts(NamedTuple):
    """What a night knows of n items.

    Attributes:
        vectors: Of their texts, shape (n, dim); zero rows where there is none.
        counts: Decayed counts at the model's trend half-lives, shape (n, K).
        ages: Days that they exist on the day that lists are made for, the day after the night: 0
            for an item of that very day; inf where it is not known; shape (n,).
    """

    vectors: NDArray[np.float32]
    counts: NDArray[np.float32]
    ages: NDArray[np.float32]


class InterestModel(Protocol):
    """A model of interests, over texts' vectors of `dim` coordinates.

    `at` comes first: the other methods take items in the order that it was given.
    """

    @property
    def half_lives(self) -> tuple[float, ...]:
        """Of interests, in ascending days, length H."""

    @property
    def trend_half_lives(self) -> tuple[float, ...]:
        """Of decayed counts, in ascending days, length K."""

    @property
    def n_blocks(self) -> int:
        """How many vectors an item has in the personal part of `item_side`, side by side.

        1 where all half-lives share it, else H: then the interest of the h-th half-life is zero
        outside the h-th block.
        """

    def fingerprint(self, encoder_id: str) -> str:
        """Names the model: equal for equal parameters over the same encoder."""

    def at(self, item_keys: NDArray[np.int32]) -> "InterestModel":
        """The model for items in this order; those that it never met have text and trends only."""

    def weigh(self, interactions: Interactions) -> Interactions:
        """The interactions with the model's own weights, from those that the preset gave them."""

    def width(self, dim: int) -> int:
        """Coordinates of a total."""

    def rank(self, dim: int) -> int:
        """Coordinates of an interest, and of the personal part of both sides."""

    def inputs(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """What totals sum, from vectors of the items and then of what users wrote: (n, width).

        A zero row adds nothing, not even mass: an item without text that the model never met.
        """

    def interests(self, state: Decayed, centre: NDArray[np.float32]) -> NDArray[np.float32]:
        """What totals mean, shape (n, H, rank); the sum over h is the personal part of a user.

        Args:
            state: Totals of shape (n, H, width), seen from the night that is ranked.
            centre: Of the catalogue's texts, shape (dim,).
        """

    def gains(self, masses: NDArray[np.float32]) -> NDArray[np.float32]:
        """What an interest is multiplied by to be a total's meaning, shape (n, H)."""

    def user_side(self, users: UserFacts) -> NDArray[np.float32]:
        """Shape (n, rank + F)."""

    def item_side(self, items: ItemFacts) -> NDArray[np.float32]:
        """Shape (n, rank + F)."""
