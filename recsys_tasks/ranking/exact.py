"""Exact top-k: every item is scored for every user, in batches."""

from collections.abc import Callable, Iterable
from functools import partial
from queue import SimpleQueue
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recsys_tasks.interactions import NO_ROW
from recsys_tasks.threads import threads_of

if TYPE_CHECKING:
    from torch import Tensor

# Products of fewer rows or columns take other paths through BLAS, which end in other last bits.
_LEAST_ROWS = 16
_WORTH_READING = 256  # users for whom a thread reads the catalogue: it is larger than any cache


class Lists(NamedTuple):
    """The best items of n users, best first.

    Attributes:
        rows: Items, shape (n, k); NO_ROW after the end of a short list.
        scores: Their scores, shape (n, k); -inf there.
    """

    rows: NDArray[np.int32]
    scores: NDArray[np.float32]


def top_k(
    users: NDArray[np.float32],
    items: NDArray[np.float32],
    excluded: sparse.csr_array,
    k: int,
    *,
    batch_size: int = 1024,
    device: str = "cpu",
) -> Lists:
    """Rank all items for every user by inner product, without those excluded.

    Args:
        users: Shape (n_users, dim).
        items: Shape (n_items, dim).
        excluded: Pairs that no list may hold, shape (n_users, n_items).
        k: Length of the lists; a list is shorter only where the user has fewer items left.
        batch_size: Users scored at once, by all threads; memory is batch_size * n_items floats.
        device: Where torch computes.

    Returns:
        Lists of width min(k, n_items). Of equal scores, the lower row comes first.
    """
    import torch  # noqa: PLC0415  seconds to import; only who ranks pays

    width = min(k, len(items))
    lists = Lists(
        np.full((len(users), width), NO_ROW, np.int32),
        np.full((len(users), width), -np.inf, np.float32),
    )
    catalogue = _wide(torch.from_numpy(items).to(device).T)
    n_workers = min(torch.get_num_threads(), batch_size // _WORTH_READING) if device == "cpu" else 1
    size = batch_size // max(n_workers, 1)
    batches = [slice(start, start + size) for start in range(0, len(users) if width else 0, size)]
    # Fresh memory for every batch would cost a fault a page.
    rooms: SimpleQueue[Tensor] = SimpleQueue()

    def rank(batch: slice) -> None:
        room = rooms.get()
        scores = _scores(torch.from_numpy(users[batch]).to(device), catalogue, room)
        scores = scores[:, : len(items)]
        left_out = excluded[batch].tocoo()
        scores[left_out.row, left_out.col] = -torch.inf
        best, rows = largest(scores, width)
        lists.scores[batch] = best.cpu().numpy()
        lists.rows[batch] = np.where(np.isneginf(lists.scores[batch]), NO_ROW, rows.cpu().numpy())
        rooms.put(room)

    for _ in range(min(max(n_workers, 1), len(batches))):
        rooms.put(torch.empty(_padded(min(size, len(users))), catalogue.shape[1], device=device))
    if n_workers < 2 or len(batches) == 1:  # noqa: PLR2004  nothing to share out
        for batch in batches:
            rank(batch)
    else:
        _at_once(rank, batches, n_workers)
    return lists


def _at_once(rank: Callable[[slice], None], batches: Iterable[slice], n_workers: int) -> None:
    """Rank batches by so many threads, which share out the processors.

    All processors at one product wait for the one that the database has taken; each at its own
    takes the next batch when it is done.
    """
    import torch  # noqa: PLC0415  as in top_k

    n_threads = torch.get_num_threads()
    begin = partial(torch.set_num_threads, n_threads // n_workers)
    try:
        with threads_of(n_workers, "ranking", begin) as workers:
            for _ in workers.map(rank, batches):
                pass  # an error is raised here
    finally:
        torch.set_num_threads(n_threads)


def products(users: NDArray[np.float32], items: NDArray[np.float32]) -> NDArray[np.float32]:
    """All inner products, (n, n_items), whose bits do not depend on how many users there are.

    Args:
        users: Shape (n, dim).
        items: Shape (n_items, dim).
    """
    import torch  # noqa: PLC0415  as in top_k

    catalogue = _wide(torch.from_numpy(items).T)
    room = torch.empty(_padded(len(users)), catalogue.shape[1])
    found = _scores(torch.from_numpy(users), catalogue, room)[:, : len(items)]
    return np.asarray(found.numpy(), np.float32)


def _scores(users: "Tensor", catalogue: "Tensor", room: "Tensor") -> "Tensor":
    """Inner products whose bits do not depend on how many users share the batch.

    Args:
        users: Shape (n, dim).
        catalogue: As _wide has it, (dim, n_items).
        room: Where they are written, of _padded(n) rows at least.

    Returns:
        The first n rows of `room`.
    """
    import torch  # noqa: PLC0415  as in top_k
    from torch.nn.functional import pad  # noqa: PLC0415  as in top_k

    n = len(users)
    if _padded(n) > n:
        users = pad(users, (0, 0, 0, _padded(n) - n))
    torch.mm(users, catalogue, out=room[: len(users)])
    return room[:n]


def _wide(catalogue: "Tensor") -> "Tensor":
    """At least _LEAST_ROWS items, (dim, n_items): what is missing is zero."""
    from torch.nn.functional import pad  # noqa: PLC0415  as in top_k

    missing = _LEAST_ROWS - catalogue.shape[1]
    return pad(catalogue, (0, missing)) if missing > 0 else catalogue


def _padded(n: int) -> int:
    """How many rows a product of n users has."""
    return n + -n % _LEAST_ROWS


def largest(scores: "Tensor", k: int) -> "tuple[Tensor, Tensor]":
    """The k largest of each row, descending, and their columns; of equal ones the lower first."""
    best, columns = scores.topk(min(k + 1, scores.shape[1]), dim=1)  # in any order among equals
    if best.shape[1] > k:
        # Where the last place is shared, topk may have taken any of the sharers: sort the row.
        shared = (best[:, k - 1] == best[:, k]) & best[:, k].isfinite()
        if shared.any():
            order = scores[shared].sort(dim=1, descending=True, stable=True)
            best[shared], columns[shared] = order.values[:, : k + 1], order.indices[:, : k + 1]
    columns, ascending = columns[:, :k].sort(dim=1)
    best, by_score = best[:, :k].gather(1, ascending).sort(dim=1, descending=True, stable=True)
    return best, columns.gather(1, by_score)
