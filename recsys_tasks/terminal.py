"""What tables and progress bars look like."""

from rich.console import Console, RenderableType
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.style import StyleType
from rich.table import Table

from recsys_tasks.errors import on_one_line


def progress(console: Console) -> Progress:
    """A bar, gone when done; nothing where the console is no terminal."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )


class PlainTable(Table):
    """A table of anybody's texts: none breaks its line, or steers the terminal."""

    def add_row(
        self,
        *renderables: RenderableType | None,
        style: StyleType | None = None,
        end_section: bool = False,
    ) -> None:
        """Add a row of cells."""
        cells = (on_one_line(cell) if isinstance(cell, str) else cell for cell in renderables)
        super().add_row(*cells, style=style, end_section=end_section)


def table(*headings: str, title: str | None = None) -> PlainTable:
    """A plain table; figures are right-aligned where a heading ends in a space."""
    made = PlainTable(title=title, title_justify="left", box=None, pad_edge=False)
    for heading in headings:
        made.add_column(heading.rstrip(), justify="right" if heading.endswith(" ") else "left")
    return made
