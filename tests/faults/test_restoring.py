"""Backups: of the schema, and of the server to a point in time; the night after is the same."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg2
import pytest
from psycopg2.extensions import make_dsn, parse_dsn
from pydantic import SecretStr

from recsys_tasks import nightly
from recsys_tasks.diagnosing import diagnose
from recsys_tasks.errors import IdentityKeyDiffers
from recsys_tasks.settings import Settings
from recsys_tasks.warehouse import connect

from .disturbed import assert_same
from .places import DAYS, Place, Stage, administer, database
from .servers import Server
from .tally import Tally


def command(server: Server, name: str, *arguments: str) -> None:
    """Run one of the server's programs as the user that the server runs as."""
    subprocess.run(
        [str(server.bin / name), *arguments], check=True, capture_output=True, user=server.user
    )


@pytest.fixture
def shelf(own_server: Server, tmp_path: Path) -> Path:
    """A folder that the server's user can write to."""
    folder = own_server.home.parent / tmp_path.name
    folder.mkdir(mode=0o777)
    folder.chmod(0o777)
    return folder


@pytest.mark.some(2)
@pytest.mark.parametrize("step", ["extract", "merge", "publish"])
def test_a_schema_that_is_restored_goes_on_where_it_was(
    own_server: Server, stages: dict[str, Stage], tally: Tally, shelf: Path, step: str
) -> None:
    """As docs/operations.md has it, taken between two steps of a night."""
    stage, dump = stages[step], str(shelf / "recsys.dump")
    with tally.injection("schema restored"), database(own_server.dsn) as name:
        dsn = make_dsn(own_server.dsn, dbname=name)
        source = ["--schema=app"] if step == "extract" else []
        command(
            own_server,
            *("pg_dump", "--format=custom", "--schema=recsys", *source, f"--file={dump}"),
            f"--dbname={stage.place.dsn}",
        )
        administer(dsn, "create extension vector")
        command(own_server, "pg_restore", "--no-owner", "--no-privileges", f"--dbname={dsn}", dump)
        settings = stage.place.settings.model_copy(update={"dsn": dsn})
        place = Place(own_server.dsn, name, settings)
        assert_same(place.state(), stage.before)
        if not source:
            copy_source(own_server, stage.place.dsn, dsn, shelf)
        for following in nightly.STEPS[nightly.STEPS.index(step) :]:
            place.run(following)
        assert_same(place.state(), stages[nightly.STEPS[-1]].after)


def copy_source(server: Server, dsn: str, other: str, shelf: Path) -> None:
    """The source is somebody else's, and is restored by them."""
    dump = str(shelf / "app.dump")
    command(
        server, "pg_dump", "--format=custom", "--schema=app", f"--file={dump}", f"--dbname={dsn}"
    )
    command(server, "pg_restore", "--no-owner", f"--dbname={other}", dump)


def test_a_restored_schema_gets_its_rights_back(
    own_server: Server, stages: dict[str, Stage], tally: Tally, shelf: Path
) -> None:
    stage, dump = stages["extract"], str(shelf / "recsys.dump")
    asked = "select has_table_privilege('recsys_reader', 'recsys.recommendations', 'select')"
    with tally.injection("rights restored"), database(own_server.dsn) as name:
        dsn = make_dsn(own_server.dsn, dbname=name)
        command(
            own_server,
            *("pg_dump", "--format=custom", "--schema=recsys", f"--file={dump}"),
            f"--dbname={stage.place.dsn}",
        )
        administer(dsn, "create extension vector")
        command(own_server, "pg_restore", "--no-owner", "--no-privileges", f"--dbname={dsn}", dump)
        before = ask(dsn, asked)
        settings = stage.place.settings.model_copy(update={"dsn": dsn})
        doubt = doubt_of(settings, "roles")
        warehouse = connect(settings)
        from recsys_tasks.warehouse import access

        with warehouse.transaction(exclusive=True) as session:
            assert access.secure(session) == []
        warehouse.close()
        assert (before, ask(dsn, asked)) == (False, True)
        assert "everybody may call" in doubt
        assert "ebbtide access --apply" in doubt
        assert doubt_of(settings, "roles") == ""


