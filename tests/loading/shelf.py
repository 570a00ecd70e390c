"""A folder to load, and what is in the database after it."""

from pathlib import Path

from recsys_tasks.loading import FileReport, load_folder
from recsys_tasks.warehouse import Warehouse

HEADER = "event_id,user_id,item_id,event_type,value,text,occurred_at"
GOOD = "e1,u1,i1,purchase,2.5,,2024-03-01T10:00:00Z"


class Shelf:
    """A folder to load, and what is in the database after it."""

    def __init__(self, folder: Path, warehouse: Warehouse) -> None:
        self.folder = folder
        self.warehouse = warehouse

    def put(self, name: str, *lines: str, header: str = HEADER) -> Path:
        """Write a CSV file in UTF-8."""
        path = self.folder / name
        path.write_text("\n".join([header, *lines, ""]), "utf-8", newline="")
        return path

    def load(self) -> dict[str, FileReport]:
        """The reports by file."""
        return {report.file: report for report in load_folder(self.warehouse, self.folder)}

    def rows(self, statement: str) -> list[tuple[object, ...]]:
        """What a statement finds."""
        with self.warehouse.transaction() as session:
            return session.select(statement)

    def rejected(self) -> list[tuple[object, ...]]:
        """Reasons and rows, in the order of loading."""
        return self.rows("select reason, row from rejected_interactions order by reason")


def many(n: int) -> str:
    """A file of n rows whose texts do not compress to nothing."""
    rows = (
        f'e{row},u{row * 7919 % 997},i{row * 7919**3 % 10**9},view,,"a, b",2024-03-01'
        for row in range(n)
    )
    return "\n".join([HEADER, *rows, ""])
