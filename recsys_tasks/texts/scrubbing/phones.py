"""Phone numbers: with a country's code, as some regions write them, and what is called one."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from phonenumbers import Leniency, PhoneNumberMatcher
from stdnum import ean, isbn

from recsys_tasks.texts.scrubbing.spans import Span, merged

# Digits with what stands between those of a phone number. Longer ones are tables.
_NUMBER: Final = re.compile(
    r"[+(]{0,2}\d[\d()\[\]./ \u2010-\u2015-]*\d(?:\s?(?:x|ext)[. ]{0,2}\d{1,6})?"
)
_LONGEST: Final = 300
_LEAST_DIGITS: Final = 7
_MOST_DIGITS: Final = 15  # ITU-T E.164
_GOODS_DIGITS: Final = 13  # of an EAN
_CALLED: Final = re.compile(
    r"(?<![^\W_])(?:tel|phone|call|ring|text|mobile|cell|whatsapp|sms|fax|handy|mobil|telefon|ruf"
    r"|anruf|mobiel|bel|portable|appel|móvil|llám|llam|cellulare|chiama|celular|liga|zap|dzwoń"
    r"|kom\.|電話|携帯)\w{0,10}"
    r"(?:\W{0,3}(?:me|us|him|her|mich|uns|moi|number|no|nr|nummer|is|ist|est|es|at|on|unter"
    r"|an|au|al|op|på|pod|ao|em)){0,3}[\s:.=#]{0,4}([+(]{0,2}\d[\d()./ -]{5,18}\d)",
    re.IGNORECASE,
)

# What is no phone number though it may be dialled: dates, decimals, addresses of computers.
_OTHER: Final = re.compile(
    r"(?:\d{1,2}([./-])\d{1,2}\1(?:19|20)\d\d|(?:19|20)\d\d([./-])\d{1,2}\2\d{1,2})(?!\d).*"
    r"|\d+\.\d+|\d{1,3}(?:\.\d{1,3}){3}"
)
_PART_OF_OTHER: Final = re.compile(r"(?:\d[.,]|[A-Za-z][/-]|[A-Za-z\d])\Z")


def phones(text: str, regions: Sequence[str]) -> Iterator[Span]:
    """Where phone numbers stand, in any order; places may overlap.

    Args:
        text: Cleaned.
        regions: Two capital letters each: whose numbers count without a country's code too. Bare
            digits are one only where they begin with 0, or are called one.
    """
    for found in _CALLED.finditer(text):
        if _LEAST_DIGITS <= _n_digits(found[1]) <= _MOST_DIGITS:
            yield found.span(1)
    for found in _NUMBER.finditer(text):
        if _n_digits(found[0]) >= _LEAST_DIGITS:
            places = _within(text, found.span(), regions)
            yield from (place for place in places if not _is_other(text, place))


def _within(text: str, number: Span, regions: Sequence[str]) -> Iterator[Span]:
    """Phone numbers in a stretch of digits and signs."""
    # With its neighbours: a letter or a currency before it makes it something else.
    start = max(number[0] - 2, 0)
    window = text[start : number[1] + 2]
    found = list(_matches(window, None, Leniency.POSSIBLE)) if "+" in window else []
    n_digits = _n_digits(window)
    for region in regions if len(window) <= _LONGEST else ():
        # No further region finds more where all digits are found.
        if sum(_n_digits(window[first:last]) for first, last in merged(found)) == n_digits:
            break
        found += _written_in(window, region)
    yield from ((start + first, start + last) for first, last in found)


def _written_in(window: str, region: str) -> Iterator[Span]:
    """Numbers that begin as one dials there, or have their digits in groups as it is done there."""
    grouped: list[Span] = []
    for start, end in _matches(window, region, Leniency.VALID):
        if window[start] in "0+(" and _n_digits(window[start:end]) >= _LEAST_DIGITS:
            yield start, end
        elif not window[start:end].isdigit():
            grouped.append((start, end))
    if grouped:
        strict = set(_matches(window, region, Leniency.STRICT_GROUPING))
        yield from (place for place in grouped if place in strict)


def _matches(window: str, region: str | None, leniency: int) -> Iterator[Span]:
    # As many tries as there may be candidates: the matcher would give up after 65,535.
    for match in PhoneNumberMatcher(window, region, leniency, max_tries=len(window)):
        yield match.start, match.end


def _is_other(text: str, place: Span) -> bool:
    """Whether it is a date, a part of a longer number or code, or the number of some goods."""
    start, end = place
    number = text[start:end]
    before = text[max(start - 12, 0) : start]
    return bool(
        _OTHER.fullmatch(number.strip("() -"))
        or (number[0] not in "+(" and _PART_OF_OTHER.search(before))
        or (len(number) == _GOODS_DIGITS and ean.is_valid(number))
        or (isbn.is_valid(number) and (number[:2] == "97" or "isbn" in before.casefold()))
    )


def _n_digits(text: str) -> int:
    return sum(map(str.isdigit, text))
