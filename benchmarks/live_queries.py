"""Live queries over item_vectors: what an approximate index finds, and how long both ways take.

    python benchmarks/live_queries.py --items 20000 --titles ../shared/data/online-retail

fills item_vectors of the embedded server (or of an empty database, `--dsn`) with so many items, and
asks for the ten that are nearest to a user's interest: through the index, as the planner likes, and
exactly. Vectors are of real titles, encoded; where there are not so many, more are made as others
of their topic would lie: a title plus the difference of two titles of its topic. A user's interest
is the mean of one to ten items of two topics, less the mean of all.

A filter by chance lets through a share of all items, whatever they are, as availability does; one
by topic lets through whole topics with that share, as a category does, of which the user asked for
one as often as not another. Recall is the share of the ten that score no worse than the exact
tenth.
"""

import io
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter
from typing import Annotated, Final, NamedTuple

import numpy as np
import pandas as pd
import psutil
import psycopg2
import typer
from numpy.typing import NDArray
from psycopg2.extensions import cursor, make_dsn
from rich.console import Console
from sklearn.cluster import KMeans

from recsys_tasks.encoder import DEFAULT_ENCODER, load_encoder
from recsys_tasks.settings import read_settings
from recsys_tasks.warehouse import Session, connect, copying, embedded

CONSOLE: Final = Console()
DATABASE: Final = "live_queries"
N_TOPICS: Final = 100
K: Final = 10
SHARES: Final = (50, 10, 1)  # percent of the items
# hnsw.iterative_scan, ef_search, max_scan_tuples
SETTINGS: Final = (
    ("off", 40, 20_000),
    ("relaxed_order", 40, 20_000),
    ("relaxed_order", 100, 20_000),
    ("relaxed_order", 200, 20_000),
    ("relaxed_order", 400, 20_000),
    ("strict_order", 200, 20_000),
    ("relaxed_order", 200, 100_000),
)
ITEMS = """
insert into items (item_id, is_listed, source_hash)
select 'i' || lpad(n::text, 8, '0'), true, n from generate_series(1, %(n)s) as n;
"""
STAGED = """
alter table item_vectors add column chance smallint not null default 0;
create temporary table staged (
    item_key integer, topic smallint, chance smallint, vector halfvec
) on commit drop;
"""
COPY = "copy staged from stdin with (format binary)"
FILL = """
insert into item_vectors (item_id, item_key, category, is_available, vector, chance)
select item_id, item_key, 'topic ' || topic, true, vector, chance
from staged inner join items using (item_key) order by item_key
"""
ASK = """
select -(vector <#> %(user)s::halfvec) as score
from item_vectors where {where} order by vector <#> %(user)s::halfvec limit 10
"""
# An expression that no index is of.
EXACT = ASK.replace("order by vector <#> %(user)s::halfvec", "order by (vector <#> %(user)s) + 0")


class Way(NamedTuple):
    """A way to ask.

    Attributes:
        scan: hnsw.iterative_scan; `exact` for no index.
        ef_search: Of the index.
        most: hnsw.max_scan_tuples.
    """

    scan: str
    ef_search: int
    most: int


EXACTLY: Final = Way("exact", 0, 0)
LINE: Final = "{:14} {:14} {:>9} {:>15} {:>9} {:>8} {:>8} {:>8} {}"
HEADINGS: Final = (
    *("filter", "iterative_scan", "ef_search", "max_scan_tuples"),
    *("recall@10", "below .5", "p50 ms", "p99 ms", "by"),
)


class Answer(NamedTuple):
    """How a way did.

    Attributes:
        recall: Of the ten, mean over users.
        missed: Users whose recall is below one half.
        p50: Median wait, ms.
        p99: The wait that one in a hundred exceeds, ms.
        by: The index or way that the planner took.
    """

    recall: float
    missed: int
    p50: float
    p99: float
    by: str


def titles(folder: Path) -> NDArray[np.float32]:
    """Vectors of a folder's titles, shape (n, dim)."""
    (path,) = folder.glob("items.csv*")
    known = pd.read_csv(path, dtype=str)["title"].dropna().unique().tolist()
    return load_encoder(DEFAULT_ENCODER, "cpu", 128).encode(known)


def catalogue(
    real: NDArray[np.float32], n: int, rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.int16]]:
    """Vectors of n items, the real ones first, and the topic of each; larger topics come first."""
    topics = KMeans(N_TOPICS, n_init=1, random_state=0).fit_predict(real)
    _, topics = np.unique(-np.bincount(topics)[topics] * N_TOPICS + topics, return_inverse=True)
    order = np.argsort(topics, kind="stable")
    starts, sizes = np.searchsorted(topics[order], np.arange(N_TOPICS)), np.bincount(topics)
    base = np.concatenate([np.arange(len(real)), rng.integers(len(real), size=n)])[:n]
    drawn = [
        order[starts[topics[base]] + rng.integers(1 << 30, size=n) % sizes[topics[base]]]
        for _ in range(2)
    ]
    vectors = real[base] + (real[drawn[0]] - real[drawn[1]]) * (np.arange(n) >= len(real))[:, None]
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors.astype(np.float32), topics[base].astype(np.int16)


def interests(
    vectors: NDArray[np.float32], topics: NDArray[np.int16], n: int, rng: np.random.Generator
) -> NDArray[np.float16]:
    """What n users are interested in, shape (n, dim)."""
    centre = vectors.mean(axis=0)
    users = np.empty((n, vectors.shape[1]), np.float16)
    for row in range(n):
        theirs = np.flatnonzero(np.isin(topics, topics[rng.integers(len(topics), size=2)]))
        users[row] = vectors[rng.choice(theirs, rng.integers(1, 11))].mean(axis=0) - centre
    return users


