"""A night's merging beside pandas, as everybody writes it first, and beside one UPDATE a user."""

from collections.abc import Callable, Iterable
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from psycopg2.extras import execute_values

from benchmarks.contests import Contest, timed
from benchmarks.measuring import Figure
from benchmarks.merge import IN_SQL
from recsys_tasks.steps import merge
from recsys_tasks.warehouse import Session
from recsys_tasks.warehouse.models import LiveModel

N_MERGED = 2_000  # users
N_ONE_BY_ONE = 500  # of them

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


def merging(session: Session, live: LiveModel, night: date) -> list[Figure]:
    """Every way has to give the same totals. What is written stays until the caller rolls back."""
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
