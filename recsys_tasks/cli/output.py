"""Where words go: answers to standard output, errors, logs and progress to standard error."""

import logging
import sys

import structlog
from rich.console import Console

PIPED_WIDTH = 120  # columns of tables, where there is no terminal to ask

# Titles and reasons are anybody's text: "[/red]" and ":cat:" are shown as they stand.
ANSWERS = Console(
    highlight=False,
    soft_wrap=True,
    markup=False,
    emoji=False,
    width=None if sys.stdout.isatty() else PIPED_WIDTH,
)


class Errors:
    """Standard error, in one line each."""

    def __init__(self) -> None:
        """Tracebacks are for who asks."""
        self.console = Console(
            stderr=True, highlight=False, soft_wrap=True, markup=False, emoji=False
        )
        self.show_tracebacks = False

    def say(self, message: str) -> None:
        """Print a message, after the traceback of the error at hand if that was asked for."""
        if self.show_tracebacks:
            self.console.print_exception()
        self.console.print("ebbtide: " + " ".join(message.split()))


ERRORS = Errors()


def set_up_logging(*, verbose: bool) -> None:
    """Log events to standard error: everything, or what needs attention."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.INFO if verbose else logging.WARNING
        ),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
