"""Connecting: what is said of a DSN that leads nowhere, and what is not."""

import shutil
import tempfile
import traceback
from pathlib import Path

import psutil
import psycopg2
import pytest

from recsys_tasks.errors import DatabaseUnavailable
from recsys_tasks.warehouse import Warehouse, embedded


@pytest.mark.parametrize(
    "dsn",
    [
        "postgresl://me:secret@host/db",
        "postgresql://me:secret%zz@host/db",
        "postgresql://me:secret@[host/db",
        "postgresql://me:12345/secret@127.0.0.1:1/db",
        "postgresql://me:not@secret@127.0.0.1:1/db",
        "postgresql://me:secret@127.0.0.1:1/db",
        "host=127.0.0.1 port=1 password='secret",
        "secret",
    ],
)
def test_a_password_is_in_no_message_and_in_no_traceback(dsn: str) -> None:
    """The libpq library quotes the part of a DSN that it cannot read."""
    with pytest.raises(DatabaseUnavailable) as caught, Warehouse(dsn, "recsys").transaction():
        pass

    told = "".join(traceback.format_exception(caught.value, limit=0))
    assert "secret" not in told


@pytest.mark.parametrize(
    ("dsn", "host"),
    [
        ("host=/nowhere", "/nowhere"),
        ("postgresql://me:p%40ss@127.0.0.1:1/db", "127.0.0.1"),
        ("host=127.0.0.1,127.0.0.2 port=1,1", "127.0.0.1"),
    ],
)
def test_the_place_that_does_not_answer_is_named(dsn: str, host: str) -> None:
    with (
        pytest.raises(DatabaseUnavailable, match=host),
        Warehouse(dsn, "recsys").transaction(),
    ):
        pass


def test_an_embedded_server_begins_with_settings_for_nights_and_keeps_its_own() -> None:
    def setting(name: str) -> str:
        warehouse = Warehouse(embedded.start(home), "public")
        with warehouse.transaction() as session:
            found: str = session.select(f"show {name}")[0][0]
        warehouse.close()
        return found

    # As in conftest: pytest's folder is closed to the user that Postgres runs as.
    home = Path(tempfile.mkdtemp(prefix="ebbtide-tests-")) / "postgres"
    try:
        assert setting("max_wal_size") == "4GB"
        assert setting("wal_compression") == "pglz"
        connection = psycopg2.connect(embedded.start(home))
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("alter system set max_wal_size = '2GB'")
        connection.close()
        embedded.stop(home)
        assert setting("max_wal_size") == "2GB"
        assert setting("shared_buffers") != "128MB" or psutil.virtual_memory().total < 2**30 * 1.01
    finally:
        embedded.stop(home)
        shutil.rmtree(home.parent, ignore_errors=True)
