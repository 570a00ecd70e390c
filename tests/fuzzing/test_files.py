"""Files: CSV and Parquet of any bytes load as far as they are good, or are refused by name."""

import gzip
import io
import lzma
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from loading.shelf import GOOD, HEADER

from recsys_tasks.errors import BadSource
from recsys_tasks.loading import load_folder
from recsys_tasks.warehouse import Warehouse

from .hostile import anything

HERE = [HealthCheck.function_scoped_fixture]
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


def load(warehouse: Warehouse, folder: Path, name: str, content: bytes) -> None:
    """Load a file of these bytes; what it says adds up, or it is refused in one line."""
    for path in folder.iterdir():
        path.unlink()
    (folder / name).write_bytes(content)
    try:
        reports = load_folder(warehouse, folder)
    except BadSource as error:
        assert "\n" not in str(error)
        assert name in str(error) or str(folder) in str(error)
        return
    for report in reports:
        assert report.rows == report.kept + sum(report.rejected.values()) + report.erased
    with warehouse.transaction() as session:
        kept = session.select("select count(*) from app.events where event_id = 'e1'")
    assert kept in ([(0,)], [(1,)])


@examples(max_examples=40, suppress_health_check=HERE)
@given(st.lists(lines, max_size=8), st.booleans())
def test_rows_of_any_cells(
    warehouse: Warehouse, tmp_path: Path, drawn: list[str], has_header: bool
) -> None:
    content = "\n".join([*([HEADER] if has_header else []), GOOD, *drawn])
    load(warehouse, tmp_path, "events.csv", content.encode("utf-8", "surrogatepass"))


@examples(max_examples=40, suppress_health_check=HERE)
@given(
    st.binary(max_size=200),
    st.sampled_from(["events.csv", "events.csv.gz", "events.csv.xz", "events.parquet"]),
)
def test_any_bytes(warehouse: Warehouse, tmp_path: Path, drawn: bytes, name: str) -> None:
    load(warehouse, tmp_path, name, drawn)
    load(warehouse, tmp_path, "events.csv", f"{HEADER}\n".encode() + drawn)


@examples(max_examples=30, suppress_health_check=HERE)
@given(st.data(), st.sampled_from(["gz", "xz", "parquet"]))
def test_bytes_that_were_damaged_on_their_way(
    warehouse: Warehouse, tmp_path: Path, data: st.DataObject, kind: str
) -> None:
    content = bytearray(packed(kind))
    at = data.draw(st.integers(0, len(content) - 1))
    content[at] ^= data.draw(st.integers(1, 255))
    name = "events.parquet" if kind == "parquet" else f"events.csv.{kind}"
    load(warehouse, tmp_path, name, bytes(content))
    load(warehouse, tmp_path, name, bytes(content[:at]))


def packed(kind: str) -> bytes:
    rows = [GOOD.replace("e1", f"e{n}") for n in range(50)]
    text = "\n".join([HEADER, *rows, ""]).encode()
    if kind == "parquet":
        stream = io.BytesIO()
        pq.write_table(
            pa.table(dict(zip(COLUMNS, zip(*(row.split(",") for row in rows), strict=True)))),
            stream,
        )
        return stream.getvalue()
    return gzip.compress(text) if kind == "gz" else lzma.compress(text)


@examples(max_examples=30, suppress_health_check=HERE)
@given(st.lists(st.sampled_from(ARRAYS), min_size=len(COLUMNS), max_size=len(COLUMNS)))
def test_parquet_of_any_types(warehouse: Warehouse, tmp_path: Path, drawn: list[pa.Array]) -> None:
    stream = io.BytesIO()
    pq.write_table(pa.table(dict(zip(COLUMNS, drawn, strict=True))), stream)
    load(warehouse, tmp_path, "events.parquet", stream.getvalue())
