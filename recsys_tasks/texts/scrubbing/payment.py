"""Numbers of cards and of accounts: by their check digits, their form, or the word before them."""

import re
from collections.abc import Callable, Iterator
from typing import Final

from stdnum import luhn
from stdnum.ar import cbu
from stdnum.cz import bankaccount as czech
from stdnum.es import ccc
from stdnum.iso7064 import mod_97_10
from stdnum.no import kontonr
from stdnum.nz import bankaccount as new_zealand

from recsys_tasks.texts.scrubbing.spans import Span

# Lengths by the issuer's first digits (ISO/IEC 7812): American Express, Diners, Mastercard, and
# Visa, Discover, JCB, UnionPay and Maestro, whose cards have 16 or more.
_CARD: Final = re.compile(
    r"3[47]\d{13}|3(?:0[0-5]|[689]\d)\d{11}|(?:5[1-5]|2[2-7])\d{14}|(?:4|35|50|5[6-9]|6)\d{14,18}"
)
_CARD_LENGTHS: Final = range(14, 20)
_DIGITS: Final = re.compile(r"\d(?:[ -]?\d)*")
_GROUP: Final = re.compile(r"\d+")

_SHORTEST_IBAN: Final = 15
_ALNUMS: Final = re.compile("[a-z0-9]+", re.IGNORECASE)
_IBAN: Final = re.compile(r"(?<![^\W_])[a-z]{2}\d{2}(?:[ -]?[a-z0-9]){11,30}", re.IGNORECASE)

# Forms of countries, each with what tells a number of an account from another one of that form.
_FORMS: Final[tuple[tuple[re.Pattern[str], Callable[[str], bool]], ...]] = (
    (re.compile(r"(?<!\d)(?:\d[ -]?){19}\d(?!\d)"), ccc.is_valid),
    (re.compile(r"(?<!\d)\d{22}(?!\d)"), cbu.is_valid),
    (re.compile(r"(?<!\d)(?:\d{1,6}-)?\d{2,10}/\d{4}(?!\d)"), czech.is_valid),
    (re.compile(r"(?<!\d)\d{4}([. ])\d{2}\1\d{5}(?!\d)"), kontonr.is_valid),
    (re.compile(r"(?<!\d)\d{2}-\d{3,4}-\d{7}-\d{2,3}(?!\d)"), new_zealand.is_valid),
    # A British sort code, and the account.
    (re.compile(r"(?<![\d-])\d{2}-\d{2}-\d{2}[ ,/]{1,3}\d{8}(?!\d)"), lambda _: True),
)
_CALLED: Final = re.compile(
    r"(?<![^\W_])(?:account|acct|acc|a/c|iban|routing|sort code|(?:bank)?konto|blz|bankleitzahl"
    r"|compte|cuenta|conto|conta|rekening|rachunek|tilinumero|口座)"
    r"[\s:.#=-]{0,4}(?:(?:number|num|no|nr|nº|n°|nummer|numéro|número|numero)[\s:.#=-]{0,4})?"
    r"(?:is|ist|est|es|è|é)?[\s:#=]{0,3}(\d(?:[ -]?\d){5,25})",
    re.IGNORECASE,
)


def cards(text: str) -> Iterator[Span]:
    """Where numbers of cards stand: an issuer's digits and length, and Luhn's check digit."""
    for run in _DIGITS.finditer(text):
        groups = [
            (group.start() + run.start(), group.end() + run.start(), group[0])
            for group in _GROUP.finditer(run[0])
        ]
        for first, (start, _, _) in enumerate(groups):
            if _is_letter(text[start - 1 : start]):
                continue
            number = ""
            for _, end, digits in groups[first : first + _CARD_LENGTHS.stop]:
                number += digits
                if len(number) >= _CARD_LENGTHS.stop:
                    break
                if _CARD.fullmatch(number) and luhn.is_valid(number):
                    yield start, end


def accounts(text: str) -> Iterator[Span]:
    """Where numbers of accounts stand: IBANs, some countries' own, and what is called one."""
    yield from _ibans(text)
    for form, is_valid in _FORMS:
        yield from (found.span() for found in form.finditer(text) if is_valid(found[0]))
    yield from (found.span(1) for found in _CALLED.finditer(text))


def _ibans(text: str) -> Iterator[Span]:
    """Where IBANs stand, of any country; the words that follow one may look like a part of it."""
    position = 0
    while found := _IBAN.search(text, position):
        start, number = found.start(), ""
        ends = []
        for group in _ALNUMS.finditer(text, start, found.end()):
            number += group[0]
            if len(number) >= _SHORTEST_IBAN and not text[group.end() : group.end() + 1].isalnum():
                ends.append((group.end(), number[4:] + number[:4]))
        end = next((end for end, turned in reversed(ends) if mod_97_10.is_valid(turned)), None)
        if end:
            yield start, end
        position = end or start + 1


def _is_letter(sign: str) -> bool:
    return sign.isascii() and sign.isalpha()
