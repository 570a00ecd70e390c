"""The doctor: what it finds, and the remedy."""

import pytest
from sources import add_events, create_source

from recsys_tasks.warehouse import Warehouse

from .shop import DAYS, Ebbtide, assert_one_line


def test_a_fresh_installation_lacks_a_source_and_is_told_how_to_get_one(ebbtide: Ebbtide) -> None:
    answer = ebbtide("doctor")

    assert answer.status == 1
    assert "WRONG  source app cannot be read" in answer.out
    assert "ebbtide load FOLDER" in answer.out
    assert "ok     encoder tiny@" in answer.out
    assert_one_line(answer.err)


def test_an_empty_source_is_said(ebbtide: Ebbtide, warehouse: Warehouse) -> None:
    create_source(warehouse)
    answer = ebbtide("doctor")

    assert answer.status == 1
    assert "WRONG  source app: 0 items, 0 users, 0 events\n" in answer.out


def test_a_step_that_failed_is_said_until_it_is_mended(ebbtide: Ebbtide, shop: Warehouse) -> None:
    with shop.transaction() as session:
        session.select("update app.items set available = false")
    ebbtide("night", DAYS[0])
    answer = ebbtide("doctor")

    assert answer.status == 1
    assert f"WRONG  1 steps stand failed, the latest rank of {DAYS[0]}: No item" in answer.out
    assert f"ebbtide night {DAYS[0]}" in answer.out

    with shop.transaction() as session:
        session.select("update app.items set available = true")
    ebbtide("night", DAYS[0])
    answer = ebbtide("doctor")

    assert (answer.status, answer.err) == (0, "")
    assert "WRONG" not in answer.out
    assert f"newest published night {DAYS[0]}" in answer.out


def test_rejected_rows_and_unlisted_items_are_told_without_alarm(
    ebbtide: Ebbtide, shop: Warehouse
) -> None:
    add_events(
        shop,
        {"event_type": "poke"},
        {"item_id": "unlisted"},
        {"occurred_at": "20000-01-01"},
    )
    ebbtide("night", DAYS[0])
    answer = ebbtide("doctor")

    assert answer.status == 0
    assert "2 rows of the source are rejected" in answer.out
    assert "1 items have interactions but are not listed" in answer.out
    assert f"until {DAYS[-1]}" in answer.out


def test_a_database_out_of_reach_is_a_finding(ebbtide: Ebbtide) -> None:
    answer = ebbtide("doctor", "--dsn", "host=/nowhere")

    assert answer.status == 1
    assert "WRONG  the database cannot be used" in answer.out
    assert "RECSYS_DSN" in answer.out


def test_a_database_that_refuses_is_a_finding(ebbtide: Ebbtide, dsn: str) -> None:
    """A role may connect and not create a schema."""
    from psycopg2.extensions import make_dsn

    role = "visitor"
    ebbtide("migrate")
    owner = Warehouse(dsn, "recsys")
    with owner.transaction() as session:
        session.select(f"create role {role} login")
    try:
        answer = ebbtide("doctor", "--dsn", make_dsn(dsn, user=role), "--schema", "visited")
    finally:
        with owner.transaction() as session:
            session.select(f"drop role {role}")
        owner.close()

    assert answer.status == 1
    assert "WRONG  the database cannot be used" in answer.out
    assert "permission denied" in answer.out


def test_an_encoder_that_cannot_be_loaded_is_a_finding(
    ebbtide: Ebbtide, monkeypatch: pytest.MonkeyPatch, shop: Warehouse
) -> None:
    del shop
    monkeypatch.setenv("RECSYS_ENCODER", "./nowhere")
    answer = ebbtide("doctor")

    assert answer.status == 1
    assert "WRONG  encoder ./nowhere" in answer.out
    assert "RECSYS_ENCODER" in answer.out


def test_how_live_queries_search_is_told(ebbtide: Ebbtide, shop: Warehouse) -> None:
    ebbtide("night", DAYS[0])
    answer = ebbtide("doctor")
    assert "nearest_items() finds 1.000 of the nearest with hnsw.ef_search 40" in answer.out

    with shop.transaction() as session:
        session.select("update live_recalls set recall = 0.9, is_exact = true")
    answer = ebbtide("doctor")
    assert "nearest_items() looks at all (by index 0.900 of the nearest)" in answer.out

    with shop.transaction() as session:
        session.select("truncate live_recalls")
    answer = ebbtide("doctor")
    assert "nearest_items() looks at all: no night measured an index" in answer.out


def test_a_key_that_does_not_fit_is_named(
    ebbtide: Ebbtide, shop: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a restore where the key of then was not kept: before a night runs into it."""
    del shop
    monkeypatch.setenv("RECSYS_IDENTITY_KEY", "first secret of 32 characters...")
    ebbtide("night", DAYS[0])
    fits = ebbtide("doctor")
    monkeypatch.setenv("RECSYS_IDENTITY_KEY", "second secret of 32 characters..")
    differs = ebbtide("doctor")
    monkeypatch.delenv("RECSYS_IDENTITY_KEY")
    lacks = ebbtide("doctor")

    assert fits.status == 0
    assert "ok     users are called by pseudonyms of key " in fits.out
    for answer, remedy in ((differs, "identities rotate"), (lacks, "identities off")):
        assert answer.status == 1
        assert "WRONG  RECSYS_IDENTITY_KEY does not fit" in answer.out
        assert remedy in answer.out


def test_a_schema_without_users_takes_any_key_and_the_doctor_begins_none(
    ebbtide: Ebbtide, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECSYS_IDENTITY_KEY", "first secret of 32 characters...")

    assert "RECSYS_IDENTITY_KEY does not fit" not in ebbtide("doctor").out
    with warehouse.transaction() as session:
        assert session.value("identity_key_id") is None
