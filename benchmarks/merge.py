"""The step merge at the watermark: every user has a total, and a delta of the night to add to it.

Beside it, the same in SQL: one statement for all users, and one a user. The floor is COPY alone:
totals and deltas out, totals back in, neither decoded nor indexed.
"""

import io
from datetime import date
from functools import partial
from typing import NamedTuple

import numpy as np
import psycopg2
import pytest
from psycopg2.extras import Json

from benchmarks.measuring import Measure
from recsys_tasks.decay import Decayed, retention
from recsys_tasks.interactions import day_number
from recsys_tasks.interest_model import ZeroShot
from recsys_tasks.settings import Settings, preset_of
from recsys_tasks.steps import merge
from recsys_tasks.warehouse import Session, Warehouse, copying
from recsys_tasks.warehouse.interests import EVERYBODY, Shape, read_interests

N_USERS = (2_000, 20_000)
ONE_BY_ONE = 500  # users, of as many as there are
DIM = 384
MODEL_KEY = 1  # of the only model
BEFORE, NIGHT = date(2024, 2, 27), date(2024, 3, 1)

EMPTY = """
truncate users, models, daily_interests, interest_totals, pending_merges restart identity cascade;
drop table if exists totals_before, totals_beside;
insert into models (model_id, kind, encoder_id, dim, parameters, state)
values ('made', 'zero-shot', 'made', %(dim)s, %(parameters)s, 'serving');
insert into users (user_id) select 'user ' || number from generate_series(1, %(n_users)s) as number;
"""
# Of a user with one delta, the total is that delta.
SAVE = """
create table totals_before (like interest_totals including storage);
create table totals_beside (like interest_totals including storage);
insert into totals_before (model_key, user_key, half_life, as_of, mass, alpha, total)
select model_key, user_key, half_life, day, mass, 0, total
from daily_interests where day < %(night)s order by user_key, half_life;
"""
# The checkpoint: what is written here is not paid for by what is timed.
RESTORE = (
    "truncate interest_totals, pending_merges, totals_beside",
    "insert into interest_totals select * from totals_before",
    """
    insert into pending_merges (model_key, user_key, day)
    select distinct model_key, user_key, %(night)s::date from totals_before
    """,
    "vacuum analyze interest_totals, pending_merges, daily_interests",
    "checkpoint",
)
IN_SQL = """
with night as (
    select
        older.user_key,
        older.half_life,
        newer.day,
        newer.mass,
        newer.total,
        power(2, (older.as_of - newer.day) / older.half_life)::real as gamma
    from interest_totals as older
    inner join pending_merges on older.user_key = pending_merges.user_key
    inner join daily_interests as newer
        on
            older.user_key = newer.user_key
            and older.half_life = newer.half_life
            and pending_merges.day = newer.day
    where older.user_key between %(first)s and %(last)s
)
update interest_totals
set
    as_of = night.day,
    mass = interest_totals.mass * night.gamma + night.mass,
    alpha = interest_totals.mass * night.gamma
        / (interest_totals.mass * night.gamma + night.mass),
    total = interest_totals.total * array_fill(night.gamma, array[%(width)s])::vector + night.total
from night
where
    interest_totals.user_key = night.user_key
    and interest_totals.half_life = night.half_life;
delete from pending_merges where user_key between %(first)s and %(last)s;
"""
OUT = (
    "copy totals_before to stdout with (format binary)",
    """
    copy (
        select daily_interests.*
        from daily_interests inner join pending_merges using (model_key, user_key, day)
    ) to stdout with (format binary)
    """,
)
BACK = "copy totals_beside from stdin with (format binary)"


class World(NamedTuple):
    """Users with totals and a night's deltas.

    Attributes:
        warehouse: Where they are.
        settings: Of its database.
        shape: Of the totals.
        n_users: Their keys are 1 to n_users.
        merged: What their totals are after the night.
    """

    warehouse: Warehouse
    settings: Settings
    shape: Shape
    n_users: int
    merged: Decayed

    def restore(self) -> None:
        """Totals as they were before the night."""
        connection = psycopg2.connect(self.warehouse.dsn, options="-c search_path=recsys,public")
        connection.autocommit = True
        with connection.cursor() as cursor:
            for statement in RESTORE:
                cursor.execute(statement, {"night": NIGHT})
        connection.close()

    @property
    def contest(self) -> str:
        """What every way does."""
        return f"merge, {self.n_users:,} users"


