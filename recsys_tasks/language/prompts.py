"""How a language model is asked about a user: the titles of what the user did, as a list.

Titles are anybody's text. Whatever one says, it is read and never answered: what comes of a prompt
is how likely other titles are after it, as numbers.
"""

from collections.abc import Sequence
from typing import Final

TITLE_LENGTH: Final = 80  # characters
# What stands before an item: of a user of whom nothing is known, it is all.
NOTHING_KNOWN: Final = "Things that one person likes:\n-"


def prompt_of(titles: Sequence[str]) -> str:
    r"""What a user did, oldest first, and the beginning of what comes next.

    >>> prompt_of(["Red cup", "Blue\nplate"])
    'Things that one person likes:\n- Red cup\n- Blue plate\n-'
    """
    return NOTHING_KNOWN + "".join(f" {on_a_line(title)}\n-" for title in titles)


def on_a_line(title: str) -> str:
    """A title as a prompt has it: on one line, cut."""
    return " ".join(title.split())[:TITLE_LENGTH].rstrip()
