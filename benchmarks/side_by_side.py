"""A night's ranking and merging beside the ways that others have, on the night's own data.

Ranking: implicit's batch recommend, faiss's exact index where it is installed, and one pgvector
query a user over the HNSW index of item_vectors. Merging: pandas, as everybody writes it first, and
one UPDATE a user.
"""

from collections.abc import Callable, Iterable
from datetime import date
from time import perf_counter
from typing import NamedTuple, TypeVar

import numpy as np
import pandas as pd
from implicit.cpu.als import AlternatingLeastSquares
from numpy.typing import NDArray
from psycopg2.extras import execute_values
from scipy import sparse
from threadpoolctl import threadpool_limits

from benchmarks.measuring import ROUNDS, Figure
from benchmarks.merge import IN_SQL
from recsys_tasks.interactions import NO_ROW
from recsys_tasks.ranking import top_k
from recsys_tasks.settings import Settings
from recsys_tasks.steps import merge
from recsys_tasks.steps.rank.inputs import Picture, read_picture
from recsys_tasks.warehouse import Session, Warehouse
from recsys_tasks.warehouse.models import LiveModel, live_models

Result = TypeVar("Result")
K = 50
ENOUGH = 0.999  # of the entries; the last may be equal scores in another order
N_RANKED = 4_096  # users
N_ASKED = 200  # of them, whom pgvector is asked for
N_MERGED = 2_000  # users
N_ONE_BY_ONE = 500  # of them

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
# As if the night's deltas were still to be merged.
BEFORE_MERGING = """
with chosen as (
    select user_key from interest_totals
    where model_key = %(model_key)s and as_of = %(night)s
    group by user_key order by user_key limit %(n)s
), waiting as (
    insert into pending_merges (model_key, user_key, day)
    select %(model_key)s, user_key, %(night)s from chosen
)
update interest_totals set as_of = as_of - 1
from chosen where interest_totals.user_key = chosen.user_key
"""
WAITING = "select user_key from pending_merges order by user_key"
READ = """
select user_key, half_life, as_of, mass, total::text
from interest_totals where user_key = any(%(users)s) order by user_key, half_life
"""
READ_DELTAS = """
select user_key, half_life, day, mass, total::text
from daily_interests where user_key = any(%(users)s) and day = %(night)s
"""
WRITE = """
update interest_totals
set as_of = new.as_of, mass = new.mass, alpha = new.alpha, total = new.total::vector
from (values %s) as new (user_key, half_life, as_of, mass, alpha, total)
where interest_totals.user_key = new.user_key
    and interest_totals.half_life = new.half_life::real
"""


class Contest(NamedTuple):
    """Ways of doing the same; the first one is ours.

    Attributes:
        name: What is done.
        figures: Of the ways that were measured.
    """

    name: str
    figures: list[Figure]

    def add(self, way: str, n: int, seconds: float, besides: str = "") -> None:
        """Add what a way took for n things."""
        ours = self.figures[0] if self.figures else None
        ratio = (seconds / n) / (ours.seconds / ours.n) if ours else 1.0
        self.figures.append(Figure(self.name, way, n, seconds, ratio, besides))


def side_by_side(warehouse: Warehouse, settings: Settings, night: date) -> list[Figure]:
    """The figures of both contests. What is written for it is taken back."""
    with warehouse.transaction() as session:
        (live,) = live_models(session, both_stages=False)
        found = [*_ranking(session, settings, live, night), *_merging(session, live, night)]
        session.connection.rollback()
    return found


def _ranking(session: Session, settings: Settings, live: LiveModel, night: date) -> list[Figure]:
    keys = np.array(session.select(SOME_USERS, {"night": night, "n": N_RANKED}), np.int32)[:, 0]
    picture = read_picture(session, settings, live, night, only=keys)
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


def _merging(session: Session, live: LiveModel, night: date) -> list[Figure]:
    session.select("set constraints all immediate")
    model_key = live.stored.model_key
    session.select(BEFORE_MERGING, {"model_key": model_key, "night": night, "n": N_MERGED})
    users = [key for (key,) in session.select(WAITING)]
    few = users[:N_ONE_BY_ONE]
    contest = Contest(f"merge, {len(users):,} users", [])
    session.select("savepoint before_merging")

    expected: list[NDArray[np.float64]] = []

    def measure(way: str, keys: list[int], run: Callable[[], object]) -> None:
        seconds, _ = timed(run, rounds=1)
        totals = _parsed([row[-1] for row in session.select(READ, {"users": few})])
        expected.append(totals)
        np.testing.assert_allclose(totals, expected[0], rtol=1e-4, atol=1e-4)
        besides = "" if len(keys) == len(users) else f"{len(keys)} users only"
        contest.add(way, len(keys), seconds, besides)
        session.select("rollback to savepoint before_merging")

    measure("the step merge", users, lambda: merge.bring_totals(session, live))
    measure("pandas", users, lambda: with_pandas(session, users, night))
    measure("one UPDATE a user", few, lambda: _one_by_one(session, live, few))
    return contest.figures


def with_pandas(session: Session, users: list[int], night: date) -> None:
    """Read rows, compute in frames, write rows."""
    names = ["user_key", "half_life", "day", "mass", "total"]
    asked = {"users": users, "night": night}
    older, newer = (
        pd.DataFrame(session.select(query, asked), columns=names) for query in (READ, READ_DELTAS)
    )
    both = newer.merge(older, on=["user_key", "half_life"], suffixes=("", "_before"))
    elapsed = (pd.to_datetime(both["day"]) - pd.to_datetime(both["day_before"])).dt.days
    gamma = np.exp2(-elapsed.to_numpy() / both["half_life"].to_numpy())
    before = both["mass_before"] * gamma
    totals = _parsed(both["total_before"]) * gamma[:, None] + _parsed(both["total"])
    both["mass_after"] = before + both["mass"]
    both["alpha"] = before / both["mass_after"]
    columns = (both[name] for name in ("user_key", "half_life", "day", "mass_after", "alpha"))
    texts = (str(total) for total in totals.tolist())
    with session.connection.cursor() as cursor:
        rows = list(zip(*columns, texts, strict=True))
        execute_values(cursor, WRITE, rows, page_size=1_000)


def _parsed(totals: Iterable[str]) -> NDArray[np.float64]:
    return np.array([text[1:-1].split(",") for text in totals], np.float64)


def _one_by_one(session: Session, live: LiveModel, users: list[int]) -> None:
    for user in users:
        session.select(IN_SQL, {"first": user, "last": user, "width": live.shape.width})


def timed(run: Callable[[], Result], rounds: int = ROUNDS) -> tuple[float, Result]:
    """The seconds of the fastest round, and what the last one returned."""
    seconds, results = zip(*(_once(run) for _ in range(rounds)), strict=True)
    return min(seconds), results[-1]


def _once(run: Callable[[], Result]) -> tuple[float, Result]:
    start = perf_counter()
    result = run()
    return perf_counter() - start, result
