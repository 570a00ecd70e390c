"""Which files of a folder hold which table, and whether their columns fit the contract."""

from collections import Counter
from pathlib import Path

from recsys_tasks.errors import BadSource
from recsys_tasks.loading.csv_files import DECOMPRESS, CsvFile
from recsys_tasks.loading.parquet_files import ParquetFile
from recsys_tasks.loading.records import TableFile
from recsys_tasks.loading.staging import FileReport, Progress, Source, load_file
from recsys_tasks.loading.tables import TABLES, Table
from recsys_tasks.settings import Settings
from recsys_tasks.warehouse import Warehouse

SUFFIXES = (*DECOMPRESS, ".parquet")
EXPECTED = "items, users or events, as " + ", ".join(SUFFIXES)


def load_folder(
    warehouse: Warehouse,
    folder: Path,
    on_progress: Progress | None = None,
    settings: Settings | None = None,
) -> list[FileReport]:
    """Load every table that the folder has: items, then users, then events, a transaction each.

    Rows are matched by id: a row that is there already and differs is replaced, so that loading
    again changes nothing. Rows that cannot be loaded go to `rejected_interactions` with file, line
    and reason, in place of what an earlier load of the same file left there. Rows of users who were
    erased are counted, and not kept.

    Args:
        warehouse: Its schema takes the rejected rows; the tables are those of schema app.
        folder: With at least one of items, users and events.
        on_progress: Is told a file's name, how many of its bytes are read, and of how many.
        settings: By which erased users are known, and texts of rejected rows are marked; those
            of the environment where they are left out.

    Returns:
        A report a file, in the order of loading.

    Raises:
        BadSource: There is nothing to load, or a header does not fit. Then nothing is loaded.
    """
    settings = settings or Settings()
    sources = find_sources(folder)
    with warehouse.transaction() as session:
        session.execute("load_create_tables")
    return [load_file(warehouse, source, on_progress, settings) for source in sources]


def find_sources(folder: Path) -> list[Source]:
    """The folder's tables, with their headers checked.

    Raises:
        BadSource: There is none, or one cannot be used.
    """
    if not folder.is_dir():
        raise BadSource(place=folder, problem="there is no such folder")
    paths = sorted(path for path in folder.iterdir() if path.is_file())
    sources = [source for table in TABLES if (source := _find(table, paths)) is not None]
    if not sources:
        raise BadSource(place=folder, problem=f"nothing to load; expected are {EXPECTED}")
    return sources


def _find(table: Table, paths: list[Path]) -> Source | None:
    """The table's one file among the paths; None where it has none."""
    named = [path for path in paths if path.name.split(".")[0].lower() == table.name]
    usable = [path for path in named if _suffix(path) in SUFFIXES]
    if named and not usable:
        problem = f"format is not known; expected is one of {', '.join(SUFFIXES)}"
        raise BadSource(place=named[0].name, problem=problem)
    if len(usable) > 1:
        names = ", ".join(path.name for path in usable)
        raise BadSource(place=names, problem=f"{table.name} come twice; keep one file")
    return _checked(table, usable[0]) if usable else None


def _suffix(path: Path) -> str:
    return path.name.lower().removeprefix(path.name.split(".")[0].lower())


def _open(path: Path) -> TableFile:
    suffix = _suffix(path)
    return ParquetFile(path) if suffix == ".parquet" else CsvFile(path, suffix)


def _checked(table: Table, path: Path) -> Source:
    """The file as a source of the table.

    Raises:
        BadSource: A column that is required is missing, or one comes twice.
    """
    try:
        file = _open(path)
    except OSError as error:
        raise BadSource(place=path.name, problem=f"cannot be read ({error.strerror})") from error
    names = [_known(name, table) for name in file.header]
    missing = [name for name in table.required if name not in names]
    if missing:
        problem = (
            f"column {missing[0]!r} is missing; the header must name {', '.join(table.required)},"
            f" separated by commas, and names {', '.join(file.header)}"
        )
        raise BadSource(place=path.name, problem=problem)
    twice = [name for name, n in Counter(names).items() if n > 1 and name]
    if twice:
        raise BadSource(place=path.name, problem=f"column {twice[0]!r} comes twice")
    return Source(table, path, file, tuple(names))


def _known(name: str, table: Table) -> str:
    """The contract's name where it is one in other letters; else the name without outer spaces."""
    bare = name.strip()
    return bare.lower() if bare.lower() in table.columns else bare
