"""Which answers may become a name: short, and made of words that the catalogue itself uses.

Whatever made the model say it, an answer is let through only if every word of it, but for a few
small ones, stands in at least COMMON items of the catalogue, and one of them is a keyword of the
topic. So it is in the catalogue's language, names no item that is not there, and no person, address
or number; and one item, whatever its title says, cannot put a word into a name.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from recsys_tasks.topics import COMMON

MOST_CHARACTERS = 40
MOST_WORDS = 5
SMALL = frozenset({"and", "for", "from", "in", "of", "on", "or", "the", "to", "with"})
_NAME = re.compile(r"[^\W\d_]+(?:(?: & |, |-|'| )[^\W\d_]+)*")
_QUOTES = "\"'`*.: \N{LEFT DOUBLE QUOTATION MARK}\N{RIGHT DOUBLE QUOTATION MARK}"
_WORDS = re.compile(r"[^\W\d_]+")


class Allowed(NamedTuple):
    """What names may be made of.

    Attributes:
        vocabulary: The catalogue's words, in lower case.
        keywords: Of the topic, in lower case.
    """

    vocabulary: frozenset[str]
    keywords: frozenset[str]


def vocabulary_of(titles: Iterable[str]) -> frozenset[str]:
    """Words of the catalogue that at least COMMON titles use, in lower case."""
    counts = Counter(word for title in titles for word in set(_words(title)))
    return frozenset(word for word, n in counts.items() if n >= COMMON)


def tidied(answer: str) -> str:
    """The first line of an answer without quotation marks and a last stop, its first letter large.

    >>> tidied('"lunch bags." ')
    'Lunch bags'
    """
    line = next(iter(answer.strip().splitlines()), "")
    name = " ".join(line.split()).strip(_QUOTES)
    return name[:1].upper() + name[1:]


def refusal(name: str, allowed: Allowed) -> str | None:
    """Why a tidied answer may be no name, in our words; None where it may.

    >>> bags = Allowed(frozenset({"lunch", "bag", "red"}), frozenset({"lunch"}))
    >>> refusal("Lunch bags", bags), refusal("Red bags", bags)
    (None, 'it has no keyword of the topic')
    """
    words = [word for word in _words(name) if word not in SMALL]
    if len(name) > MOST_CHARACTERS or len(words) > MOST_WORDS:
        return "it is too long"
    if not _NAME.fullmatch(name):
        return "it has other signs than letters"
    if not all(_is_among(word, allowed.vocabulary) for word in words):
        return "it has words that the catalogue does not use"
    if not any(_is_among(word, allowed.keywords) for word in words):
        return "it has no keyword of the topic"
    return None


def _words(text: str) -> Sequence[str]:
    return _WORDS.findall(text.casefold())


def _is_among(word: str, known: frozenset[str]) -> bool:
    """Whether the word, its plural or its singular is known."""
    forms = {word, word + "s", word + "es", word.removesuffix("s"), word.removesuffix("es")}
    return not known.isdisjoint(forms)
