"""Migrations: from nothing, once each, never backwards, and a schema a tenant."""

from typing import NamedTuple

import psycopg2
import pytest
from sources import create_source

from recsys_tasks.errors import DatabaseUnavailable, SchemaTooNew
from recsys_tasks.settings import Settings
from recsys_tasks.warehouse import Warehouse, connect, migrating
from recsys_tasks.warehouse.queries import migrations

KNOWN = tuple(migrations())
# All that a migration can leave in a schema.
OBJECTS = """
select 'relation', relname::text, relkind::text from pg_class
where relnamespace = %(schema)s::regnamespace
union all
select 'function', proname, pg_get_function_arguments(oid) from pg_proc
where pronamespace = %(schema)s::regnamespace
order by 1, 2, 3
"""


# A user's first day, under the second of two models.
LEFT_BY_VERSION_3 = """
insert into models (model_id, kind, encoder_id, dim, parameters, is_serving) values
('before', 'zero-shot', 'e', 1, '{}', false),
('serves', 'zero-shot', 'e', 1, '{}', true);
insert into users (user_id) values ('u1');
insert into daily_interests (user_key, day, half_life, mass, total)
values (1, '2024-03-01', 2, 1, '[1,1]');
insert into interest_totals (user_key, half_life, as_of, mass, alpha, total)
values (1, 2, '2024-03-01', 1, 0, '[1,1]');
insert into pending_merges (user_key, day) values (1, '2024-03-01');
insert into interests (night, user_key, half_life, mass, alpha, vector)
values ('2024-03-01', 1, 2, 1, 0, '[1]');
insert into interaction_days (
    day, source_fingerprint, rules_fingerprint, n_interactions, n_rejected, accumulated_fingerprint
) values
('2024-03-01', 's', 'r', 1, 0, 'made from this'),
('2024-03-02', 's', 'r', 0, 0, null);
"""


class Tenants(NamedTuple):
    """Two tenants of one database."""

    one: Warehouse
    two: Warehouse


def ask(dsn: str, *statements: str) -> list[tuple[object, ...]]:
    """What the last statement finds, over a connection that knows nothing of Ebbtide."""
    connection = psycopg2.connect(dsn)
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return list(cursor.fetchall()) if cursor.description else []
    finally:
        connection.close()


def objects(warehouse: Warehouse) -> list[tuple[object, ...]]:
    with warehouse.transaction() as session:
        return session.select(OBJECTS, {"schema": warehouse.schema})


@pytest.fixture
def dsn(empty_dsn: str) -> str:
    return empty_dsn


@pytest.fixture
def tenants(settings: Settings) -> Tenants:
    """Each has a catalogue of one item."""
    both = Tenants(*(connect(settings.model_copy(update={"schema_name": n})) for n in ("a", "b")))
    for warehouse in both:
        with warehouse.transaction() as session:
            session.select(
                "insert into items (item_id, title, is_listed, source_hash)"
                " values ('only ' || %(schema)s, 'lamp', true, 1)",
                {"schema": warehouse.schema},
            )
    return both


def test_from_nothing_every_version_is_applied_once_and_in_order(settings: Settings) -> None:
    warehouse = Warehouse(str(settings.dsn), "recsys")

    assert warehouse.migrate() == KNOWN
    first = objects(warehouse)
    assert warehouse.migrate() == ()
    assert objects(warehouse) == first
    assert {"recommend", "recommendations", "nights"} <= {name for _, name, _ in first}
    with warehouse.transaction() as session:
        assert session.select("select version from schema_migrations order by 1") == [
            (version,) for version in KNOWN
        ]


def test_versions_are_numbered_from_one_without_a_gap() -> None:
    assert tuple(range(1, len(KNOWN) + 1)) == KNOWN


def test_a_migration_that_fails_leaves_nothing(settings: Settings) -> None:
    """The second one meets a table of its own name."""
    dsn = str(settings.dsn)
    ask(dsn, "create schema recsys", "create table recsys.published_nights ()")

    with pytest.raises(DatabaseUnavailable, match="already exists"):
        Warehouse(dsn, "recsys").migrate()

    left = ask(dsn, "select relname from pg_class where relnamespace = 'recsys'::regnamespace")
    assert left == [("published_nights",)]


