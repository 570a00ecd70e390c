"""Access: each role can do its work and no more, and no password is written anywhere."""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import psycopg2
import pytest
from encoders import save_tiny
from psycopg2.extensions import make_dsn, parse_dsn
from sources import NIGHT, add_events, add_items, create_source
from structlog.testing import capture_logs

from recsys_tasks import nightly
from recsys_tasks.alerting import send, stopped_task
from recsys_tasks.errors import DatabaseUnavailable, EbbtideError
from recsys_tasks.operation import Operation
from recsys_tasks.settings import Settings, read_settings
from recsys_tasks.warehouse import Warehouse
from recsys_tasks.warehouse.access import roles

PASSWORD = "planted-4711"  # noqa: S105  to be searched for


@contextmanager
def login(warehouse: Warehouse, *groups: str) -> Iterator[str]:
    """The DSN of a login with the rights of some roles."""
    with warehouse.transaction() as session:
        (name,) = session.select("select 'login_' || current_database()")[0]
        session.select(f"create role {name} login password '{PASSWORD}'")
        for group in groups:
            session.select(f"grant {group} to {name}")
    try:
        yield str(make_dsn(warehouse.dsn, user=name, password=PASSWORD))
    finally:
        with warehouse.transaction() as session:
            session.select(f"drop owned by {name}; drop role {name}")


def may(dsn: str, statement: str) -> bool:
    """Whether a login may run a statement."""
    connection = psycopg2.connect(dsn)
    try:
        connection.cursor().execute(statement)
    except psycopg2.errors.InsufficientPrivilege:
        return False
    finally:
        connection.close()
    return True


def test_the_roles_are_named_after_the_schema_and_nobody_logs_in_as_them(
    warehouse: Warehouse,
) -> None:
    with warehouse.transaction() as session:
        found = roles(session)
    assert [(role.name, role.is_there, role.can_log_in) for role in found] == [
        ("recsys_pipeline", True, False),
        ("recsys_reader", True, False),
        ("recsys_analyst", True, False),
    ]


def test_a_reader_reads_what_is_published_and_nothing_else(warehouse: Warehouse) -> None:
    with login(warehouse, "recsys_reader") as dsn:
        assert may(dsn, "select * from recsys.recommend('anybody', 5)")
        assert may(dsn, "select * from recsys.nearest_items('anybody', 5, category => 'a')")
        assert may(dsn, "select * from recsys.recommendations")
        assert may(dsn, "select * from recsys.similar_items, recsys.trending_items")
        assert not may(dsn, "select recsys.search_items('[1]', 5, null, null, null)")
        assert not may(dsn, "select * from recsys.interactions")
        assert not may(dsn, "select * from recsys.rejected_interactions")
        assert not may(dsn, "select attributes from recsys.users")
        assert not may(dsn, "delete from recsys.recommendation_lists")
        assert not may(dsn, "select recsys.drop_lists('2024-03-01')")
        assert not may(dsn, "create table recsys.own ()")


def test_an_analyst_sees_no_identity(warehouse: Warehouse) -> None:
    with login(warehouse, "recsys_analyst") as dsn:
        assert may(dsn, "select * from recsys.evaluations, recsys.experiments")
        assert may(dsn, "select * from recsys.nights_to_see(0.01)")
        assert may(dsn, "select validation from recsys.models")
        for statement in (
            "select * from recsys.users",
            "select * from recsys.recommendations",
            "select * from recsys.recommend('anybody', 5)",
            "select * from recsys.experiment_user_days",
            "select error from recsys.nights",
            "select artifact from recsys.models",
        ):
            assert not may(dsn, statement), statement
        with warehouse.transaction() as session:
            named = session.select(
                "select relation, column_name from user_columns"
                " where has_column_privilege('recsys_analyst', relation, column_name, 'select')"
            )
        assert named == []


def test_the_pipeline_runs_nights_and_owns_nothing(
    warehouse: Warehouse, tmp_path_factory: pytest.TempPathFactory
) -> None:
    create_source(warehouse)
    add_items(warehouse, *({"item_id": f"i{n}"} for n in range(12)))
    add_events(warehouse, {"user_id": "u1", "item_id": "i1"})
    with warehouse.transaction() as session:
        session.select("grant usage on schema app to recsys_pipeline")
        session.select("grant select on all tables in schema app to recsys_pipeline")
    tiny = save_tiny(tmp_path_factory.mktemp("models") / "tiny")

    with login(warehouse, "recsys_pipeline") as dsn:
        settings = read_settings(dsn=dsn, encoder=str(tiny), device="cpu", list_filter="true")
        nightly.run_night(settings, NIGHT)
        nightly.run_refresh(settings, NIGHT + timedelta(days=1))
        nightly.run_night(settings, NIGHT + timedelta(days=1))
        nightly.run_night(settings, NIGHT)
        assert not may(dsn, "drop table recsys.interactions")
        assert not may(dsn, "update recsys.schema_migrations set version = 1")
        for opened in nightly._open.values():
            opened.close()
        nightly._open.clear()

    with warehouse.transaction() as session:
        assert session.select("select count(*) from published_nights") == [(2,)]


