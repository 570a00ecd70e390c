"""Connecting: what is said of a DSN that leads nowhere, and what is not."""

import traceback

import pytest

from recsys_tasks.errors import DatabaseUnavailable
from recsys_tasks.warehouse import Warehouse


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
