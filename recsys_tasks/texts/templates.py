"""The sentence that an item's fields are put into: `{title}. {category}. {description}`."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from string import Formatter
from typing import Final

# Attributes that the template does not name come last, by their keys, as "colour: red".
DEFAULT_TEMPLATE: Final = "{title}. {category}. {description}. {attributes}"
PARTING: Final = " .,;:|/-"
CLOSING: Final = ")]'\""
SENTENCE_END: Final = (".", "!", "?")


@dataclass(frozen=True)
class Template:
    """A text with fields in braces.

    Attributes:
        text: As in `str.format`, without conversions and formats. A field is title, category,
            description, attributes (all that are not named), or the key of an attribute.
    """

    text: str = DEFAULT_TEMPLATE

    def __post_init__(self) -> None:
        """Refuse what could not be filled.

        Raises:
            ValueError: It has no field, or a brace that opens none.
        """
        if not any(self.fields):
            message = f"{self.text!r} names no field: write {{title}}, {{description}} or others"
            raise ValueError(message)
        for _, field, form, conversion in Formatter().parse(self.text):
            if field == "" or form or conversion:
                message = f"{self.text!r}: a field is a name in braces and nothing else"
                raise ValueError(message)

    @property
    def fields(self) -> list[str]:
        """The names in braces, in their order."""
        return [field for _, field in self._parts() if field]

    def filled(self, values: Mapping[str, str]) -> str:
        """The text with values in their fields.

        An empty field takes the words before it along; of two ends of a sentence the first stays.

        >>> template = Template("{title}. Colour: {colour}. {description}")
        >>> template.filled({"title": "Cup?", "description": "Holds tea."})
        'Cup? Holds tea.'
        >>> template.filled({"title": "Cup", "colour": "red"})
        'Cup. Colour: red'
        """
        filled, first, is_left_out = "", self.fields[0], False
        for before, field in self._parts():
            value = values.get(field, "") if field else ""
            if is_left_out:
                before = before.lstrip(CLOSING)  # noqa: PLW2901  what it would close is not there
            is_left_out = bool(field) and not value
            if is_left_out:
                continue
            # What parts two fields has nothing to part where the first of them is empty.
            words = before if filled or field == first else before.lstrip(PARTING)
            if filled.endswith(SENTENCE_END):
                words = words.removeprefix(".")
            filled += words + value
        return filled if any(values.get(field) for field in self.fields) else ""

    def _parts(self) -> Iterator[tuple[str, str | None]]:
        """Words and the field that follows them; None after the last words."""
        for words, field, _, _ in Formatter().parse(self.text):
            yield words, field
