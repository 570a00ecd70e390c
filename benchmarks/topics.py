"""How steady topics are over the last nights of a folder, what they cost, and what they say.

    python benchmarks/topics.py FOLDER --preset shop [--nights 30] [--users 10]

makes a database in the embedded server, takes the history before the last NIGHTS days, and runs the
steps extract, embed_items and topics of each of them. Told of each night against the one before:
the share of the items of both that keep their topic, and the adjusted mutual information of both
groupings (1 for the same, 0 for chance). Beside it two plain ways: topics found anew every night,
from nothing and from where they were, with the same tracking. Then what shares cost: made anew for
the users of the day, as the step does, and for everybody who was active within 7 days, as a trend
against the share of a week ago would take. At last the profiles of USERS users drawn with a seed,
with their evidence.
"""

import random
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from time import perf_counter, process_time
from typing import Annotated, NamedTuple

import numpy as np
import typer
from numpy.typing import NDArray
from rich.console import Console
from sklearn.metrics import adjusted_mutual_info_score

from benchmarks.databases import made_anew
from recsys_tasks.loading import load_folder
from recsys_tasks.settings import Settings, read_settings
from recsys_tasks.steps import embed_items, extract, topics
from recsys_tasks.terminal import table
from recsys_tasks.topics import NEW, cluster, how_many, same_topics
from recsys_tasks.warehouse import Session, Warehouse, connect, embedded
from recsys_tasks.warehouse.models import serving_model
from recsys_tasks.warehouse.text_vectors import read_vectors

WEEK = 7
LAST_DAY = "select max(occurred_at)::date from app.events"
PLACED = "select item_id, topic_key from item_topics order by item_id"
FIT = "select fit from topic_fits"
ACTIVE = """
select count(distinct user_key) from interactions where day > %(after)s and day <= %(day)s
"""
DRAWN = "select distinct user_id from user_topics order by user_id"
CATALOGUE = "select title from items where item_id = any(%(ids)s) order by item_id"

Placed = dict[str, int]  # the topic of each item


class Night(NamedTuple):
    """What a night did.

    Attributes:
        day: Of it.
        placed: The topics of its items.
        fit: Names the topics that were found together.
        n_users: Whose shares were made anew.
        n_week: Who was active within a week.
        seconds: Of the processor, for the step topics, but for what Postgres takes.
    """

    day: date
    placed: Placed
    fit: int
    n_users: int
    n_week: int
    seconds: float


class Way(NamedTuple):
    """A way to have topics: what it gave on each night, and what a night of it took."""

    name: str
    nights: list[Placed]
    seconds: float


def run_nights(warehouse: Warehouse, settings: Settings, days: list[date]) -> Iterator[Night]:
    """Run the steps of each night; of the day before the first, which takes the history, too."""
    for day in (days[0] - timedelta(days=1), *days):
        for step in (extract, embed_items):
            with warehouse.transaction(exclusive=True) as session:
                step.run(session, settings, day)
        start = process_time()
        with warehouse.transaction(exclusive=True) as session:
            counts = topics.bring_topics(session, settings, day)
        seconds = process_time() - start
        with warehouse.transaction() as session:
            placed: Placed = dict(session.select(PLACED))
            ((fit,),) = session.select(FIT)
            ((n_week,),) = session.select(ACTIVE, {"day": day, "after": day - timedelta(days=WEEK)})
        yield Night(day, placed, fit, counts["users"], n_week, seconds)


def kept(before: Placed, after: Placed) -> float:
    """The share of the items of both nights that have the same topic in both."""
    both = before.keys() & after.keys()
    return sum(before[item] == after[item] for item in both) / max(len(both), 1)


def agreement(before: Placed, after: Placed) -> float:
    """Adjusted mutual information of two nights, over the items of both."""
    both = sorted(before.keys() & after.keys())
    return float(
        adjusted_mutual_info_score([before[item] for item in both], [after[item] for item in both])
    )


def found_anew(session: Session, nights: list[Night], *, warm: bool) -> Way:
    """Topics found anew every night among the items of that night."""
    ids = sorted(nights[-1].placed)
    vectors = vectors_of(session, ids)
    start = np.zeros((0, vectors.shape[1]), np.float32)
    before = np.full(len(ids), NEW, np.int32)
    placed: list[Placed] = []
    last_key = 0
    began = process_time()
    for night in nights:
        rows = np.flatnonzero([item in night.placed for item in ids])
        found = cluster(vectors[rows], how_many(len(rows)), start)
        keys = same_topics(before[rows], found.labels)
        is_new = keys == NEW
        keys[is_new] = last_key + 1 + np.arange(is_new.sum())
        last_key = max(last_key, int(keys.max()))
        before[rows] = keys[found.labels]
        placed.append({ids[row]: int(before[row]) for row in rows.tolist()})
        start = found.centroids if warm else start
    name = f"anew every night, from {'where they were' if warm else 'nothing'}"
    return Way(name, placed, (process_time() - began) / len(nights))


