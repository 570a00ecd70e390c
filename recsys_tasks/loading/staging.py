"""One file into its table: staged as text row by row, then checked and upserted as a set."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from operator import itemgetter
from pathlib import Path
from time import perf_counter

from recsys_tasks.loading.records import Broken, Record, TableFile
from recsys_tasks.loading.tables import Table
from recsys_tasks.settings import Settings
from recsys_tasks.warehouse import Session, Warehouse
from recsys_tasks.warehouse.identities import identity_key, rename_rejected
from recsys_tasks.warehouse.scrubbing import scrub_loaded, scrubber_of
from recsys_tasks.warehouse.tombstones import Erased, leave_out_loaded

ROWS_AT_ONCE = 20_000

# A file's name, how many of its bytes are read, and how many it has.
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Source:
    """A file that holds a table.

    Attributes:
        table: Of the contract.
        path: Of the file.
        file: Its rows.
        names: Its header in the contract's words, one a cell of a record.
    """

    table: Table
    path: Path
    file: TableFile
    names: tuple[str, ...]

    @property
    def place(self) -> str:
        """The file in reasons: with its folder's name, since many folders have an events.csv."""
        return f"{self.path.absolute().parent.name}/{self.path.name}"

    @property
    def others(self) -> tuple[str, ...]:
        """Columns that the contract does not know."""
        return tuple(name for name in self.names if name and name not in self.table.columns)


@dataclass(frozen=True)
class FileReport:
    """What became of a file.

    Attributes:
        file: Its name.
        rows: Rows that it has, without header and blank lines.
        kept: Rows that are in the table now.
        rejected: Number of rows by what is wrong with them, the most frequent first.
        truncated: What to say where the file ends early; None where it is whole.
        ignored_columns: Columns of events that the contract does not know.
        seconds: That it took.
    """

    file: str
    rows: int
    kept: int
    rejected: Mapping[str, int]
    truncated: str | None
    ignored_columns: tuple[str, ...]
    seconds: float


def load_file(
    warehouse: Warehouse,
    source: Source,
    on_progress: Progress | None,
    settings: Settings,
) -> FileReport:
    """Load a file in one transaction, up to where it is cut.

    Raises:
        ErasureKeyMissing: Users were erased under a key that is neither the schema's nor given.
    """
    start = perf_counter()
    name = source.table.name
    with warehouse.transaction() as session:
        session.execute("load_stage_rejected")
        session.execute(f"load_stage_{name}")
        n_rows = sum(_stage(session, source, on_progress))
        session.execute(f"load_check_{name}")
        session.execute("share_erasures")
        n_erased = leave_out_loaded(session, Erased(session, settings.erasure_key), name)
        scrub_loaded(session, scrubber_of(settings))
        if key := identity_key(session, settings):
            rename_rejected(session, key, "loaded")
        session.execute(f"load_upsert_{name}")
        session.execute(f"load_analyze_{name}")
        session.execute("load_forget_rejected", place=source.place)
        session.execute("load_insert_rejected", place=source.place)
        rejected = {str(problem): int(n) for problem, n in session.rows("load_count_rejected")}
    if n_erased:
        rejected["the user was erased (such rows are not kept)"] = n_erased
    cut = source.file.cut
    return FileReport(
        file=source.path.name,
        rows=n_rows,
        kept=n_rows - sum(rejected.values()),
        rejected=rejected,
        truncated=f"file ends early after {n_rows} rows ({cut})" if cut else None,
        ignored_columns=() if source.table.keeps_others else source.others,
        seconds=perf_counter() - start,
    )


def _stage(session: Session, source: Source, on_progress: Progress | None) -> Iterator[int]:
    """Copy the rows into the staging tables, some at a time; yields how many these were."""
    records = source.file.records()
    while batch := list(islice(records, ROWS_AT_ONCE)):
        good, broken = _parted(batch, source.names)
        session.copy_rows(f"load_copy_{source.table.name}", _staged(good, source))
        session.copy_rows("load_copy_rejected", map(_rejected, broken))
        if on_progress is not None:
            on_progress(source.path.name, source.file.position, source.file.size)
        yield len(batch)


def _parted(
    batch: list[Record | Broken], names: tuple[str, ...]
) -> tuple[list[Record], list[Broken]]:
    """The rows that Postgres can hold, and the others."""
    good: list[Record] = []
    broken: list[Broken] = []
    for record in batch:
        if isinstance(record, Broken):
            broken.append(record)
        elif problem := record.problem:
            broken.append(Broken(record.line, problem, dict(zip(names, record.cells, strict=True))))
        else:
            good.append(record)
    return good, broken


def _staged(records: list[Record], source: Source) -> Iterator[tuple[object, ...]]:
    """Line, the contract's columns and, where the table keeps them, the others as JSON."""
    # A column that the file lacks reads the empty cell that is put behind the others.
    position = {name: index for index, name in enumerate(source.names)}
    known = itemgetter(*(position.get(name, len(position)) for name in source.table.columns))
    others = [(name, position[name]) for name in source.others]
    for line, cells in records:
        row = (line, *known((*cells, "")))
        yield (*row, _json(others, cells)) if source.table.keeps_others else row


def _json(others: list[tuple[str, int]], cells: list[str]) -> str:
    return json.dumps({name: cells[index] for name, index in others if cells[index]})


def _rejected(broken: Broken) -> tuple[object, ...]:
    """Line, problem and row as JSON, in which a bad byte and NUL show as their numbers."""
    row = {name: _shown(cell) for name, cell in broken.row.items() if cell}
    return broken.line, broken.problem, json.dumps(row)


def _shown(cell: str) -> str:
    visible = cell.replace("\0", "\\x00").encode("utf-8", "surrogateescape")
    return visible.decode("utf-8", "backslashreplace")
