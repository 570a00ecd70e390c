"""Sentences that stand in many descriptions and tell nothing of an item: shipping, greetings.

Counted by hash: a catalogue's sentences need not fit in memory, only eight bytes for each.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b
from math import ceil
from typing import Final

from recsys_tasks.texts.cleaning import clean

BETWEEN: Final = re.compile(r"(?<=[.!?。！？])\s+|(?<=[。！？])")  # noqa: RUF001  of Chinese
FEWEST: Final = 3  # what two items share may well be what they are


@dataclass(frozen=True)
class Boilerplate:
    """Sentences to leave out, by hash.

    Attributes:
        hashes: Of `sentence_hashes`.
    """

    hashes: frozenset[int] = frozenset()

    @classmethod
    def of(cls, descriptions: Iterable[str | None], share: float) -> "Boilerplate":
        """The sentences that stand in at least a share of descriptions, and in three or more."""
        counts: Counter[int] = Counter()
        n = 0
        for n, description in enumerate(descriptions, 1):  # noqa: B007  the last one counts
            counts.update(set(sentence_hashes(clean(description))))
        enough = max(FEWEST, ceil(share * n))
        return cls(frozenset(number for number, count in counts.items() if count >= enough))

    def removed_from(self, text: str) -> str:
        """The sentences of a cleaned text that are none of these."""
        if not self.hashes:
            return text
        pairs = zip(_sentences(text), sentence_hashes(text), strict=True)
        return " ".join(sentence for sentence, number in pairs if number not in self.hashes)


def sentence_hashes(text: str) -> list[int]:
    """A hash for each sentence of a cleaned text, in their order; the case does not matter."""
    return [_hash(sentence) for sentence in _sentences(text)]


def _sentences(text: str) -> list[str]:
    return [sentence for sentence in BETWEEN.split(text) if sentence]


def _hash(sentence: str) -> int:
    digest = blake2b(sentence.casefold().encode(), digest_size=8).digest()
    return int.from_bytes(digest)
