"""Live queries: what nearest_items() finds and how long it takes, beside wider searches and exact.

    python benchmarks/live_queries.py --items 50000 --titles ../shared/data/online-retail

fills item_vectors of the embedded server (or of an empty database, `--dsn`) with so many items as a
first night does, for each share of them that is available, and lets the night look for the search
that live queries need. Then users who had no part in that ask for their nearest ten: of all, of the
category of the nearest one, and among a hundredth of the items. Vectors are those of
made_vectors.py: of a made world without `--titles`.

Recall is the share of the ten that score no worse than the exact tenth, the mean over users.
"""

import io
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from time import perf_counter
from typing import Annotated, Final, NamedTuple

import numpy as np
import psutil
import psycopg2
import typer
from numpy.typing import NDArray
from psycopg2.extensions import cursor
from rich.console import Console

from benchmarks.databases import made_anew
from benchmarks.made_vectors import Items, catalogue, interests, made_catalogue, titles
from recsys_tasks.settings import Settings, read_settings
from recsys_tasks.steps import live_recall
from recsys_tasks.warehouse import Session, Warehouse, connect, copying, embedded

CONSOLE: Final = Console()
DATABASE: Final = "live_queries"
NIGHT: Final = date(2024, 3, 1)
K: Final = 10
AMONG: Final = 100  # one in so many
FACTS: Final = """
insert into models (model_id, kind, state, encoder_id, dim, parameters)
values ('made', 'zero-shot', 'serving', 'made', %(dim)s, '{}');
insert into derived_tables (name, fingerprint) values ('interests', 'made');
insert into published_nights (night, model_key, partition_name, n_lists, inputs_fingerprint)
values (%(night)s, 1, 'none', 0, 'made');
insert into users (user_id) select 'u' || n from generate_series(1, %(users)s) as n;
insert into items (item_id, is_listed, source_hash)
select 'i' || lpad(n::text, 8, '0'), true, n from generate_series(1, %(items)s) as n;
select prepare_item_vectors(%(dim)s);
"""
INTEREST: Final = """
insert into interests (model_key, night, user_key, half_life, mass, alpha, vector)
values (1, %(night)s, %(user)s, 14, 1, 0, %(vector)s)
"""
STAGED: Final = """
truncate item_vectors, interests;
select drop_vector_index();
create temporary table staged (
    item_key integer, topic smallint, chance smallint, vector halfvec
) on commit drop;
"""
COPY: Final = "copy staged from stdin with (format binary)"
FILL: Final = """
insert into item_vectors (item_id, item_key, category, is_available, vector)
select item_id, item_key, 'topic ' || topic, chance < %(available)s, vector
from staged inner join items using (item_key) order by item_key
"""
SEARCH: Final = """
select item_key from search_items(%(interest)s::halfvec, 10, %(category)s, %(among)s, {})
"""
NEAREST: Final = """
select items.item_key
from nearest_items(%(user)s, 10, %(category)s, %(among)s) as found
inner join items on found.item_id = items.item_id
"""
LINE: Final = "{:>9} {:12} {:24} {:>9} {:>8} {:>8} {:>8}"


class Asked(NamedTuple):
    """What one user asks for.

    Attributes:
        parameters: Of the statement.
        scores: Of all items, -inf where they do not pass; shape (n_items,).
    """

    parameters: dict[str, object]
    scores: NDArray[np.float32]


class Made(NamedTuple):
    """What the database is filled with.

    Attributes:
        items: Item key 1 is the first one.
        chances: From 0 to 99, below the share that is available; shape (n_items,).
        users: Those who ask, user key 1 is the first one; the night drew from those behind them.
        n_asking: How many do.
    """

    items: Items
    chances: NDArray[np.int16]
    users: NDArray[np.float16]
    n_asking: int


def write_facts(session: Session, made: Made) -> None:
    """Who and what there is, but for vectors."""
    sizes = {"dim": made.users.shape[1], "users": len(made.users), "items": len(made.chances)}
    session.select(FACTS, {"night": NIGHT, **sizes})


def write_vectors(session: Session, made: Made, available: int) -> None:
    """Item vectors and their index, as a first night makes them."""
    n, dim = made.items.vectors.shape
    session.select(STAGED)
    columns = (copying.INT4, copying.INT2, copying.INT2, copying.halfvec(dim))
    keys = np.arange(1, n + 1, dtype=np.int32)
    vectors = made.items.vectors.astype(np.float16)
    arrays = [keys, made.items.topics, made.chances, vectors]
    with session.connection.cursor() as at:
        at.copy_expert(COPY, io.BytesIO(copying.encode(columns, arrays)))
    session.select(FILL, {"available": available})
    session.value("make_vector_index")
    session.select("analyze item_vectors")


def look(session: Session, settings: Settings, made: Made) -> None:
    """What the night does, asking for users of its own; those who ask are known afterwards."""
    vectors = [str(vector) for vector in made.users.tolist()]
    for user in range(made.n_asking, len(vectors)):
        session.select(INTEREST, {"night": NIGHT, "user": user + 1, "vector": vectors[user]})
    live_recall.measure(session, settings, NIGHT)
    for user in range(made.n_asking):
        session.select(INTEREST, {"night": NIGHT, "user": user + 1, "vector": vectors[user]})