def vectors_of(session: Session, ids: list[str]) -> NDArray[np.float32]:
    """The vectors of items' texts, (n, dim)."""
    texts: Placed = dict(session.select("select item_id, text_key from items"))
    keys = np.array([texts[item] for item in ids], np.int32)
    return read_vectors(session, serving_model(session), keys)


def tell(console: Console, warehouse: Warehouse, nights: list[Night], n_users: int) -> None:
    """Print what was found."""
    with warehouse.transaction() as session:
        told = session.rows("topics_told")
        users = [user for (user,) in session.select(DRAWN)]
        placed = [night.placed for night in nights]
        tracked = Way(
            "tracked (the step)", placed, sum(night.seconds for night in nights) / len(nights)
        )
        ways = [tracked, *(found_anew(session, nights, warm=warm) for warm in (True, False))]
    tell_ways(console, ways)
    tell_nights(console, nights)
    made = table("topic ", "items ", "name", "keywords")
    for key, name, _, n_items, _, words, _ in told:
        made.add_row(str(key), str(n_items), name, ", ".join(words))
    console.print(made)
    for user in sorted(random.Random(0).sample(users, min(n_users, len(users)))):  # noqa: S311  a draw
        console.print(f"\nUser {user}")
        with warehouse.transaction() as session:
            for _, sentence, *_, events, items in session.rows("profile_of", user_id=user, n=3):
                titles = [title for (title,) in session.select(CATALOGUE, {"ids": items[:3]})]
                console.print(f"  {sentence}")
                console.print(f"    events {', '.join(events[:4])}; items {' | '.join(titles)}")


def tell_ways(console: Console, ways: list[Way]) -> None:
    """Stability, side by side: of the mean night and of the worst one."""
    made = table("way", "kept ", "worst ", "AMI ", "worst ", "topics ", "CPU s a night ")
    for way in ways:
        pairs = list(zip(way.nights, way.nights[1:], strict=False))
        figures = [[measure(*pair) for pair in pairs] for measure in (kept, agreement)]
        cells = [f"{value:.3f}" for one in figures for value in (np.mean(one), min(one))]
        made.add_row(way.name, *cells, str(len(set(way.nights[-1].values()))), f"{way.seconds:.2f}")
    console.print(made)


def tell_nights(console: Console, nights: list[Night]) -> None:
    """What the nights did, and whom they made shares of."""
    first, last = nights[0], nights[-1]
    console.print(
        f"{len(nights)} nights from {first.day} to {last.day}: {len(first.placed):,} items became"
        f" {len(last.placed):,}, topics were found anew {last.fit - first.fit} times."
        f" {kept(first.placed, last.placed):.1%} of the items of the first night keep their topic"
        " until the last."
    )
    users, week = (
        np.array([getattr(night, name) for night in nights]) for name in ("n_users", "n_week")
    )
    refits = np.diff([night.fit for night in nights], prepend=first.fit) > 0
    console.print(
        f"Shares made anew a night: {users[~refits].mean():,.0f} users; a trend against a week ago"
        f" would take {week[~refits].mean():,.0f}."
    )


def main(
    folder: Path,
    preset: str = "shop",
    nights: Annotated[int, typer.Option(min=2)] = 30,
    users: int = 10,
    place: Annotated[Path, typer.Option(help="Of the embedded server.")] = Path("var/topics"),
) -> None:
    """Run the last NIGHTS of FOLDER, and tell."""
    server = embedded.start(place)
    settings = read_settings(dsn=made_anew(server, "topics"), preset=preset)
    warehouse = connect(settings)
    load_folder(warehouse, folder)
    with warehouse.transaction() as session:
        ((last,),) = session.select(LAST_DAY)
    days = [last - timedelta(days=n) for n in reversed(range(nights))]
    start = perf_counter()
    done = list(run_nights(warehouse, settings, days))[1:]
    console = Console(width=140, soft_wrap=True, highlight=False, markup=False)
    console.print(f"{folder.name}: {perf_counter() - start:.0f} s in all.")
    tell(console, warehouse, done, users)
    warehouse.close()


if __name__ == "__main__":
    typer.run(main)
