"""What a language model reads of an item, and the rules by which it is put together."""

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

from recsys_tasks.texts.boilerplate import Boilerplate
from recsys_tasks.texts.cleaning import clean
from recsys_tasks.texts.templates import Template

if TYPE_CHECKING:  # what it looks for takes a moment to load
    from recsys_tasks.texts.scrubbing import Scrubber

WORD: Final = re.compile(r"\w+(?:['\u2019]\w+)*")


@dataclass(frozen=True)
class Rules:
    """How the fields of an item become one text.

    Attributes:
        template: What stands where.
        stop_words: Left out, in lower case; compared without regard to case.
        boilerplate: Sentences left out of descriptions.
        scrubber: Marks what leads to a person; None where items' texts are not scrubbed.
    """

    template: Template = field(default_factory=Template)
    stop_words: frozenset[str] = frozenset()
    boilerplate: Boilerplate = field(default_factory=Boilerplate)
    scrubber: "Scrubber | None" = None

    @property
    def fingerprint(self) -> str | None:
        """Twelve hexadecimal digits of the rules; None for those of `Rules()`.

        Items that were described before there were rules have none either.
        """
        if self == Rules():
            return None
        facts = [self.template.text, sorted(self.stop_words), sorted(self.boilerplate.hashes)]
        if self.scrubber:
            facts.append(self.scrubber.rules)
        return blake2b(json.dumps(facts).encode(), digest_size=6).hexdigest()


def item_text(
    title: str | None,
    category: str | None,
    description: str | None,
    attributes: Mapping[str, object] | None,
    rules: Rules | None = None,
) -> str:
    """What the model reads of an item, cleaned; empty where the item has no words.

    By default the title comes first, because the model cuts long texts at their end. Attributes
    come in the order of their keys, so that equal items have equal texts. An attribute's key
    that is also the name of a field is read among the attributes only.

    >>> item_text("Doggy rubber", None, "Rubs out!", {"size": [2, 3], "colour": "red", "age": None})
    'Doggy rubber. Rubs out! colour: red; size: 2, 3'
    """
    rules = rules or Rules()
    own = {
        "title": clean(title),
        "category": clean(category),
        "description": rules.boilerplate.removed_from(clean(description)),
    }
    values = {key: clean(_words(value)) for key, value in sorted((attributes or {}).items())}
    named = set(rules.template.fields) - {*own, "attributes"}
    rest = (f"{key}: {value}" for key, value in values.items() if value and key not in named)
    fields = {**values, **own, "attributes": "; ".join(rest)}
    # Once more: the end of one part and the start of the next may look like a tag.
    text = clean(rules.template.filled(fields))
    return _without(rules.stop_words, rules.scrubber.scrub(text) if rules.scrubber else text)


def stop_words(words: Collection[str]) -> frozenset[str]:
    """Words to leave out, in lower case; "english" stands for scikit-learn's list of 318."""
    if "english" not in words:
        return frozenset(words)
    from sklearn.feature_extraction.text import (  # noqa: PLC0415 - takes a second
        ENGLISH_STOP_WORDS,
    )

    return frozenset(words) - {"english"} | frozenset[str](ENGLISH_STOP_WORDS)


def _without(stop_words: frozenset[str], text: str) -> str:
    """A cleaned text without some words; one that has no others stays whole ("The Who")."""
    if not stop_words:
        return text

    def kept(word: re.Match[str]) -> str:
        return "" if word[0].casefold() in stop_words else word[0]

    left = WORD.sub(kept, text)
    return clean(left) if WORD.search(left) else text


def _words(value: object) -> str:
    """An attribute's value in words: lists by commas, truth as yes or no, None as nothing."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case Mapping():
            return ", ".join(f"{key} {_words(part)}" for key, part in sorted(value.items()))
        case list() | tuple():
            return ", ".join(filter(None, map(_words, value)))
        case _:
            return str(value)
