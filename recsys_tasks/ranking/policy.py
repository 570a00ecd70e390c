"""What a list should be, beside its scores."""

import math
from typing import Final, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.interest_model import centre_of
from recsys_tasks.ranking.neighbours import unit
from recsys_tasks.settings import Settings

NEW_FOR: Final = 7  # days for which an item is new, as in the protocol
TEN: Final = 10  # ranks that are seen together


class ListPolicy(NamedTuple):
    """How lists are made out of scores.

    Attributes:
        length: Items in a list.
        diversity: Theta in [0, 1]; 0 for order by score alone.
        category_cap: Most items of one category in every ten ranks (1 to 10, 11 to 20, ...); None
            for any number.
        new_item_share: Least share of new items, in [0, 0.5], in the first ten ranks and from there
            on in the list down to any rank; shares of an item are rounded up, but to no more than
            half of the first ten.
    """

    length: int
    diversity: float = 0.0
    category_cap: int | None = None
    new_item_share: float = 0.0

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The settings' own."""
        return cls(
            settings.list_length,
            settings.diversity,
            settings.category_cap,
            settings.new_item_share,
        )

    @property
    def reorders(self) -> bool:
        """Whether a list may be in another order than that of its scores."""
        return bool(self.diversity or self.category_cap or self.new_item_share)

    def new_by_rank(self) -> NDArray[np.int32]:
        """How many new items the first r ranks hold at least, for r = 1, ..., length.

        They are spread over the ten: two of ten stand at ranks 3 and 8, and none at rank 1.

        >>> ListPolicy(11, new_item_share=0.2).new_by_rank().tolist()
        [0, 0, 1, 1, 1, 1, 1, 2, 2, 2, 3]
        """
        width = min(TEN, self.length)
        # Rounded: 0.3 * 10 is 3, and not a little more.
        quota = min(math.ceil(round(self.new_item_share * width, 6)), width // 2)
        ranks = np.arange(1, self.length + 1)
        early = (TEN * quota * ranks + 4 * width) // (TEN * width)
        late = np.ceil(np.round(self.new_item_share * ranks, 6))
        return np.where(ranks <= width, early, np.maximum(late, quota)).astype(np.int32)


class ListedItems(NamedTuple):
    """What a policy knows of n items.

    Attributes:
        directions: Of their texts: centred, of length 1, zero where there is none; shape (n, dim).
        categories: Numbers of their categories; NO_ROW for none, which is never capped; shape (n,).
        are_new: Whether each exists for less than NEW_FOR days; shape (n,).
    """

    directions: NDArray[np.float32]
    categories: NDArray[np.int32]
    are_new: NDArray[np.bool_]

    @classmethod
    def of(
        cls,
        vectors: NDArray[np.float32],
        categories: NDArray[np.int32],
        are_new: NDArray[np.bool_],
    ) -> Self:
        """From the vectors of the items' texts; a zero row is no text."""
        has_text = vectors.any(axis=1, keepdims=True)
        return cls(unit(np.where(has_text, vectors - centre_of(vectors), 0)), categories, are_new)
