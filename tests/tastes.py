"""Worlds of tastes that a training can find: groups of items, and users who keep to some."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from worlds import UNKNOWN

from recsys_tasks.interactions import NO_ROW, Catalogue, Interactions
from recsys_tasks.interest_model import ZeroShot
from recsys_tasks.training import TrainingData, TrainingOptions

DIM: Final = 6
ZERO_SHOT: Final = ZeroShot((3.0, 30.0), (1.0, 1.0), 0.5, (1.0, 7.0), (0.5, 0.5))
OPTIONS: Final = TrainingOptions(
    device="cpu",
    dim=4,
    n_components=DIM,
    learning_rate=0.02,
    dropout=0.1,
    earned_at=2.0,
    batch_size=64,
    max_passes=3,
    max_ranked_days=400,
)


class Act(NamedTuple):
    """One interaction: with an item, or with a text alone.

    Attributes:
        user: Row.
        item: Row; NO_ROW for a search.
        time: In days.
        weight: Signed.
        kind: Key of the event type.
        text: Which text was written; NO_ROW for none.
    """

    user: int
    item: int
    time: float
    weight: float = 1.0
    kind: int = 1
    text: int = NO_ROW


def interactions_of(acts: Sequence[Act], n_items: int) -> Interactions:
    """In order of time; texts are rows after those of the items."""
    ordered = sorted(acts, key=lambda act: act.time)
    columns = np.array(ordered, np.float64).reshape(-1, len(Act._fields)).T
    users, items, times, weights, kinds, texts = columns
    writes = texts != NO_ROW
    return Interactions(
        users=users.astype(np.int32),
        items=items.astype(np.int32),
        times=times,
        weights=weights.astype(np.float32),
        texts=np.where(writes, texts + n_items, NO_ROW).astype(np.int32),
        text_weights=writes.astype(np.float32),
        types=kinds.astype(np.int16),
    )


def texts_of(groups: NDArray[np.intp], noise: float = 0.3, seed: int = 0) -> NDArray[np.float32]:
    """A text's vector for each, near that of its group; shape (n, DIM), of length 1."""
    rng = np.random.default_rng(seed)
    vectors = np.eye(DIM)[groups % DIM] + rng.normal(0, noise / np.sqrt(DIM), (len(groups), DIM))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors.astype(np.float32)


def data_of(
    acts: Sequence[Act],
    vectors: NDArray[np.float32],
    since: NDArray[np.integer] | None = None,
    texts: NDArray[np.float32] | None = None,
    zero_shot: ZeroShot = ZERO_SHOT,
) -> TrainingData:
    """What a training reads.

    Args:
        acts: In any order.
        vectors: Of the items; zero rows for no text.
        since: First days of the items; not known by default.
        texts: Vectors of what users wrote; none by default.
        zero_shot: Where training starts from.
    """
    n_items = len(vectors)
    days = np.full(n_items, UNKNOWN, np.int32) if since is None else since.astype(np.int32)
    ids = tuple(f"item {row:03}" for row in range(n_items))
    return TrainingData(
        interactions_of(acts, n_items),
        Catalogue(ids, days, vectors),
        np.arange(n_items, dtype=np.int32),
        vectors if texts is None else np.concatenate([vectors, texts]),
        zero_shot,
    )


class Tastes(NamedTuple):
    """A crowd in which each user keeps to a group of items.

    Attributes:
        n_users: In the crowd.
        n_items: In the catalogue; group of an item is its row modulo n_groups.
        n_groups: Of items.
        n_days: That pass.
        period: Days after which each user turns to another group; 0 for never.
        share: Of the user's acts that keep to the group; the others are with any item.
        seed: Of chance.
    """

    n_users: int = 40
    n_items: int = 120
    n_groups: int = 4
    n_days: int = 30
    period: int = 0
    share: float = 0.9
    seed: int = 0

    @property
    def groups(self) -> NDArray[np.intp]:
        """Of the items."""
        return np.arange(self.n_items) % self.n_groups

    def acts(self) -> list[Act]:
        """One act a user and day, at noon."""
        rng = np.random.default_rng(self.seed)
        acts = []
        for day in range(self.n_days):
            for user in range(self.n_users):
                turned = day // self.period if self.period else 0
                group = (user * 7 + turned * (1 + user % (self.n_groups - 1))) % self.n_groups
                of_group = np.flatnonzero(self.groups == group)
                items = of_group if rng.random() < self.share else np.arange(self.n_items)
                acts.append(Act(user, int(rng.choice(items)), day + 0.5))
        return acts

    def data(self, *, has_text: bool = True, zero_shot: ZeroShot = ZERO_SHOT) -> TrainingData:
        """What a training reads of it."""
        vectors = texts_of(self.groups)
        return data_of(
            self.acts(), vectors if has_text else np.zeros_like(vectors), zero_shot=zero_shot
        )


def without_texts(data: TrainingData) -> TrainingData:
    """The same as if nobody had written anything."""
    happened = data.interactions
    return replace(
        data,
        interactions=replace(happened, text_weights=np.zeros_like(happened.text_weights)),
    )