@pytest.mark.parametrize("schemas", [("recsys", "recsys_identities", "app"), ("recsys", "app")])
def test_pseudonyms_are_restored_with_who_is_behind_them(
    own_server: Server, untouched: Place, tally: Tally, shelf: Path, schemas: tuple[str, ...]
) -> None:
    """Without the schema apart the restore says that it does not end well."""
    key = SecretStr("a secret of 32 characters, or so")
    dump = str(shelf / "recsys.dump")
    with tally.injection("pseudonyms restored"), untouched.copied() as copy:
        place = copy._replace(settings=copy.settings.model_copy(update={"identity_key": key}))
        for day in DAYS[:-1]:
            place.run_night(day)
        options = [f"--schema={schema}" for schema in schemas]
        command(
            own_server,
            *("pg_dump", "--format=custom", *options, f"--file={dump}", f"--dbname={place.dsn}"),
        )
        with database(own_server.dsn) as name:
            dsn = make_dsn(own_server.dsn, dbname=name)
            administer(dsn, "create extension vector")
            restore = ("pg_restore", "--no-owner", "--no-privileges", f"--dbname={dsn}", dump)
            there = place.settings.model_copy(update={"dsn": dsn})
            again = Place(own_server.dsn, name, there)
            if "recsys_identities" not in schemas:
                with pytest.raises(subprocess.CalledProcessError):
                    command(own_server, *restore)
                assert "who is behind them is not there" in doubt_of(there)
                return
            command(own_server, *restore)
            assert doubt_of(there) == ""
            named = "select string_agg(user_id, ' ' order by user_id) from recsys.named_users"
            assert ask(dsn, named) == ask(place.dsn, named)
            assert_same(again.state(), place.state())
            lost = there.model_copy(update={"identity_key": None})
            with pytest.raises(IdentityKeyDiffers):
                again._replace(settings=lost).run_night()
            for one in (place, again):
                one.run_night()
            assert_same(again.state(), place.state())
            administer(dsn, "delete from recsys_identities.identities where user_id like '%1'")
            assert "nobody knows who is behind 1 of them" in doubt_of(there)


def doubt_of(settings: Settings, of: str = "pseudonyms") -> str:
    """What the doctor finds wrong with them."""
    found = [one for one in diagnose(settings) if of in one.what and not one.is_well]
    return "; ".join(f"{one.what}. {one.remedy}" for one in found)


def ask(dsn: str, statement: str) -> object:
    connection = psycopg2.connect(dsn)
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall()[0][0]
    finally:
        connection.close()


def test_a_server_that_is_restored_to_a_point_in_time_goes_on_from_there(
    stages: dict[str, Stage], tally: Tally, shelf: Path, own_server: Server
) -> None:
    """A base backup before the night, the log of it, and a moment in its middle to go back to."""
    stage, archive = stages["accumulate"], shelf / "archive"
    archive.mkdir(mode=0o777)
    archive.chmod(0o777)
    with (
        tally.injection("server restored to a point in time"),
        stages["extract"].place.copied() as place,
    ):
        with archiving(own_server, archive):
            socket = parse_dsn(own_server.dsn)["host"]
            command(
                own_server,
                *("pg_basebackup", "-h", socket, "-U", "postgres", "-D", str(shelf / "base")),
                "--checkpoint=fast",
            )
            for step in ("extract", "embed_items"):
                place.run(step)
            moment = str(ask(place.dsn, "select pg_create_restore_point('before_accumulate')"))
            place.run("accumulate")
            administer(own_server.dsn, "select pg_switch_wal()")
            wait_for_archive(own_server, archive)
        with restored(own_server, shelf, archive) as dsn:
            settings = place.settings.model_copy(update={"dsn": make_dsn(dsn, dbname=place.name)})
            again = Place(dsn, place.name, settings)
            assert_same(again.state(), stage.before)
            assert moment
            for step in nightly.STEPS[nightly.STEPS.index("accumulate") :]:
                again.run(step)
            assert_same(again.state(), stages[nightly.STEPS[-1]].after)


@contextmanager
def archiving(server: Server, archive: Path) -> Iterator[None]:
    """Keep the server's log, segment by segment."""
    administer(
        server.dsn,
        "alter system set archive_mode to on",
        f"alter system set archive_command to 'cp %p {archive}/%f'",
    )
    server.restart()
    try:
        yield
    finally:
        administer(server.dsn, "alter system reset archive_mode")
        server.restart()


def wait_for_archive(server: Server, archive: Path, seconds: float = 60) -> None:
    """Until the segment that was switched from is kept."""
    wanted = str(ask(server.dsn, "select pg_walfile_name(pg_current_wal_lsn() - 1)"))
    until = time.monotonic() + seconds
    while not (archive / wanted).exists():
        assert time.monotonic() < until, sorted(path.name for path in archive.iterdir())
        time.sleep(0.1)


@contextmanager
def restored(server: Server, shelf: Path, archive: Path) -> Iterator[str]:
    """Another server from the backup and the log, as it was at the restore point: its DSN."""
    base = shelf / "base"
    with (base / "postgresql.auto.conf").open("a") as conf:
        conf.write(
            f"restore_command = 'cp {archive}/%f %p'\n"
            "recovery_target_name = 'before_accumulate'\n"
            "recovery_target_action = 'promote'\n"
            "archive_mode = off\n"
        )
    (base / "recovery.signal").touch()
    (base / "postmaster.pid").unlink(missing_ok=True)
    options = f'-h "" -k {shelf}'
    command(
        server,
        *("pg_ctl", "-w", "-D", str(base), "-l", str(shelf / "log"), "-o", options, "start"),
    )
    try:
        dsn = f"host={shelf} user=postgres dbname=postgres"
        until = time.monotonic() + 60
        while ask(dsn, "select pg_is_in_recovery()"):
            assert time.monotonic() < until
            time.sleep(0.1)
        yield dsn
    finally:
        command(server, "pg_ctl", "-w", "-D", str(base), "-m", "immediate", "stop")
