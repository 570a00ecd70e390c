"""Files that end early, and files that cannot be used at all."""

import gzip
import lzma
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from recsys_tasks.errors import BadSource
from recsys_tasks.loading import load_folder

from .shelf import GOOD, HEADER, Shelf, many


@pytest.mark.parametrize(
    ("suffix", "compress"), [("xz", partial(lzma.compress, preset=0)), ("gz", gzip.compress)]
)
def test_of_a_compressed_file_cut_in_the_middle_the_rows_before_the_cut_are_kept(
    shelf: Shelf, suffix: str, compress: Callable[[bytes], bytes]
) -> None:
    data = compress(many(30_000).encode())
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
    data = bytearray(lzma.compress(many(30_000).encode(), preset=0))
    data[len(data) // 2 :] = b"\xff" * (len(data) - len(data) // 2)
    (shelf.folder / "events.csv.xz").write_bytes(data)
    report = shelf.load()["events.csv.xz"]
    assert report.kept > 10_000
    assert "(compressed data is damaged)" in str(report.truncated)


def test_a_csv_file_whose_last_line_is_cut_says_so(shelf: Shelf) -> None:
    path = shelf.put("events.csv", GOOD)
    path.write_text(path.read_text() + "e2,u1,i")
    report = shelf.load()["events.csv"]
    assert (report.rows, report.kept) == (2, 1)
    assert report.truncated == "file ends early after 2 rows (its last line is cut)"
    assert shelf.rejected() == [
        ("shop/events.csv line 3: the file ends inside this row", {"line": "e2,u1,i"})
    ]


def test_a_csv_file_cut_inside_a_text_says_so_line_by_line(shelf: Shelf) -> None:
    path = shelf.put("events.csv", GOOD)
    path.write_text(path.read_text() + 'e2,u1,i1,comment,,"a text\nof two lines and')
    report = shelf.load()["events.csv"]
    assert report.kept == 1
    assert report.rejected == {"broken quotes": 1, "the file ends inside this row": 1}
    assert report.truncated == "file ends early after 3 rows (its last line is cut)"


def test_a_last_line_without_its_end_is_whole_where_its_fields_are(shelf: Shelf) -> None:
    (shelf.folder / "events.csv").write_text(f"{HEADER}\n{GOOD}")
    report = shelf.load()["events.csv"]
    assert (report.kept, report.truncated) == (1, None)


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


def test_a_parquet_file_whose_names_are_no_text_is_refused(shelf: Shelf) -> None:
    path = shelf.folder / "users.parquet"
    parquet.write_table(pa.table({"user_id": ["u1"], "country": ["fr"]}), path)
    path.write_bytes(path.read_bytes().replace(b"country", b"c\xffuntry"))
    with pytest.raises(BadSource, match=r"users.parquet: no Parquet schema can be read"):
        shelf.load()


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
