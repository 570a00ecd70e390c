"""Loading: real files into a real Postgres, whole, broken and cut."""

import csv
import gzip
import io
import lzma
from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import partial
from itertools import product
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from recsys_tasks.errors import BadSource
from recsys_tasks.loading import FileReport, load_folder
from recsys_tasks.loading.csv_files import CsvFile
from recsys_tasks.loading.records import Broken, Record
from recsys_tasks.warehouse import Warehouse

HEADER = "event_id,user_id,item_id,event_type,value,text,occurred_at"
GOOD = "e1,u1,i1,purchase,2.5,,2024-03-01T10:00:00Z"


class Shelf:
    """A folder to load, and what is in the database after it."""

    def __init__(self, folder: Path, warehouse: Warehouse) -> None:
        self.folder = folder
        self.warehouse = warehouse

    def put(self, name: str, *lines: str, header: str = HEADER) -> Path:
        """Write a CSV file in UTF-8."""
        path = self.folder / name
        path.write_text("\n".join([header, *lines, ""]), "utf-8", newline="")
        return path

    def load(self) -> dict[str, FileReport]:
        """The reports by file."""
        return {report.file: report for report in load_folder(self.warehouse, self.folder)}

    def rows(self, statement: str) -> list[tuple[object, ...]]:
        """What a statement finds."""
        with self.warehouse.transaction() as session:
            return session.select(statement)

    def rejected(self) -> list[tuple[object, ...]]:
        """Reasons and rows, in the order of loading."""
        return self.rows("select reason, row from rejected_interactions order by reason")


@pytest.fixture
def shelf(tmp_path: Path, warehouse: Warehouse) -> Shelf:
    folder = tmp_path / "shop"
    folder.mkdir()
    return Shelf(folder, warehouse)


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


def test_loading_again_changes_nothing(shelf: Shelf) -> None:
    """Not even a row's version: xmin is the transaction that wrote it."""
    shelf.put("events.csv", GOOD, BROKEN["unreadable value"])
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


def _many(n: int) -> str:
    """A file of n rows whose texts do not compress to nothing."""
    rows = (
        f'e{row},u{row * 7919 % 997},i{hash((row,)) % 10**9},view,,"a, b",2024-03-01'
        for row in range(n)
    )
    return "\n".join([HEADER, *rows, ""])


