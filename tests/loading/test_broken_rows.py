"""Broken rows: each is rejected with its file, line and reason, and costs no other row."""

from datetime import UTC, date, datetime
from pathlib import Path

from .shelf import GOOD, Shelf

BROKEN = {
    "missing event_id": ",u1,i1,view,,,2024-03-01",
    "missing user_id": "e2,  ,i1,view,,,2024-03-01",
    "missing event_type": "e2,u1,i1,,,,2024-03-01",
    "missing occurred_at": "e2,u1,i1,view,,,",
    "event_id longer than 1000 bytes": "e" * 1001 + ",u1,i1,view,,,2024-03-01",
    "user_id longer than 1000 bytes": "e2," + "u" * 1001 + ",i1,view,,,2024-03-01",
    "item_id longer than 1000 bytes": "e2,u1," + "i" * 1001 + ",view,,,2024-03-01",
    "unreadable occurred_at": "e2,u1,i1,view,,,yesterday",
    "unreadable value": "e2,u1,i1,view,many,,2024-03-01",
    "NUL character": "e2,u1,i1,view,,a\0b,2024-03-01",
    "wrong number of fields": "e2,u1,i1,view,2024-03-01",
    "broken quotes": 'e2,u1,i1,view,,"good" shoe,2024-03-01',
}


def test_a_broken_row_is_rejected_with_file_and_line_and_the_others_are_kept(
    shelf: Shelf,
) -> None:
    """Every kind of broken row, each with a good one before and after it."""
    lines = [GOOD]
    for number, line in enumerate(BROKEN.values()):
        lines += [line, GOOD.replace("e1", f"f{number}")]
    shelf.put("events.csv", *lines)
    report = shelf.load()["events.csv"]
    assert (report.rows, report.kept) == (2 * len(BROKEN) + 1, len(BROKEN) + 1)
    assert report.rejected == dict.fromkeys(BROKEN, 1)
    assert shelf.rows("select count(*) from app.events") == [(len(BROKEN) + 1,)]
    assert [reason for reason, _ in shelf.rejected()] == sorted(
        f"shop/events.csv line {2 * number + 3}: {problem}" for number, problem in enumerate(BROKEN)
    )
    assert all(row for _, row in shelf.rejected())


def test_a_rejected_row_is_kept_as_it_came_under_its_day(shelf: Shelf) -> None:
    shelf.put("events.csv", "e2,u1,i1,view,many,,2024-03-01T23:30:00-01:00")
    shelf.load()
    row = {"event_id": "e2", "user_id": "u1", "item_id": "i1", "event_type": "view"}
    row |= {"value": "many", "occurred_at": "2024-03-01T23:30:00-01:00"}
    assert shelf.rows("select day, event_id, row, step from rejected_interactions") == [
        (date(2024, 3, 2), "e2", row, "load")
    ]


def test_bytes_that_are_not_utf8_are_shown(shelf: Shelf) -> None:
    path = shelf.put("events.csv")
    path.write_bytes(path.read_bytes() + b"e2,u1,i1,view,,caf\xe9,2024-03-01\n" + GOOD.encode())
    assert shelf.load()["events.csv"].rejected == {"not UTF-8": 1}
    [(_, row)] = shelf.rejected()
    assert isinstance(row, dict)
    assert row["text"] == r"caf\xe9"


def test_broken_rows_of_items_and_users_are_rejected_too(shelf: Shelf) -> None:
    items = ["i2,[1],,,", "i3,{1},,,", "i4,,perhaps,,", "i5,,,soon,", "i6,,,,2024", ",,,,"]
    users = [",,", "u2,{,", "u3,,now"]
    header = "item_id,attributes,available,created_at,updated_at"
    shelf.put("items.csv", "i1,,,,", *items, "i1,,yes,,", "i" * 1001 + ",,,,", header=header)
    shelf.put("users.csv", *users, "u1,,2024-03-01", header="user_id,attributes,created_at")
    reports = shelf.load()
    assert reports["items.csv"].rejected == {
        "unreadable attributes": 2,
        "item_id comes again later in the file": 1,
        "item_id longer than 1000 bytes": 1,
        "missing item_id": 1,
        "unreadable available": 1,
        "unreadable created_at": 1,
        "unreadable updated_at": 1,
    }
    assert reports["users.csv"].rejected == {
        "missing user_id": 1,
        "unreadable attributes": 1,
        "unreadable created_at": 1,
    }
    assert shelf.rows("select item_id from app.items") == [("i1",)]
    assert shelf.rows("select user_id from app.users") == [("u1",)]


