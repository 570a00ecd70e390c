"""Whole files: names, types, ids, and loading again."""

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet

from recsys_tasks.loading import load_folder
from recsys_tasks.warehouse import Warehouse

from .shelf import GOOD, HEADER, Shelf, many


def test_a_row_arrives_with_the_contracts_types(shelf: Shelf) -> None:
    shelf.put(
        "events.csv", 'e1,17850,i1,review,4.5,"good, ""really""\nso",2024-03-01T10:00:00+02:00'
    )
    report = shelf.load()["events.csv"]
    assert (report.rows, report.kept, report.rejected, report.truncated) == (1, 1, {}, None)
    [row] = shelf.rows(
        "select event_id, user_id, item_id, event_type, value, text, occurred_at from app.events"
    )
    time = datetime(2024, 3, 1, 8, tzinfo=UTC)
    assert row == ("e1", "17850", "i1", "review", 4.5, 'good, "really"\nso', time)


def test_all_three_tables_load_and_an_empty_cell_is_null(shelf: Shelf) -> None:
    shelf.put("events.csv", "e1,u1,,search,,red shoes,2024-03-01")
    shelf.put("items.csv", "i1,Shoe,,,", header="item_id,title,description,category,created_at")
    shelf.put("users.csv", "u1", header="user_id")
    assert list(shelf.load()) == ["items.csv", "users.csv", "events.csv"]
    assert shelf.rows("select item_id, value from app.events") == [(None, None)]
    assert shelf.rows("select title, description, available, created_at from app.items") == [
        ("Shoe", None, True, None)
    ]
    assert shelf.rows("select user_id, attributes from app.users") == [("u1", {})]


def test_a_folder_without_events_loads_its_items(shelf: Shelf) -> None:
    shelf.put("items.csv", "i1", header="item_id")
    assert list(shelf.load()) == ["items.csv"]
    assert shelf.rows("select count(*) from app.events") == [(0,)]


def test_other_columns_of_items_and_users_become_attributes(shelf: Shelf) -> None:
    shelf.put(
        "items.csv",
        """i1,Shoe,red,"{""size"": 42, ""colour"": ""blue""}",no""",
        "i2,Hat,,,",
        header="item_id,title,Colour,attributes,available",
    )
    shelf.put("users.csv", "u1,France", header="user_id,country")
    shelf.load()
    assert shelf.rows("select attributes, available from app.items order by item_id") == [
        ({"size": 42, "colour": "blue", "Colour": "red"}, False),
        ({}, True),
    ]
    assert shelf.rows("select attributes from app.users") == [({"country": "France"},)]


def test_other_columns_of_events_are_ignored_and_named(shelf: Shelf) -> None:
    shelf.put("events.csv", GOOD + ",mobile,7", header=HEADER + ",device,session")
    report = shelf.load()["events.csv"]
    assert report.kept == 1
    assert report.ignored_columns == ("device", "session")


def test_columns_are_found_by_name_in_any_order_and_letters(shelf: Shelf) -> None:
    header = " Occurred_At ,EVENT_TYPE,item_id,user_id,event_id"
    shelf.put("events.csv", "2024-03-01,view,i1,u1,e1", header=header)
    shelf.load()
    assert shelf.rows("select event_id, user_id, event_type from app.events") == [
        ("e1", "u1", "view")
    ]


def test_loading_again_changes_nothing(shelf: Shelf) -> None:
    """Not even a row's version: xmin is the transaction that wrote it."""
    shelf.put("events.csv", GOOD, GOOD.replace("2.5", "many"))
    shelf.put("items.csv", "i1,Shoe,red", header="item_id,title,colour")
    shelf.put("users.csv", "u1,France", header="user_id,country")
    versions = """
        select xmin::text, events::text from app.events
        union all select xmin::text, items::text from app.items
        union all select xmin::text, users::text from app.users"""
    first = shelf.load()
    before = shelf.rows(versions)
    second = shelf.load()
    assert shelf.rows(versions) == before
    assert len(shelf.rejected()) == 1
    assert [r.kept for r in second.values()] == [r.kept for r in first.values()] == [1, 1, 1]


def test_a_row_that_changed_is_replaced_and_arrives_anew(shelf: Shelf) -> None:
    ingested = "select event_id, value, ingested_at from app.events order by 1"
    shelf.put("events.csv", GOOD, GOOD.replace("e1", "e2"))
    shelf.load()
    [(_, _, first), _] = shelf.rows(ingested)
    shelf.put("events.csv", GOOD, GOOD.replace("e1", "e2").replace("2.5", "3"))
    shelf.load()
    [untouched, (_, value, second)] = shelf.rows(ingested)
    assert untouched == ("e1", 2.5, first)
    assert value == 3
    assert isinstance(second, datetime)
    assert isinstance(first, datetime)
    assert second > first


def test_parquet_loads_as_csv_does(shelf: Shelf) -> None:
    times = [datetime(2024, 3, 1, 10, tzinfo=UTC), datetime(2024, 3, 2, tzinfo=UTC)]
    events = {
        "event_id": [1, 2],
        "user_id": ["u1", "u2"],
        "item_id": pa.array(["i1", None]).dictionary_encode(),
        "event_type": [b"view", b"\xff"],
        "value": [2.5, None],
        "occurred_at": pa.array(times, pa.timestamp("ns", "Europe/London")),
    }
    items = {"item_id": ["i1"], "available": [False], "tags": [["a", "b"]], "price": [3.0]}
    parquet.write_table(pa.table(events), shelf.folder / "events.parquet")
    parquet.write_table(pa.table(items), shelf.folder / "items.parquet")
    reports = shelf.load()
    assert reports["events.parquet"].rejected == {"not UTF-8": 1}
    assert shelf.rows(
        "select event_id, item_id, event_type, value, occurred_at from app.events"
    ) == [("1", "i1", "view", 2.5, times[0])]
    assert shelf.rows("select available, attributes from app.items") == [
        (False, {"tags": '["a", "b"]', "price": "3"})
    ]
    [(reason, _)] = shelf.rejected()
    assert reason == "shop/events.parquet line 2: not UTF-8"


def test_progress_rises_to_the_files_size(shelf: Shelf) -> None:
    shelf.put("events.csv").write_text(many(30_000))
    told: list[tuple[str, int, int]] = []
    load_folder(shelf.warehouse, shelf.folder, lambda *told_now: told.append(told_now))
    size = (shelf.folder / "events.csv").stat().st_size
    read = [position for _, position, _ in told]
    assert {(name, total) for name, _, total in told} == {("events.csv", size)}
    assert read == sorted(read)
    assert 0 < read[0] < read[-1] == size


def test_real_data_load_whole(warehouse: Warehouse, shared_data: Path) -> None:
    reports = load_folder(warehouse, shared_data / "quantum-qa")
    assert [report.kept for report in reports] == [612, 555, 5788]
    assert all(not report.rejected and report.truncated is None for report in reports)