def test_every_function_finds_names_in_its_own_schema(warehouse: Warehouse) -> None:
    """Either bound when it was made, or with a path of its own that ends with what is temporary."""
    with warehouse.transaction() as session:
        found = session.select(
            "select proname, proconfig from pg_proc"
            " where pronamespace = 'recsys'::regnamespace and prosqlbody is null"
        )
    paths = {
        name: tuple(setting for setting in config or () if setting.startswith("search_path="))
        for name, config in found
    }
    assert "publish_draft" in paths
    public = {"filter_items": ("search_path=recsys, public, pg_temp",)}
    assert paths == dict.fromkeys(paths, ("search_path=recsys, pg_temp",)) | public


def test_nothing_is_for_everybody(warehouse: Warehouse) -> None:
    with warehouse.transaction() as session:
        found = session.select(
            "select relname::text from pg_class, aclexplode(relacl) as grants"
            " where relnamespace = 'recsys'::regnamespace and grants.grantee = 0"
            " union all select proname::text from pg_proc,"
            " aclexplode(coalesce(proacl, acldefault('f', proowner))) as grants"
            " where pronamespace = 'recsys'::regnamespace and grants.grantee = 0"
            " union all select nspname::text from pg_namespace, aclexplode(nspacl) as grants"
            " where nspname = 'recsys' and grants.grantee = 0"
        )
    assert found == []


def test_roles_of_one_tenant_do_not_reach_another(warehouse: Warehouse) -> None:
    Warehouse(warehouse.dsn, "other").migrate()
    with login(warehouse, "other_reader") as dsn:
        assert may(dsn, "select * from other.recommendations")
        assert not may(dsn, "select * from recsys.recommendations")


def test_a_policy_on_a_shared_source_holds_for_a_tenants_nights(
    warehouse: Warehouse, settings: Settings
) -> None:
    """Decision 14: the mapping is a view of the login's own, and so no way around the policy."""
    create_source(warehouse)
    add_items(warehouse, {"item_id": "i1"})
    add_events(warehouse, *({"user_id": user, "item_id": "i1"} for user in ("ours", "theirs")))
    with warehouse.transaction() as session:
        session.select("grant usage on schema app to recsys_pipeline")
        session.select("grant select on all tables in schema app to recsys_pipeline")
        session.select("alter table app.events enable row level security")
        session.select(
            "create policy ours on app.events to recsys_pipeline using (user_id = 'ours')"
        )

    with login(warehouse, "recsys_pipeline") as dsn:
        nightly.run_step("extract", NIGHT, settings.model_copy(update={"dsn": dsn}))
        for opened in nightly._open.values():
            opened.close()
        nightly._open.clear()

    with warehouse.transaction() as session:
        assert session.select("select user_id from users") == [("ours",)]


def test_no_password_is_in_a_log_the_ledger_an_error_or_an_alert(
    settings: Settings, warehouse: Warehouse, capsys: pytest.CaptureFixture[str]
) -> None:
    """Failures of several kinds, each with a password in its DSN."""
    good = str(make_dsn(settings.dsn, password=PASSWORD))
    place = parse_dsn(good)
    dsns = [
        good,  # no source: the step fails
        str(make_dsn(good, dbname="nowhere")),
        str(make_dsn(good, user="nobody")),
        f"postgresql://me:{PASSWORD}@127.0.0.1:1/db",
        f"postgresql://me:{PASSWORD}@[host/db",
        f"host=127.0.0.1 port=1 user={place['user']} password='{PASSWORD}",
    ]
    told: list[str] = []
    for dsn in dsns:
        broken = settings.model_copy(update={"dsn": dsn})
        with capture_logs() as logs, pytest.raises(EbbtideError) as caught:
            nightly.run_step("extract", NIGHT, broken)
        told += ["".join(traceback.format_exception(caught.value)), str(logs), repr(broken)]
        alert = stopped_task({"dag": "d", "task": "extract"}, caught.value, "nothing")
        with capture_logs() as logs:
            send(alert, Operation())
        told += [alert.text, str(logs)]
    assert any("Check --dsn" in said for said in told)
    with warehouse.transaction() as session:
        told.append(str(session.select("select nights.* from nights")))
    told += [*capsys.readouterr()]
    assert "extract" in told[-3]
    assert [said for said in told if PASSWORD in said] == []
    for opened in nightly._open.values():
        opened.close()
    nightly._open.clear()


def test_a_login_that_may_nothing_is_refused_in_one_line(warehouse: Warehouse) -> None:
    with (
        login(warehouse) as dsn,
        pytest.raises(DatabaseUnavailable, match="permission denied"),
    ):
        Warehouse(dsn, "not_theirs").migrate()