TIMES = {
    "2024-03-01": datetime(2024, 3, 1, tzinfo=UTC),
    "2024-03-01 10:00": datetime(2024, 3, 1, 10, tzinfo=UTC),
    "2024-03-01T10:00:05.25": datetime(2024, 3, 1, 10, 0, 5, 250_000, tzinfo=UTC),
    "2024-03-01T10:00:00.123456789Z": datetime(2024, 3, 1, 10, 0, 0, 123_457, tzinfo=UTC),
    "2024-03-01 10:00:00 UTC": datetime(2024, 3, 1, 10, tzinfo=UTC),
    "2024-03-01T10:00:00+0530": datetime(2024, 3, 1, 4, 30, tzinfo=UTC),
    " 2024-02-29 ": datetime(2024, 2, 29, tzinfo=UTC),
}
NO_TIMES = [
    *("now", "today", "infinity", "epoch", "1709287200", "01/03/2024", "March 1 2024"),
    *("2024-13-01", "2023-02-29", "2024-03-01 25:00", "2024-03-01 allballs", "0000-01-01"),
    *("2024-03-01 10:00 Europe/London", "2024-03-01 BC", "10:00", "2024-03-01T"),
]


def test_a_time_is_iso_and_utc_where_it_names_no_zone(shelf: Shelf) -> None:
    shelf.put("events.csv", *(f"{text},u1,i1,view,,,{text}" for text in TIMES))
    shelf.load()
    loaded = shelf.rows("select event_id, occurred_at from app.events")
    assert sorted(loaded) == sorted(TIMES.items())


def test_what_is_no_iso_time_is_rejected_though_postgres_might_take_it(shelf: Shelf) -> None:
    shelf.put("events.csv", *(f"{text},u1,i1,view,,,{text}" for text in NO_TIMES))
    assert shelf.load()["events.csv"].rejected == {"unreadable occurred_at": len(NO_TIMES)}


def test_a_value_is_a_finite_number_however_it_is_written(shelf: Shelf) -> None:
    numbers = {"-3": -3.0, "+.5": 0.5, "1e3": 1000.0, "7.": 7.0, " 2 ": 2.0}
    others = ["NaN", "Infinity", "1e999", '"1,5"', "0x10", "1_000", "£3", "-", "."]
    shelf.put(
        "events.csv",
        *(f"{text},u1,i1,view,{text},,2024-03-01" for text in numbers),
        *(f"x{place},u1,i1,view,{text},,2024-03-01" for place, text in enumerate(others)),
    )
    assert shelf.load()["events.csv"].rejected == {"unreadable value": len(others)}
    assert sorted(shelf.rows("select event_id, value from app.events")) == sorted(numbers.items())


def test_of_rows_with_one_id_the_last_good_one_counts(shelf: Shelf) -> None:
    shelf.put(
        "events.csv",
        "e1,u1,i1,view,1,,2024-03-01",
        "e1,u1,i1,view,2,,2024-03-01",
        "e1,u1,i1,view,x,,2024-03-01",
    )
    assert shelf.load()["events.csv"].rejected == {
        "event_id comes again later in the file": 1,
        "unreadable value": 1,
    }
    assert shelf.rows("select value from app.events") == [(2.0,)]


def test_a_mended_file_leaves_no_rejection_and_another_folders_stay(
    shelf: Shelf, tmp_path: Path
) -> None:
    shelf.put("events.csv", BROKEN["unreadable value"])
    shelf.load()
    other = Shelf(tmp_path / "other", shelf.warehouse)
    other.folder.mkdir()
    other.put("events.csv", BROKEN["missing occurred_at"])
    other.load()
    shelf.put("events.csv", GOOD)
    shelf.load()
    assert [reason for reason, _ in shelf.rejected()] == [
        "other/events.csv line 2: missing occurred_at"
    ]
