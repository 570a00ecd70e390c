"""What tables and progress bars look like."""

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table


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


def table(*headings: str, title: str | None = None) -> Table:
    """A plain table; figures are right-aligned where a heading ends in a space."""
    made = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for heading in headings:
        made.add_column(heading.rstrip(), justify="right" if heading.endswith(" ") else "left")
    return made
