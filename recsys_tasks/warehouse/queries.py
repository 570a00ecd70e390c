"""The SQL files, read once: named queries, migrations, checks and source mappings."""

from functools import cache
from pathlib import Path

import aiosql
from aiosql.queries import Queries

from recsys_tasks.errors import BadSettings

_BESIDE_PACKAGE = Path(__file__).parents[2] / "sql"  # a checkout
_IN_PACKAGE = Path(__file__).parents[1] / "sql"  # a wheel
ROOT = _IN_PACKAGE if _IN_PACKAGE.is_dir() else _BESIDE_PACKAGE

SOURCE_RELATIONS = ("items", "users", "events")


@cache
def queries() -> Queries:
    """Every named query of sql/queries, as a function of a connection and named parameters."""
    found: Queries = aiosql.from_path(ROOT / "queries", "psycopg2", mandatory_parameters=False)
    return found


@cache
def checks() -> dict[str, str]:
    """The gates by name: each statement returns no rows when all is well."""
    return {path.stem: path.read_text() for path in sorted((ROOT / "checks").glob("*.sql"))}


@cache
def migrations() -> dict[int, Path]:
    """The migrations by version, ascending."""
    paths = sorted((ROOT / "migrations").glob("[0-9]*_*.sql"))
    return {int(path.name.split("_")[0]): path for path in paths}


def source_mapping(source: str) -> tuple[str, ...]:
    """The statements that make the views source_items, source_users and source_events.

    Args:
        source: A folder under sql/source, or a path to one. Without users.sql it has no users.

    Raises:
        BadSettings: A file of the other two is missing.
    """
    folder = ROOT / "source" / source if "/" not in source else Path(source)
    files = {name: folder / f"{name}.sql" for name in SOURCE_RELATIONS}
    if not files["users"].is_file():
        files["users"] = ROOT / "source" / "no_users.sql"
    missing = [path.name for path in files.values() if not path.is_file()]
    if missing:
        problem = f"source {source!r} has no {', '.join(missing)} under {folder}"
        raise BadSettings(problem=problem)
    return tuple(path.read_text() for path in files.values())
