"""CSV files, plain or compressed, read so that one broken row costs one row."""

import csv
import gzip
import lzma
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from io import BufferedReader, TextIOWrapper
from pathlib import Path

from recsys_tasks.errors import BadSource
from recsys_tasks.loading.records import Broken, Record

# Characters of one cell. A quote that is never closed swallows so many before it is noticed.
LONGEST_CELL = 4 * 2**20

Compressed = BufferedReader | gzip.GzipFile | lzma.LZMAFile
UNREADABLE = (EOFError, lzma.LZMAError, gzip.BadGzipFile, zlib.error)
DECOMPRESS: dict[str, Callable[[BufferedReader], Compressed]] = {
    ".csv": lambda raw: raw,
    ".csv.gz": lambda raw: gzip.GzipFile(fileobj=raw),
    ".csv.xz": lzma.LZMAFile,
}


class _Lines:
    """The physical lines of a stream, remembered since the current row began."""

    def __init__(self, stream: Iterator[str]) -> None:
        self._stream = stream
        self._again: deque[str] = deque()
        self.taken: list[str] = []
        self.first = 1
        self.cut: str | None = None

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else self._read()
        self.taken.append(line)
        return line

    def _read(self) -> str:
        if self.cut is None:
            try:
                return next(self._stream)
            except EOFError:
                self.cut = "compressed data is cut"
            except UNREADABLE:
                self.cut = "compressed data is damaged"
        raise StopIteration

    def begin(self) -> int:
        """Forget the row before; the number of the next row's first line."""
        self.first += len(self.taken)
        self.taken.clear()
        return self.first

    def retry(self) -> None:
        """Hand out all lines of this row again except the first."""
        self._again.extendleft(reversed(self.taken[1:]))
        del self.taken[1:]

    @property
    def at_open_end(self) -> bool:
        """Whether the row is one line, and the file ends before the end of that line."""
        is_open = self.cut is not None or not self.taken[-1].endswith(("\n", "\r"))
        return is_open and len(self.taken) == 1


class CsvFile:
    """A table as comma-separated UTF-8 text: the first row is the header, cells may be quoted.

    A row with broken quotes, or with another number of cells than the header, is given up from its
    first line only: the lines that it had swallowed are read again as rows of their own.
    """

    def __init__(self, path: Path, suffix: str) -> None:
        """Read the header.

        Raises:
            BadSource: There is none, or the file is not compressed text in UTF-8.
        """
        self._path = path
        self._suffix = suffix
        self.size = path.stat().st_size
        self.position = 0
        self.cut: str | None = None
        self.header = self._read_header()

    def _read_header(self) -> list[str]:
        with self._open() as lines:
            try:
                header = next(csv.reader(lines, strict=True), [])
            except csv.Error as error:
                raise BadSource(place=self._path.name, problem=f"line 1: {error}") from error
        if lines.cut or not header:
            problem = lines.cut or "the file is empty"
            raise BadSource(place=self._path.name, problem=f"no header can be read: {problem}")
        if Record(1, header).problem:
            raise BadSource(place=self._path.name, problem="the header is not text in UTF-8")
        return header

    @contextmanager
    def _open(self) -> Iterator[_Lines]:
        with (
            self._path.open("rb") as raw,
            DECOMPRESS[self._suffix](raw) as data,
            # A byte that is not UTF-8 becomes a lone surrogate, which staging rejects with its row.
            TextIOWrapper(data, "utf-8-sig", errors="surrogateescape", newline="") as text,
        ):
            yield _Lines(self._followed(text, raw))

    def _followed(self, text: Iterable[str], raw: BufferedReader) -> Iterator[str]:
        """The lines, while `position` follows; asking at every one would cost more than reading."""
        for number, line in enumerate(text):
            if number % 1000 == 0:
                self.position = raw.tell()
            yield line
        self.position = self.size

    def records(self) -> Iterator[Record | Broken]:
        """The rows below the header, in order, without blank lines."""
        csv.field_size_limit(LONGEST_CELL)
        with self._open() as lines:
            reader = csv.reader(lines, strict=True)
            next(reader)
            while True:
                line = lines.begin()
                try:
                    cells = next(reader)
                except StopIteration:
                    break
                except csv.Error:
                    yield self._broken(line, "broken quotes", lines, is_short=True)
                    reader = csv.reader(lines, strict=True)
                    continue
                if len(cells) == len(self.header):
                    yield Record(line, cells)
                elif cells:
                    is_short = len(cells) < len(self.header)
                    yield self._broken(line, "wrong number of fields", lines, is_short=is_short)
            self.cut = self.cut or lines.cut

    def _broken(self, line: int, problem: str, lines: _Lines, *, is_short: bool) -> Broken:
        """Give up the row at its first line, and the file where it ends there."""
        if is_short and lines.at_open_end:
            self.cut = lines.cut or "its last line is cut"
            return Broken(line, "the file ends inside this row", {"line": lines.taken[0]})
        lines.retry()
        return Broken(line, problem, {"line": lines.taken[0]})
