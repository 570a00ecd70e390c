"""A night's ranking beside the ways that others have.

implicit's batch recommend, faiss's exact index where it is installed, and one pgvector query a user
over the HNSW index of item_vectors.
"""

from datetime import date

import numpy as np
from implicit.cpu.als import AlternatingLeastSquares
from numpy.typing import NDArray
from scipy import sparse
from threadpoolctl import threadpool_limits

from benchmarks.contests import Contest, timed
from benchmarks.measuring import Figure
from recsys_tasks.interactions import NO_ROW
from recsys_tasks.ranking import top_k
from recsys_tasks.settings import Settings
from recsys_tasks.steps.rank.inputs import Picture, read_picture
from recsys_tasks.warehouse import Session
from recsys_tasks.warehouse.models import LiveModel

K = 50
ENOUGH = 0.999  # of the entries; the last may be equal scores in another order
N_RANKED = 4_096  # users
N_ASKED = 200  # of them, whom pgvector is asked for

SOME_USERS = """
select user_key from recommendation_lists where night = %(night)s order by user_key limit %(n)s
"""
SEARCH = """
set local hnsw.ef_search = 100;
set local hnsw.iterative_scan = strict_order;
"""
NEAREST = """
select item_key from item_vectors
where item_key <> all(%(excluded)s)
order by vector <#> %(user)s::halfvec limit %(k)s
"""


def ranking(session: Session, settings: Settings, live: LiveModel, night: date) -> list[Figure]:
    """Every way has to give the same lists, but for the index, whose recall is told."""
    keys = np.array(session.select(SOME_USERS, {"night": night, "n": N_RANKED}), np.int32)[:, 0]
    picture = read_picture(session, settings, live, night, keys)
    n, n_items = picture.excluded.shape
    contest = Contest(f"top {K}, {n:,} users, {n_items:,} items", [])
    users, items = picture.user_side, picture.item_side
    seconds, lists = timed(
        lambda: top_k(users, items, picture.excluded, K, batch_size=settings.batch_size)
    )
    contest.add("ranking.top_k", n, seconds)
    seconds, rows = timed(lambda: with_implicit(users, items, picture.excluded))
    assert _same(lists.rows, rows) > ENOUGH
    contest.add("implicit, batch recommend", n, seconds)
    try:
        seconds, rows = timed(lambda: with_faiss(users, items, picture.excluded))
    except ImportError:
        pass  # an extra: bench
    else:
        assert _same(lists.rows, rows) > ENOUGH
        contest.add("faiss, exact", n, seconds)
    _ask_pgvector(session, picture, contest)
    return contest.figures


def with_implicit(
    users: NDArray[np.float32], items: NDArray[np.float32], excluded: sparse.csr_array
) -> NDArray[np.int32]:
    """The lists by implicit's batch recommend: rows, shape (n, K)."""
    # implicit has threads of its own, and warns where the BLAS library has some too.
    with threadpool_limits(1, "blas"):
        model = AlternatingLeastSquares(factors=users.shape[1])
        model.user_factors, model.item_factors = users, items
        taken = sparse.csr_matrix(excluded.astype(np.float32))
        ids = np.arange(len(users))
        rows, _ = model.recommend(ids, taken, N=K, filter_already_liked_items=True)
    return np.asarray(rows, np.int32)


def with_faiss(
    users: NDArray[np.float32], items: NDArray[np.float32], excluded: sparse.csr_array
) -> NDArray[np.int32]:
    """The same by an exact index, which knows no filter: asked for more, and thinned out."""
    import faiss

    index = faiss.IndexFlatIP(items.shape[1])
    index.add(items)
    most = int(np.diff(excluded.indptr).max())
    _, found = index.search(users, min(K + most, len(items)))
    n_items = np.int64(len(items))
    taken = excluded.tocoo()
    pairs = taken.row * n_items + taken.col
    kept = ~np.isin(np.arange(len(users))[:, None] * n_items + found, pairs)
    order = np.argsort(~kept, axis=1, kind="stable")[:, :K]
    return np.take_along_axis(found, order, axis=1).astype(np.int32)


def _ask_pgvector(session: Session, picture: Picture, contest: Contest) -> None:
    """One query a user, by interest alone: item_vectors knows no trends."""
    users = picture.user_side[:N_ASKED, : picture.rank].astype(np.float16)
    items = picture.item_side[:, : picture.rank].astype(np.float16).astype(np.float32)
    exact = top_k(users.astype(np.float32), items, picture.excluded[: len(users)], K)
    session.select(SEARCH)

    def asked() -> NDArray[np.int32]:
        rows = np.full((len(users), K), NO_ROW, np.int32)
        for row, user in enumerate(users):
            taken = picture.item_keys[picture.excluded[[row]].indices].tolist()
            asks = {"user": str(user.tolist()), "excluded": taken, "k": K}
            keys = [key for (key,) in session.select(NEAREST, asks)]
            rows[row, : len(keys)] = np.flatnonzero(np.isin(picture.item_keys, keys))
        return rows

    seconds, rows = timed(asked, rounds=1)
    besides = f"{len(users)} users only, without trends, recall {_same(exact.rows, rows):.3f}"
    contest.add("pgvector, HNSW, a query a user", len(users), seconds, besides)


def _same(one: NDArray[np.int32], other: NDArray[np.int32]) -> float:
    """The share of entries that both lists of a user have."""
    shared = [np.isin(left, right).mean() for left, right in zip(one, other, strict=True)]
    return float(np.mean(shared))
