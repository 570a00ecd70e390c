"""The candidates of a list: the best by score, and what a policy needs beside them."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recsys_tasks.interactions import NO_ROW
from recsys_tasks.ranking.exact import Lists, largest, top_k
from recsys_tasks.ranking.policy import TEN, ListedItems, ListPolicy

_LEAST_POOL = 200
_WIDENING = 4  # how much further the search for other categories looks each time


class Ranking(Protocol):
    """Scores of every pair of user and item, however they are kept."""

    def __len__(self) -> int:
        """How many users there are."""

    def best(self, users: NDArray[np.intp], k: int, among: NDArray[np.intp] | None = None) -> Lists:
        """The k best items of some users, best first, of equal ones the lower row first.

        Args:
            users: Their rows.
            k: Items wanted.
            among: Rows of the items that count, ascending; None for all.
        """


@dataclass(frozen=True)
class Products:
    """Scores as inner products.

    Attributes:
        user_side: Shape (n_users, dim).
        item_side: Shape (n_items, dim).
        excluded: Pairs that no list may hold, shape (n_users, n_items).
        batch_size: Users scored at once.
        device: Where torch computes.
    """

    user_side: NDArray[np.float32]
    item_side: NDArray[np.float32]
    excluded: sparse.csr_array
    batch_size: int = 1024
    device: str = "cpu"

    def __len__(self) -> int:
        return len(self.user_side)

    def best(self, users: NDArray[np.intp], k: int, among: NDArray[np.intp] | None = None) -> Lists:
        """As in Ranking."""
        items, excluded = self.item_side, self.excluded[users]
        if among is not None:
            items, excluded = items[among], excluded[:, among]
        lists = top_k(
            self.user_side[users],
            items,
            excluded,
            k,
            batch_size=self.batch_size,
            device=self.device,
        )
        return lists if among is None else _renumbered(lists, among)


@dataclass(frozen=True)
class Scores:
    """Scores as they are.

    Attributes:
        scores: Shape (n_users, n_items); -inf keeps an item out of a list.
    """

    scores: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.scores)

    def best(self, users: NDArray[np.intp], k: int, among: NDArray[np.intp] | None = None) -> Lists:
        """As in Ranking."""
        import torch  # noqa: PLC0415  seconds to import; only who ranks pays

        scores = self.scores[users] if among is None else self.scores[np.ix_(users, among)]
        best, places = largest(torch.from_numpy(scores), min(k, scores.shape[1]))
        rows = np.where(np.isneginf(best.numpy()), NO_ROW, places.numpy()).astype(np.int32)
        lists = Lists(rows, best.numpy())
        return lists if among is None else _renumbered(lists, among)


def _renumbered(lists: Lists, among: NDArray[np.intp]) -> Lists:
    """Rows of some items as rows of all."""
    rows = np.append(among, NO_ROW).astype(np.int32)[lists.rows]
    return Lists(rows, lists.scores)


def candidates(
    ranking: Ranking, users: NDArray[np.intp], policy: ListPolicy, items: ListedItems
) -> Lists:
    """Enough of each user's items to make a list of, in no order.

    The best max(4 * length, 200) by score. Under a cap, items beyond what it lets into a list make
    room for the best of other categories, from as far down the catalogue as need be. With a share
    of new items, so many of the best new ones beside them.
    """
    width = max(_WIDENING * policy.length, _LEAST_POOL)
    if policy.category_cap:
        pool = _of_many_categories(ranking, users, policy, items, width)
    else:
        pool = ranking.best(users, width)
    if not policy.new_item_share:
        return pool
    n_new = _WIDENING * int(policy.new_by_rank()[-1])
    return _joined(pool, ranking.best(users, n_new, among=np.flatnonzero(items.are_new)))


def _of_many_categories(
    ranking: Ranking,
    users: NDArray[np.intp],
    policy: ListPolicy,
    items: ListedItems,
    width: int,
) -> Lists:
    """The best `width` of each user, those first of which a capped list can hold more."""
    n_tens = -(-policy.length // TEN)
    most = (policy.category_cap or TEN) * n_tens  # of one category in a whole list
    n_items = len(items.categories)
    enough = min(width // 2, _n_within(items.categories, most))
    shape = (len(users), min(width, n_items))
    pool = Lists(np.full(shape, NO_ROW, np.int32), np.full(shape, -np.inf, np.float32))
    waiting, reach = np.arange(len(users)), width
    while len(waiting):
        found = ranking.best(users[waiting], reach)
        fits = (found.rows != NO_ROW) & (_place_in_category(found, items.categories) < most)
        is_done = (fits.sum(axis=1) >= enough) | (reach >= n_items)
        done = waiting[is_done]
        order = np.argsort(~fits[is_done], axis=1, kind="stable")[:, : shape[1]]
        for target, values in zip(pool, found, strict=True):
            target[done] = np.take_along_axis(values[is_done], order, axis=1)
        waiting, reach = waiting[~is_done], reach * _WIDENING
    return pool


def _n_within(categories: NDArray[np.int32], most: int) -> int:
    """How many items there are, counting at most so many of a category."""
    has_none = categories == NO_ROW
    _, sizes = np.unique(categories[~has_none], return_counts=True)
    return int(has_none.sum() + np.minimum(sizes, most).sum())


def _place_in_category(lists: Lists, categories: NDArray[np.int32]) -> NDArray[np.intp]:
    """How many items of its category stand above each; 0 where it has none. Shape (n, k)."""
    theirs = np.where(lists.rows == NO_ROW, NO_ROW, categories[lists.rows])
    order = np.argsort(theirs, axis=1, kind="stable")
    ordered = np.take_along_axis(theirs, order, axis=1)
    columns = np.arange(theirs.shape[1])
    starts = np.diff(ordered, axis=1, prepend=NO_ROW - 1) != 0
    first = np.maximum.accumulate(np.where(starts, columns, 0), axis=1)
    places = np.zeros(theirs.shape, np.intp)
    np.put_along_axis(places, order, np.where(ordered == NO_ROW, 0, columns - first), axis=1)
    return places


def _joined(pool: Lists, more: Lists) -> Lists:
    """Both, each item once."""
    rows = np.concatenate([pool.rows, more.rows], axis=1)
    scores = np.concatenate([pool.scores, more.scores], axis=1)
    order = np.argsort(rows, axis=1, kind="stable")
    rows = np.take_along_axis(rows, order, axis=1)
    scores = np.take_along_axis(scores, order, axis=1)
    again = np.diff(rows, axis=1, prepend=NO_ROW - 1) == 0
    return Lists(np.where(again, NO_ROW, rows), np.where(again, -np.inf, scores))
