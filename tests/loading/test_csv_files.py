"""CSV: line ends, quotes, and rows that are read whatever stands between them."""

import csv
import io
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsys_tasks.loading.csv_files import CsvFile
from recsys_tasks.loading.records import Broken, Record

from .shelf import GOOD, HEADER, Shelf


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


def test_a_quote_that_is_never_closed_does_not_swallow_the_rest_of_the_file(shelf: Shelf) -> None:
    stray = 'e0,u1,i1,comment,,"not closed,2024-03-01'
    lines = [f"f{number},u1,i1,view,,,2024-03-01" for number in range(100)]
    (shelf.folder / "events.csv").write_text("\n".join([HEADER, GOOD, stray, *lines]))
    report = shelf.load()["events.csv"]
    assert (report.kept, report.rejected, report.truncated) == (101, {"broken quotes": 1}, None)


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