def test_what_a_version_before_several_models_left_belongs_to_the_one_that_served(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    warehouse = Warehouse(str(settings.dsn), "recsys")
    older = {version: path for version, path in migrations().items() if version <= 3}
    monkeypatch.setattr(migrating, "migrations", lambda: older)
    warehouse.migrate()
    with warehouse.transaction() as session:
        session.select(LEFT_BY_VERSION_3)
    monkeypatch.undo()

    warehouse.migrate()

    with warehouse.transaction() as session:
        assert session.select("select model_id, state from models order by 1") == [
            ("before", "retired"),
            ("serves", "serving"),
        ]
        for table in ("daily_interests", "interest_totals", "pending_merges", "interests"):
            assert session.select(
                f"select model_id from {table} inner join models using (model_key)"
            ) == [("serves",)]
        assert session.select(
            "select model_id, day::text, fingerprint"
            " from accumulated_days inner join models using (model_key)"
        ) == [("serves", "2024-03-01", "made from this")]


def test_a_newer_schema_is_refused_and_named(warehouse: Warehouse, settings: Settings) -> None:
    with warehouse.transaction() as session:
        session.execute("insert_schema_migration", version=KNOWN[-1] + 1, name="tomorrow")

    with pytest.raises(SchemaTooNew, match=f"recsys is at version {KNOWN[-1] + 1}, .*{KNOWN[-1]}"):
        connect(settings)


def test_nothing_is_put_outside_the_schema_but_the_extension(warehouse: Warehouse) -> None:
    with warehouse.transaction() as session:
        strays = session.select(
            "select relname from pg_class where relnamespace = 'public'::regnamespace"
        )
    assert strays == []


def test_tenants_do_not_see_each_other(tenants: Tenants) -> None:
    assert objects(tenants.one) == objects(tenants.two)
    for warehouse in tenants:
        with warehouse.transaction() as session:
            rows = session.select("select item_id from recommend('anybody', 5)")
        assert rows == [(f"only {warehouse.schema}",)]


def test_tenants_do_not_wait_for_each_other(tenants: Tenants) -> None:
    with tenants.one.transaction(exclusive=True), tenants.two.transaction(exclusive=True) as two:
        assert two.value("schema_version") == KNOWN[-1]


@pytest.mark.parametrize("search_path", ["public", "b, public", "nowhere", "pg_catalog", "a, b"])
def test_recommend_answers_whatever_the_search_path(
    dsn: str, tenants: Tenants, search_path: str
) -> None:
    assert tenants.one.schema == "a"
    rows = ask(
        dsn,
        f"set search_path to {search_path}",
        "select item_id, reason from a.recommend('anybody', 5)",
    )

    assert rows == [("only a", "in the catalogue")]


@pytest.mark.parametrize(("n", "n_rows"), [(3, 1), (0, 0), (-1, 0)])
def test_recommend_gives_at_most_n(tenants: Tenants, n: int, n_rows: int) -> None:
    with tenants.one.transaction() as session:
        rows = session.select("select item_id from recommend('anybody', %(n)s)", {"n": n})
    assert len(rows) == n_rows


def test_a_role_for_pages_needs_the_reader_and_select(
    settings: Settings, warehouse: Warehouse
) -> None:
    """What docs/access.md grants it."""
    create_source(warehouse)
    role = f"reader_{ask(str(settings.dsn), 'select current_database()')[0][0]}"
    try:
        rows = ask(
            str(settings.dsn),
            f"create role {role}",
            f"grant recsys_reader to {role}",
            f"grant select on all tables in schema recsys to {role}",
            f"set role {role}",
            "select count(*) from recsys.recommend('anybody', 5)",
        )
        assert rows == [(0,)]
    finally:
        ask(str(settings.dsn), f"drop owned by {role}", f"drop role {role}")