@pytest.fixture(scope="module", params=N_USERS, ids="{} users".format)
def world(request: pytest.FixtureRequest, warehouse: Warehouse, settings: Settings) -> World:
    n_users: int = request.param
    shape = Shape(preset_of(settings).half_lives, DIM + 1)
    rng = np.random.default_rng(0)
    older, newer = (_deltas(rng, n_users, shape, day) for day in (BEFORE, NIGHT))
    with warehouse.transaction() as session:
        parameters = Json(ZeroShot.of(preset_of(settings))._asdict())
        session.select(EMPTY, {"dim": DIM, "n_users": n_users, "parameters": parameters})
        for delta in (older, newer):
            _write(session, shape, delta)
        session.select(SAVE, {"night": NIGHT})
    gamma = retention((NIGHT - BEFORE).days, shape.half_lives)
    totals = older.totals * gamma[:, None] + newer.totals
    merged = Decayed(totals, older.masses * gamma + newer.masses, newer.days)
    return World(warehouse, settings, shape, n_users, merged)


def _deltas(rng: np.random.Generator, n_users: int, shape: Shape, day: date) -> Decayed:
    """A delta of every user."""
    n_half_lives = len(shape.half_lives)
    totals = rng.standard_normal((n_users, n_half_lives, shape.width), np.float32)
    masses = rng.random((n_users, n_half_lives), np.float32)
    return Decayed(totals, masses, np.full(n_users, day_number(day), np.int32))


def _write(session: Session, shape: Shape, deltas: Decayed) -> None:
    n_users, n_half_lives = deltas.masses.shape
    real = copying.FLOAT4
    columns = (copying.INT2, copying.INT4, copying.DAY, real, real, copying.vector(shape.width))
    arrays = (
        np.full(n_users * n_half_lives, MODEL_KEY, np.int16),
        np.arange(1, n_users + 1, dtype=np.int32).repeat(n_half_lives),
        deltas.days.repeat(n_half_lives),
        np.tile(np.asarray(shape.half_lives, np.float32), n_users),
        deltas.masses.ravel(),
        deltas.totals.reshape(-1, shape.width),
    )
    session.copy_in("copy_daily_interests", columns, arrays)


def assert_merged(world: World, n_users: int) -> None:
    """The first users' totals are what the algebra says."""
    with world.warehouse.transaction() as session:
        found = read_interests(
            session,
            "totals_until",
            world.shape,
            model_key=MODEL_KEY,
            night=NIGHT,
            user_keys=None,
            **EVERYBODY._asdict(),
        ).state
    for left, right in zip(found, world.merged, strict=True):
        np.testing.assert_allclose(left[:n_users], right[:n_users], rtol=1e-5, atol=1e-6)


def test_the_step(measure: Measure, world: World) -> None:
    def run() -> None:
        with world.warehouse.transaction(exclusive=True) as session:
            merge.run(session, world.settings, NIGHT)

    measure(world.contest, "the step merge", world.n_users, run, setup=world.restore)

    assert_merged(world, world.n_users)


def in_sql(world: World, users: list[tuple[int, int]]) -> None:
    """Merge the users of ranges of keys, a statement a range."""
    with world.warehouse.transaction(exclusive=True) as session:
        for first, last in users:
            session.select(IN_SQL, {"first": first, "last": last, "width": world.shape.width})


def test_one_statement(measure: Measure, world: World) -> None:
    run = partial(in_sql, world, [(1, world.n_users)])

    measure(world.contest, "one SQL statement", world.n_users, run, setup=world.restore)

    assert_merged(world, world.n_users)


def test_a_statement_a_user(measure: Measure, world: World) -> None:
    run = partial(in_sql, world, [(user, user) for user in range(1, ONE_BY_ONE + 1)])

    way, besides = "one SQL statement a user", f"{ONE_BY_ONE} users only"
    measure(world.contest, way, ONE_BY_ONE, run, setup=world.restore, besides=besides)

    assert_merged(world, ONE_BY_ONE)


def test_copy_alone(measure: Measure, world: World) -> None:
    def run() -> int:
        with world.warehouse.transaction() as session, session.connection.cursor() as cursor:
            totals, deltas = streams = io.BytesIO(), io.BytesIO()
            for statement, stream in zip(OUT, streams, strict=True):
                cursor.copy_expert(statement, stream)
            totals.seek(0)
            cursor.copy_expert(BACK, totals)
            assert deltas.tell() > 0
            return int(cursor.rowcount)

    n_rows = measure(world.contest, "floor: COPY alone", world.n_users, run, setup=world.restore)

    assert n_rows == world.n_users * len(world.shape.half_lives)
