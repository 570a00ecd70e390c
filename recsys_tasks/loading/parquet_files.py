"""Parquet files, read as text: staging checks their cells as it checks those of a CSV file."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from recsys_tasks.errors import BadSource
from recsys_tasks.loading.records import Broken, Record

ROWS_AT_ONCE = 20_000
# What pyarrow says of a file that is damaged; names in its schema may be no text.
DAMAGED = (pa.ArrowException, OSError, UnicodeDecodeError)
BINARY = (pa.binary(), pa.large_binary(), pa.binary_view())


class ParquetFile:
    """A table in a Parquet file. Times become ISO text, nested values JSON."""

    def __init__(self, path: Path) -> None:
        """Read the schema.

        Raises:
            BadSource: It cannot be read. It stands at the end: a file that is cut has lost it.
        """
        self._path = path
        self.size = path.stat().st_size
        self.position = 0
        self.cut: str | None = None
        try:
            self.header = [str(name) for name in parquet.read_schema(path).names]
        except DAMAGED as error:
            problem = f"no Parquet schema can be read, the file is cut or damaged ({error})"
            raise BadSource(place=path.name, problem=problem) from error

    def records(self) -> Iterator[Record | Broken]:
        """The rows in order, numbered from 1."""
        n_read = 0
        try:
            with parquet.ParquetFile(self._path) as file:
                for batch in file.iter_batches(ROWS_AT_ONCE):
                    columns = [_texts(column) for column in batch.columns]
                    for line, cells in enumerate(zip(*columns, strict=True), start=n_read + 1):
                        yield Record(line, list(cells))
                    n_read += len(batch)
                    self.position = self.size * n_read // file.metadata.num_rows
        except DAMAGED:
            self.cut = "Parquet data is damaged"


def _texts(column: Any) -> list[str]:  # noqa: ANN401  pyarrow ships no types
    """The column's values as text, empty for null."""
    if pa.types.is_nested(column.type):
        values = (None if value is None else _json(value) for value in column.to_pylist())
        return [value or "" for value in values]
    if isinstance(column.type, pa.BaseExtensionType):  # a UUID, say
        return ["" if value is None else str(value) for value in column.to_pylist()]
    if column.type not in BINARY:
        column = column.cast(pa.string())
    # As bytes: a string column may hold bytes that are no UTF-8, and staging rejects such rows.
    cells = column.cast(pa.binary()).to_pylist()
    return ["" if cell is None else cell.decode("utf-8", "surrogateescape") for cell in cells]


def _json(value: object) -> str:
    return json.dumps(value, default=str, ensure_ascii=False)