@pytest.mark.parametrize(
    ("suffix", "compress"), [("xz", partial(lzma.compress, preset=0)), ("gz", gzip.compress)]
)
def test_of_a_compressed_file_cut_in_the_middle_the_rows_before_the_cut_are_kept(
    shelf: Shelf, suffix: str, compress: Callable[[bytes], bytes]
) -> None:
    data = compress(_many(30_000).encode())
    (shelf.folder / f"events.csv.{suffix}").write_bytes(data[: len(data) // 2])
    report = shelf.load()[f"events.csv.{suffix}"]
    assert 10_000 < report.rows < 20_000
    assert report.kept == report.rows
    assert report.truncated == (
        f"file ends early after {report.rows} rows (compressed data is cut)"
    )
    [(n, last)] = shelf.rows("select count(*), max(substr(event_id, 2)::int) from app.events")
    assert (n, last) == (report.kept, report.kept - 1)


def test_damaged_compressed_data_ends_the_file(shelf: Shelf) -> None:
    data = bytearray(lzma.compress(_many(30_000).encode(), preset=0))
    data[len(data) // 2 :] = b"\xff" * (len(data) - len(data) // 2)
    (shelf.folder / "events.csv.xz").write_bytes(data)
    report = shelf.load()["events.csv.xz"]
    assert report.kept > 10_000
    assert "(compressed data is damaged)" in str(report.truncated)


@pytest.mark.parametrize("end", ["e2,u1,i", 'e2,u1,i1,comment,,"a text\nof two lines and'])
def test_a_csv_file_whose_last_line_is_cut_says_so(shelf: Shelf, end: str) -> None:
    path = shelf.put("events.csv", GOOD)
    path.write_text(path.read_text() + end)
    report = shelf.load()["events.csv"]
    assert (report.rows, report.kept) == (2, 1)
    assert report.rejected == {"the file ends inside this row": 1}
    assert report.truncated == "file ends early after 2 rows (its last line is cut)"
    assert shelf.rejected() == [
        ("shop/events.csv line 3: the file ends inside this row", {"line": end})
    ]


def test_a_last_line_without_its_end_is_whole_where_its_fields_are(shelf: Shelf) -> None:
    (shelf.folder / "events.csv").write_text(f"{HEADER}\n{GOOD}")
    report = shelf.load()["events.csv"]
    assert (report.kept, report.truncated) == (1, None)


def test_line_ends_and_a_byte_order_mark_do_not_matter(shelf: Shelf) -> None:
    for number, (mark, end) in enumerate(product(["", "\ufeff"], ["\n", "\r\n", "\r"])):
        text = mark + end.join([HEADER, GOOD, "", GOOD.replace("e1", f"f{number}"), ""])
        (shelf.folder / "events.csv").write_bytes(text.encode())
        report = shelf.load()["events.csv"]
        assert (report.kept, report.rejected) == (2, {})
    assert shelf.rows("select count(*), count(distinct text) from app.events") == [(7, 0)]


def test_a_carriage_return_inside_a_cell_survives(shelf: Shelf) -> None:
    shelf.put("events.csv", 'e1,u1,i1,comment,,"a\rb\r\nc",2024-03-01')
    shelf.load()
    assert shelf.rows("select text from app.events") == [("a\rb\r\nc",)]


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


def test_a_parquet_file_with_damaged_pages_ends_early(shelf: Shelf) -> None:
    ids = [f"e{row}" for row in range(60_000)]
    table = pa.table({"user_id": ids, "country": ids})
    path = shelf.folder / "users.parquet"
    parquet.write_table(table, path, row_group_size=30_000)
    data = bytearray(path.read_bytes())
    data[len(data) * 6 // 10 : len(data) * 8 // 10] = bytes(
        len(data) * 8 // 10 - len(data) * 6 // 10
    )
    path.write_bytes(data)
    report = shelf.load()["users.parquet"]
    assert 20_000 <= report.kept < 60_000
    assert "(Parquet data is damaged)" in str(report.truncated)


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("events.csv", b"event_id,user,item_id\n", "events.csv: column 'user_id' is missing"),
        ("events.csv", b"event_id;user_id;item_id\n", "separated by commas, and names event_id;"),
        ("events.csv", b"", "events.csv: no header can be read: the file is empty"),
        ("events.csv", HEADER.encode("utf-16"), "the header is not text in UTF-8"),
        ("items.csv", b"item_id,title,Title\n", "items.csv: column 'title' comes twice"),
        ("events.csv.xz", b"plain text", "no header can be read: compressed data is damaged"),
        ("events.csv.gz", b"\x1f\x8b\x08", "no header can be read: compressed data is cut"),
        ("events.parquet", b"PAR1", "events.parquet: no Parquet schema can be read"),
        ("events.xlsx", b"", "events.xlsx: format is not known; expected is one of .csv, .csv"),
        ("notes.txt", b"", "nothing to load; expected are items, users or events"),
    ],
)
def test_a_file_that_cannot_be_used_stops_before_anything_is_loaded(
    shelf: Shelf, name: str, content: bytes, problem: str
) -> None:
    if name != "notes.txt":
        shelf.put("users.csv", "u1", header="user_id")
    (shelf.folder / name).write_bytes(content)
    with pytest.raises(BadSource) as refusal:
        shelf.load()
    assert problem in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert shelf.rows("select to_regclass('app.users')") == [(None,)]


def test_a_table_in_two_files_is_refused(shelf: Shelf) -> None:
    shelf.put("events.csv", GOOD)
    shelf.put("events.CSV.gz")
    with pytest.raises(BadSource, match=r"events.CSV.gz, events.csv: events come twice"):
        shelf.load()


def test_a_folder_that_does_not_exist_is_refused(shelf: Shelf, tmp_path: Path) -> None:
    with pytest.raises(BadSource, match="there is no such folder"):
        load_folder(shelf.warehouse, tmp_path / "nowhere")


def test_progress_rises_to_the_files_size(shelf: Shelf) -> None:
    shelf.put("events.csv").write_text(_many(30_000))
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


cells = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=6)
plain = st.text("abc 1é", min_size=1, max_size=6)
broken_lines = st.sampled_from(["x", "x,y,z,w", '"x,y,z', 'x,"y"y,z', '"', '"x\ty",', 'x,"'])


def _records(path: Path, text: str) -> list[Record | Broken]:
    path.write_bytes(text.encode())
    return list(CsvFile(path, ".csv").records())


@given(st.lists(st.tuples(cells, cells, cells), max_size=20))
def test_what_csv_writes_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str, str]]
) -> None:
    text = io.StringIO()
    csv.writer(text).writerows([("a", "b", "c"), *rows])
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    assert [record[1] for record in _records(path, text.getvalue())] == [list(row) for row in rows]


@given(
    st.lists(st.tuples(plain, plain, plain), min_size=1, max_size=8),
    st.lists(st.tuples(st.integers(0, 7), broken_lines), min_size=1, max_size=4),
)
def test_a_broken_line_costs_no_other_row(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[str, str, str]],
    damage: list[tuple[int, str]],
) -> None:
    """Good lines are read whatever stands between them, and every line is accounted for."""
    lines = [",".join(row) for row in rows]
    for place, line in damage:
        lines.insert(place, line)
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    records = _records(path, "\n".join(["a,b,c", *lines, ""]))
    good = [record.cells for record in records if isinstance(record, Record)]
    assert [list(row) for row in rows] == [cells for cells in good if '"' not in "".join(cells)]
    assert [record.line for record in records] == list(range(2, len(lines) + 2))
