"""Files: CSV and Parquet of any bytes load as far as they are good, or are refused by name."""

import gzip
import io
import lzma
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from loading.shelf import GOOD, HEADER

from recsys_tasks.errors import BadSource
from recsys_tasks.loading import load_folder
from recsys_tasks.warehouse import Warehouse

from .entrances import Entrances, some
from .hostile import anything

COLUMNS = HEADER.split(",")
cells = st.one_of(anything, st.sampled_from(["", "e1", "u1", "2024-03-01", "view", "1.5"]))
lines = st.lists(cells, max_size=9).map(",".join)
ARRAYS = (
    pa.array(["a", None, "\u202e"]),
    pa.array([1, 2, None]),
    pa.array([1.5, float("nan"), float("inf")]),
    pa.array([b"\xff", b"\0", None]),
    pa.array([[1], None, []]),
    pa.array([{"a": 1}, None, {"a": None}]),
    pa.array([True, False, None]),
    pa.array(["x", "y", "x"]).dictionary_encode(),
    pa.array([0, 2**62, None], pa.timestamp("us", "Europe/Berlin")),
    pa.array([0, 2**31 - 1, -(2**31)], pa.date32()),
    pa.array([None, None, None]),
)


class Dock(NamedTuple):
    """Where files are brought, one at a time."""

    warehouse: Warehouse
    folder: Path
    entrances: Entrances

    def load(self, name: str, content: bytes) -> None:
        """Load a file of these bytes; what it says adds up, or it is refused by its name."""
        for path in self.folder.iterdir():
            path.unlink()
        (self.folder / name).write_bytes(content)
        kind, refusal = f"files: {name.removeprefix('events.')}", None
        try:
            reports = load_folder(self.warehouse, self.folder)
        except BadSource as error:
            refusal = error
        else:
            for report in reports:
                assert report.rows == report.kept + sum(report.rejected.values())
        assert refusal is None or name in str(refusal) or str(self.folder) in str(refusal)
        self.entrances.tell(kind, refusal)
        with self.warehouse.transaction() as session:
            kept = session.select("select event_id from app.events where event_id = 'e1'")
        assert kept == [("e1",)]  # whatever came after it


@pytest.fixture
def dock(warehouse: Warehouse, tmp_path: Path, entrances: Entrances) -> Dock:
    (tmp_path / "events.csv").write_text(f"{HEADER}\n{GOOD}\n")
    load_folder(warehouse, tmp_path)
    return Dock(warehouse, tmp_path, entrances)


@some(0.3)
@given(drawn=st.lists(lines, max_size=8), head=st.sampled_from([[], [HEADER]]))
def test_rows_of_any_cells(dock: Dock, drawn: list[str], head: list[str]) -> None:
    content = "\n".join([*head, GOOD, *drawn])
    dock.load("events.csv", content.encode("utf-8", "surrogatepass"))


@some(0.3)
@given(
    drawn=st.binary(max_size=200),
    name=st.sampled_from(["events.csv", "events.csv.gz", "events.csv.xz", "events.parquet"]),
)
def test_any_bytes(dock: Dock, drawn: bytes, name: str) -> None:
    dock.load(name, drawn)
    dock.load("events.csv", f"{HEADER}\n".encode() + drawn)


@some(0.3)
@given(data=st.data(), kind=st.sampled_from(["gz", "xz", "parquet"]))
def test_bytes_that_were_damaged_on_their_way(dock: Dock, data: st.DataObject, kind: str) -> None:
    content = bytearray(packed(kind))
    at = data.draw(st.integers(0, len(content) - 1))
    content[at] ^= data.draw(st.integers(1, 255))
    name = "events.parquet" if kind == "parquet" else f"events.csv.{kind}"
    dock.load(name, bytes(content))
    dock.load(name, bytes(content[:at]))


def packed(kind: str) -> bytes:
    rows = [GOOD.replace("e1", f"e{n}") for n in range(50)]
    if kind == "parquet":
        columns = zip(*(row.split(",") for row in rows), strict=True)
        return parquet_of(dict(zip(COLUMNS, map(list, columns), strict=True)))
    text = "\n".join([HEADER, *rows, ""]).encode()
    return gzip.compress(text) if kind == "gz" else lzma.compress(text)


def parquet_of(columns: Mapping[str, object]) -> bytes:
    stream = io.BytesIO()
    pq.write_table(pa.table(columns), stream)
    return stream.getvalue()


@some(0.3)
@given(drawn=st.lists(st.sampled_from(ARRAYS), min_size=len(COLUMNS), max_size=len(COLUMNS)))
def test_parquet_of_any_types(dock: Dock, drawn: list[pa.Array]) -> None:
    dock.load("events.parquet", parquet_of(dict(zip(COLUMNS, drawn, strict=True))))
