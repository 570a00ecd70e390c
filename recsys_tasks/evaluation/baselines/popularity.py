"""Popularity: the same list for everyone, and the baseline that is hardest to beat.

Decayed, it is the strongest simple baseline under a global temporal split: Ji et al., A re-visit of
the popularity baseline in recommender systems (SIGIR 2020).
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.interactions import Catalogue, Interactions
from recsys_tasks.popularity import Popularity


@dataclass
class Popular:
    """Items by how often they were taken to before the day, a user and an item once a day.

    Attributes:
        half_life: In days; None for counts that do not fade.
    """

    half_life: int | None = None
    _popularity: Popularity = field(init=False, repr=False)

    @property
    def name(self) -> str:
        """`popular`, or `decayed_popular_<days>` with a half-life."""
        return "popular" if self.half_life is None else f"decayed_popular_{self.half_life}"

    def fit(self, past: Interactions, catalogue: Catalogue, day: int) -> None:
        """Count what precedes `day`."""
        self._popularity = Popularity(len(catalogue), self.half_life)
        self._popularity.before(past, day)

    def shared_scores(self, past: Interactions, day: int) -> NDArray[np.float32]:
        """The counts on `day`, shape (n_items,)."""
        return self._popularity.before(past, day).astype(np.float32)

    def scores(self, past: Interactions, users: NDArray[np.int32], day: int) -> NDArray[np.float32]:
        """The same row for each user; read only, shape (n, n_items)."""
        counts = self.shared_scores(past, day)
        return np.broadcast_to(counts, (len(users), len(counts)))