def asked(made: Made, available: int, which: str) -> Iterator[Asked]:
    """What every user asks for under a filter."""
    vectors, topics = made.items.vectors.astype(np.float16).astype(np.float32), made.items.topics
    names = np.array([f"i{n:08}" for n in range(1, len(topics) + 1)])
    few = np.arange(len(topics)) % AMONG == 0
    for number, interest in enumerate(made.users[: made.n_asking], start=1):
        scores = np.where(made.chances < available, vectors @ interest.astype(np.float32), -np.inf)
        parameters = dict.fromkeys(("category", "among"))
        if which == "category":
            topic = topics[scores.argmax()]
            parameters["category"] = f"topic {topic}"
            scores = np.where(topics == topic, scores, -np.inf)
        elif which == "among":
            parameters["among"] = names[few].tolist()
            scores = np.where(few, scores, -np.inf)
        known = {"user": f"u{number}", "interest": str(interest.tolist())}
        yield Asked({**known, **parameters}, scores)


def measure(at: cursor, statement: str, questions: list[Asked]) -> tuple[float, float, float, int]:
    """Recall, median wait and 99th percentile in ms, and users whose recall is below one half."""
    waits, recalls = [], []
    at.execute(statement, questions[0].parameters)
    for parameters, scores in questions:
        start = perf_counter()
        at.execute(statement, parameters)
        found = [key for (key,) in at.fetchall()]
        waits.append((perf_counter() - start) * 1e3)
        n = min(K, int(np.isfinite(scores).sum()))
        tenth = np.partition(scores, -n)[-n]
        rows = np.array(found, np.intp) - 1
        recalls.append(float((scores[rows] >= tenth - 1e-5 * abs(tenth)).sum() / n))
    p50, p99 = np.percentile(waits, [50, 99])
    return float(np.mean(recalls)), p50, p99, int(np.sum(np.array(recalls) < 0.5))


def compare(warehouse: Warehouse, settings: Settings, made: Made, available: int) -> None:
    """Fill, let the night look, and ask in every way."""
    start = perf_counter()
    with warehouse.transaction() as session:
        write_vectors(session, made, available)
    written = perf_counter()
    with warehouse.transaction() as session:
        look(session, settings, made)
    seconds = f"{written - start:.0f} s, the night's search {perf_counter() - written:.0f} s"
    CONSOLE.print(f"vectors and index {seconds}")
    client = psycopg2.connect(warehouse.dsn, options="-c search_path=recsys,public")
    client.autocommit = True
    with client.cursor() as at:
        at.execute("select filter, ef_search, recall, is_exact from live_recalls order by filter")
        for which, ef_search, recall, is_exact in at.fetchall():
            way = "exact" if is_exact else "by index"
            CONSOLE.print(f"  {which}: ef_search {ef_search} finds {recall:.4f}, so {way}")
        for which in ("none", "category", "among"):
            questions = list(asked(made, available, which))
            ways = {"nearest_items()": NEAREST, "exact": SEARCH.format("null")}
            if which != "among":
                ways |= {f"ef_search {n}": SEARCH.format(n) for n in live_recall.WIDTHS}
            for way, statement in ways.items():
                recall, *waits, missed = measure(at, statement, questions)
                cells = (f"{recall:.4f}", missed, *(f"{wait:.1f}" for wait in waits))
                told = LINE.format(f"{available}%", which, way, *cells)
                CONSOLE.print(told, soft_wrap=True, highlight=False)
    client.close()


def main(
    *,
    items: Annotated[int, typer.Option(min=1000)] = 20_000,
    titles_of: Annotated[
        Path | None, typer.Option("--titles", help="a folder in the source contract; else made")
    ] = None,
    users: Annotated[int, typer.Option(min=10, help="who ask")] = 200,
    available: Annotated[list[int] | None, typer.Option(help="% of items, once for each")] = None,
    dsn: Annotated[str | None, typer.Option(help="of an empty database; else embedded")] = None,
    var: Annotated[Path, typer.Option(help="folder of the embedded server")] = Path("var/serving"),
) -> None:
    """Fill the database, and ask."""
    rng = np.random.default_rng(0)
    found = made_catalogue(items) if titles_of is None else catalogue(titles(titles_of), items, rng)
    wanted = interests(found, 2 * users, rng)
    made = Made(found, rng.integers(100, size=len(found.topics)).astype(np.int16), wanted, users)
    settings = read_settings(dsn=dsn or made_anew(embedded.start(var / "postgres"), DATABASE))
    warehouse = connect(settings)
    with warehouse.transaction() as session:
        write_facts(session, made)
    CONSOLE.print(f"load {psutil.getloadavg()[0]:.2f} on {psutil.cpu_count()} processors")
    heads = ("available", "filter", "way", "recall@10", "below .5", "p50 ms", "p99 ms")
    CONSOLE.print(LINE.format(*heads), soft_wrap=True, highlight=False)
    for share in available or [100, 50, 10, 1]:
        compare(warehouse, settings, made, share)


if __name__ == "__main__":
    typer.run(main)
