"""A table as a CSV file, safe to open in a spreadsheet."""

import csv
import io
from datetime import date, datetime

from ebbtide_pages.content import Cell, Link, Reasons, State, Table

# What a spreadsheet takes for a formula: https://owasp.org/www-community/attacks/CSV_Injection
_FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n")


def csv_of(table: Table) -> str:
    """The table with its headings; an id stands beside what links to it."""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream)
    links = [_is_link_column(table, at) for at in range(len(table.columns))]
    headings = [
        name
        for column, is_link in zip(table.columns, links, strict=True)
        for name in ([column.heading, f"{column.heading}_id"] if is_link else [column.heading])
    ]
    writer.writerow(headings)
    for row in table.rows:
        writer.writerow([
            _safe(value)
            for cell, is_link in zip(row, links, strict=True)
            for value in (_both(cell) if is_link else [_plain(cell)])
        ])
    return stream.getvalue()


def _is_link_column(table: Table, at: int) -> bool:
    """Whether cells of a column are called otherwise than the id that they link to."""
    cells = (row[at] for row in table.rows)
    return any(
        isinstance(cell, Link) and cell.query.get("id", cell.text) != cell.text for cell in cells
    )


def _both(cell: Cell) -> list[Cell]:
    return [cell.text, cell.query.get("id")] if isinstance(cell, Link) else [_plain(cell), None]


def _plain(cell: Cell) -> Cell:
    match cell:
        case Link() | State():
            return cell[0]
        case Reasons():
            return cell.told
        case datetime() | date():
            return cell.isoformat()
        case _:
            return cell


def _safe(value: Cell) -> Cell:
    """A text that a spreadsheet shows as it stands.

    >>> _safe("=1+1"), _safe(-1.5), _safe("red cup")
    ("'=1+1", -1.5, 'red cup')
    """
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULAS) else value