def filters(topics: NDArray[np.int16]) -> Iterator[tuple[str, str]]:
    """What a filter is called, and its condition."""
    yield "none", "true"
    for share in SHARES:
        yield f"{share}% by chance", f"chance < {share}"
    until = np.cumsum(np.bincount(topics, minlength=N_TOPICS)[::-1]) / len(topics)
    for share in SHARES:
        taken = range(N_TOPICS - 1, N_TOPICS - 2 - int(np.searchsorted(until, share / 100)), -1)
        names = ", ".join(f"'topic {topic}'" for topic in taken)
        yield f"{share}% by topic", f"category in ({names})"


def write(session: Session, vectors: NDArray[np.float32], topics: NDArray[np.int16]) -> float:
    """Fill item_vectors; the seconds that it takes with its index in place."""
    n, dim = vectors.shape
    chance = np.random.default_rng(3).integers(100, size=n).astype(np.int16)
    session.select(ITEMS, {"n": n})
    session.value("prepare_item_vectors", dim=dim)
    session.select(STAGED)
    columns = (copying.INT4, copying.INT2, copying.INT2, copying.halfvec(dim))
    keys = np.arange(1, n + 1, dtype=np.int32)
    arrays = [keys, np.asarray(topics), np.asarray(chance), vectors.astype(np.float16)]
    with session.connection.cursor() as at:
        at.copy_expert(COPY, io.BytesIO(copying.encode(columns, arrays)))
    start = perf_counter()
    session.select(FILL)
    return perf_counter() - start


def ask(
    at: cursor, way: Way, where: str, users: NDArray[np.float16], best: NDArray[np.float64] | None
) -> tuple[Answer, NDArray[np.float64]]:
    """Ask for every user; the scores, and how they compare to the exact ones."""
    if way.scan != "exact":
        at.execute(
            "select set_config('hnsw.iterative_scan', %s, false),"
            " set_config('hnsw.ef_search', %s, false),"
            " set_config('hnsw.max_scan_tuples', %s, false)",
            (way.scan, str(way.ef_search), str(way.most)),
        )
    statement = (EXACT if way.scan == "exact" else ASK).format(where=where)
    scores, waits = np.full((len(users), K), -np.inf), np.empty(len(users))
    texts = [{"user": str(user.tolist())} for user in users]
    for row, user in enumerate(texts):
        start = perf_counter()
        at.execute(statement, user)
        found = at.fetchall()
        waits[row] = perf_counter() - start
        scores[row, : len(found)] = [score for (score,) in found]
    at.execute("explain " + statement, texts[0])
    plan = " ".join(line for (line,) in at.fetchall())
    by = next((n for n in ("vector_idx", "category_idx", "Seq Scan") if n in plan), "other")
    least = (scores if best is None else best)[:, -1:] - 1e-6
    recall = (scores >= least).mean(axis=1)
    p50, p99 = np.percentile(waits, [50, 99]) * 1e3
    return Answer(recall.mean(), int((recall < 0.5).sum()), p50, p99, by), scores


def main(
    *,
    items: Annotated[int, typer.Option(min=1000)] = 20_000,
    titles_of: Annotated[Path, typer.Option("--titles", help="a folder in the source contract")],
    users: Annotated[int, typer.Option(min=10)] = 200,
    dsn: Annotated[str | None, typer.Option(help="of an empty database; else embedded")] = None,
    var: Annotated[Path, typer.Option(help="folder of the embedded server")] = Path("var/serving"),
) -> None:
    """Fill the database, and ask."""
    rng = np.random.default_rng(0)
    vectors, topics = catalogue(titles(titles_of), items, rng)
    asked = interests(vectors, topics, users, rng)
    dsn = dsn or _made_anew(embedded.start(var / "postgres"))
    warehouse = connect(read_settings(dsn=dsn))
    with warehouse.transaction() as session:
        seconds = write(session, vectors, topics)
    CONSOLE.print(f"load {psutil.getloadavg()[0]:.2f} on {psutil.cpu_count()} processors")
    client = psycopg2.connect(dsn, options="-c search_path=recsys,public -c jit=off")
    client.autocommit = True
    at = client.cursor()
    at.execute("vacuum analyze item_vectors")
    start = perf_counter()
    at.execute("set maintenance_work_mem = '1GB'; set max_parallel_maintenance_workers = 0")
    at.execute("reindex index item_vectors_vector_idx")
    built = perf_counter() - start
    at.execute("select pg_relation_size('item_vectors_vector_idx') / 2 ^ 20")
    (mib,) = at.fetchone() or (0,)
    CONSOLE.print(f"index: {seconds:.0f} s row by row, {built:.0f} s at once, {mib:.0f} MiB")
    CONSOLE.print(LINE.format(*HEADINGS), soft_wrap=True, highlight=False)
    for name, where in filters(topics):
        exact, best = ask(at, EXACTLY, where, asked, None)
        _print(name, EXACTLY, exact)
        for way in map(Way._make, SETTINGS):
            _print(name, way, ask(at, way, where, asked, best)[0])


def _print(name: str, way: Way, answer: Answer) -> None:
    figures = (f"{answer.recall:.3f}", answer.missed, f"{answer.p50:.1f}", f"{answer.p99:.1f}")
    told = LINE.format(name, *way, *figures, answer.by)
    CONSOLE.print(told, soft_wrap=True, highlight=False)


def _made_anew(server: str) -> str:
    """DATABASE of a server, empty."""
    administrator = psycopg2.connect(server)
    administrator.autocommit = True
    with administrator.cursor() as at:
        at.execute(f"drop database if exists {DATABASE} with (force)")
        at.execute(f"create database {DATABASE}")
    administrator.close()
    return str(make_dsn(server, dbname=DATABASE))


if __name__ == "__main__":
    typer.run(main)
