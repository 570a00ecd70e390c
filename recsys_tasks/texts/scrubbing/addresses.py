"""E-mail addresses, also where the signs are spelt out to keep machines away."""

import re
from collections.abc import Iterator
from typing import Final

from recsys_tasks.texts.scrubbing.spans import Span

_AT: Final = re.compile(r"@|\s?[\[({<]\s?(?:at|@|ät|arroba)\s?[\])}>]\s?| at ", re.IGNORECASE)
_WRITTEN_DOT: Final = r"\s?[\[({<]\s?(?:dot|punkt|point|punto)\s?[\])}>]\s?| (?:dot|punkt|punto) "
# At most eight labels of at most 63 characters: a try is bounded, however long the text.
_HOST: Final = re.compile(
    rf"(?:[^\W_][\w-]{{0,62}}(?:\.|{_WRITTEN_DOT})){{1,8}}[^\W\d_][\w-]{{1,62}}", re.IGNORECASE
)
_DOT: Final = re.compile(_WRITTEN_DOT, re.IGNORECASE)
_SIGNS: Final = frozenset("._%+-'~")
_LONGEST_NAME: Final = 64  # RFC 5321, 4.5.3.1.1


def addresses(text: str) -> Iterator[Span]:
    """Where e-mail addresses stand, in ascending order.

    A word " at " counts where a dot is spelt out too. What is called like a function is code:
    `a@b.sum()`.
    """
    done = 0
    for at in _AT.finditer(text):
        host = _HOST.match(text, at.end())
        if host is None or text[host.end() : host.end() + 1] == "(":
            continue
        if at[0] == " at " and not _DOT.search(host[0]):
            continue
        start = _name_before(text, at.start(), max(done, at.start() - _LONGEST_NAME))
        if start < at.start():
            yield start, host.end()
            done = host.end()


def _name_before(text: str, end: int, earliest: int) -> int:
    """Where the name begins that ends before an at sign; `end` where there is none."""
    start = end
    while start > earliest and (text[start - 1].isalnum() or text[start - 1] in _SIGNS):
        start -= 1
    while start < end and not text[start].isalnum():
        start += 1
    return start
