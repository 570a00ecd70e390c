"""What is put in place of what leads to a person, and when nothing needs to be looked for."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from phonenumbers import SUPPORTED_REGIONS

from recsys_tasks.texts.cleaning import clean
from recsys_tasks.texts.scrubbing.addresses import addresses
from recsys_tasks.texts.scrubbing.payment import accounts, cards
from recsys_tasks.texts.scrubbing.phones import phones
from recsys_tasks.texts.scrubbing.spans import Span, replaced

VERSION: Final = 1  # of what is found: another one scrubs again what is stored
KINDS: Final[Mapping[str, str]] = MappingProxyType({
    "e-mail": "[e-mail]",
    "account": "[account]",
    "card": "[card]",
    "phone": "[phone]",
})
# A text with fewer digits together and no at sign holds nothing to be found.
_SUSPECT: Final = re.compile(r"@|\d(?:\D{0,6}\d){5}| at |[\[({<]\s?(?:at|ät|arroba)", re.IGNORECASE)
_ESCAPED: Final = re.compile("[&<]")  # markup may part digits, or stand for them
_PASSES: Final = 4  # what was beside an address or a number may be one by itself afterwards


def known_regions() -> frozenset[str]:
    """Whose phone numbers can be told: two capital letters each (CLDR)."""
    return frozenset(SUPPORTED_REGIONS)


@dataclass(frozen=True)
class Scrubber:
    """Finds and marks.

    Attributes:
        regions: Whose phone numbers count without a country's code too.
    """

    regions: tuple[str, ...] = ()

    @property
    def rules(self) -> str:
        """Names what it finds: texts that were scrubbed by others are to be scrubbed again."""
        return f"{VERSION} {','.join(sorted(self.regions))}"

    def scrub(self, text: str) -> str:
        """A cleaned text with marks for addresses and numbers; any other text as it is.

        Takes time in proportion to the text; scrubbing twice changes nothing.

        >>> Scrubber(("GB",)).scrub("Write to ada@example.org or ring 020 7946 0958.")
        'Write to [e-mail] or ring [phone].'
        """
        for _ in range(_PASSES):
            if not _SUSPECT.search(text):
                break
            text, before = self._marked(text), text
            if text == before:
                break
        return text

    def scrub_raw(self, text: str) -> str:
        """A text as a source has it: cleaned and marked where it holds any, else as it is."""
        if text.isascii() and not _ESCAPED.search(text) and not _SUSPECT.search(text):
            return text
        cleaned = clean(text)
        scrubbed = self.scrub(cleaned)
        return text if scrubbed == cleaned else scrubbed

    def changes(self, texts: Iterable[str]) -> Iterator[tuple[str, str]]:
        """Those of a source's texts that hold any, each with what is to stand in its place."""
        for text in texts:
            scrubbed = self.scrub_raw(text)
            if scrubbed != text:
                yield text, scrubbed

    def _marked(self, text: str) -> str:
        for kind, find in self._kinds():
            text = replaced(text, find(text), KINDS[kind])
        return text

    def _kinds(self) -> Iterator[tuple[str, Callable[[str], Iterator[Span]]]]:
        """In the order in which one may be taken for the next."""
        yield "e-mail", addresses
        yield "account", accounts
        yield "card", cards
        yield "phone", lambda text: phones(text, self.regions)
