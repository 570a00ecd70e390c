"""Texts that users might write, with what in them leads to a person, and what only looks like it.

Addresses and numbers are Faker's, of the countries of LOCALES; the sentences around them are ours.
Nothing here knows how the scrubber finds what it finds.
"""

import random
from collections.abc import Callable, Iterator, Mapping
from typing import Final, NamedTuple

from faker import Faker

LOCALES: Final[Mapping[str, str]] = {
    "en_US": "US",
    "en_GB": "GB",
    "de_DE": "DE",
    "fr_FR": "FR",
    "es_ES": "ES",
    "it_IT": "IT",
    "nl_NL": "NL",
    "pl_PL": "PL",
    "pt_BR": "BR",
    "sv_SE": "SE",
    "en_IN": "IN",
    "en_AU": "AU",
    "ja_JP": "JP",
}
_AROUND: Final[Mapping[str, tuple[str, ...]]] = {
    "en": (
        "Great lamp, write to {} if you sell more.",
        "My neighbour ({}) has the same one.",
        "{} - ask for Kim, she knows",
        "it broke after 2 days!! {} please fix",
        "Contact: {}",
    ),
    "de": (
        "Tolle Lampe, bei Fragen gern {} nutzen.",
        "Erreichbar unter {} ab 18 Uhr",
        "{}, danke im Voraus",
    ),
    "fr": ("Très bon produit, {} pour me joindre.", "Merci de répondre : {}"),
    "es": ("Muy buena, {} para más datos.", "Escríbanme, {}, gracias"),
    "it": ("Ottimo, {} per informazioni.", "Scrivetemi: {}"),
    "nl": ("Mooie lamp, {} voor vragen.", "Reageer via {} graag"),
    "pl": ("Polecam, {} w razie pytań.", "Kontakt: {}"),
    "pt": ("Muito bom, {} para contato.", "Fale comigo: {}"),
    "sv": ("Fin lampa, {} om du vill veta mer.", "Kontakt: {}"),
    "ja": ("とても良い商品です。{} までご連絡ください。", "連絡先 {}"),
}


class Labelled(NamedTuple):
    """A text.

    Attributes:
        kind: Of what it holds: a kind of the scrubber's, or `none`.
        form: How that is written.
        text: All of it.
        held: What leads to a person; what looks like it where the kind is `none`.
    """

    kind: str
    form: str
    text: str
    held: str


Maker = Callable[[Faker, random.Random], str]


def _grouped(digits: str, sizes: tuple[int, ...], sign: str) -> str:
    parts: list[str] = []
    rest = digits
    for size in sizes:
        parts, rest = [*parts, rest[:size]], rest[size:]
    return sign.join(part for part in [*parts, rest] if part)


def _fours(text: str) -> str:
    return " ".join(text[start : start + 4] for start in range(0, len(text), 4))


def _card(fake: Faker) -> str:
    kinds = ("visa16", "mastercard", "amex", "discover", "jcb16", "diners")
    return fake.credit_card_number(fake.random_element(kinds))


PERSONAL: Final[Mapping[tuple[str, str], Maker]] = {
    ("e-mail", "plain"): lambda fake, _: fake.ascii_email(),
    ("e-mail", "company"): lambda fake, _: fake.company_email(),
    ("e-mail", "capitals"): lambda fake, _: fake.ascii_email().upper(),
    ("e-mail", "tagged"): lambda fake, _: fake.ascii_free_email().replace("@", "+shop@"),
    ("e-mail", "in brackets"): lambda fake, _: f"<{fake.ascii_email()}>",
    ("e-mail", "signs in brackets"): lambda fake, _: (
        fake.ascii_free_email().replace("@", " (at) ").replace(".", " [dot] ")
    ),
    ("e-mail", "signs in words"): lambda fake, _: " dot ".join(
        fake.ascii_free_email().replace("@", " at ").rsplit(".", 1)
    ),
    ("phone", "as Faker writes it"): lambda fake, _: fake.phone_number(),
    ("phone", "after a word"): lambda fake, rng: (
        rng.choice(("tel. ", "phone: ", "call me on ", "WhatsApp ", "Mobile no. "))
        + fake.phone_number()
    ),
    ("card", "bare"): lambda fake, _: _card(fake),
    ("card", "in fours"): lambda fake, _: _fours(_card(fake)),
    ("card", "by dashes"): lambda fake, _: _grouped(_card(fake), (4, 4, 4, 4), "-"),
    ("account", "IBAN"): lambda fake, _: fake.iban(),
    ("account", "IBAN in fours"): lambda fake, _: _fours(fake.iban()),
    ("account", "IBAN in small letters"): lambda fake, _: fake.iban().lower(),
    ("account", "after a word"): lambda _, rng: (
        rng.choice(("account number ", "acct # ", "Konto-Nr. ", "cuenta ", "Account: "))
        + str(rng.randrange(10**7, 10**10))
    ),
    ("account", "sort code"): lambda _, rng: (
        f"{rng.randrange(10, 99)}-{rng.randrange(10, 99)}-{rng.randrange(10, 99)}"
        f" {rng.randrange(10**7, 10**8)}"
    ),
}
HARMLESS: Final[Mapping[str, Maker]] = {
    "order number": lambda _, rng: f"order {rng.randrange(10**7, 10**11)}",
    "dated order number": lambda fake, rng: f"#{fake.date('%Y%m%d')}-{rng.randrange(10**5):05d}",
    "ISBN-13": lambda fake, _: fake.isbn13(),
    "ISBN-10": lambda fake, _: f"ISBN {fake.isbn10()}",
    "EAN": lambda fake, _: f"EAN {fake.ean13()}",
    "price": lambda _, rng: f"${rng.randrange(10**3, 10**8):,}.{rng.randrange(100):02d}",
    "date and time": lambda fake, _: fake.date("%Y-%m-%d %H:%M:%S"),
    "German date": lambda fake, _: fake.date("%d.%m.%Y, %H:%M"),
    "years": lambda _, rng: f"{rng.randrange(1800, 1999)}-{rng.randrange(2000, 2030)}",
    "product code": lambda fake, _: fake.bothify("??-#####-##").upper(),
    "serial number": lambda fake, _: f"S/N {fake.bothify('##??#######')}",
    "parcel": lambda fake, _: f"parcel {fake.numerify('1Z###################')}",
    "address of a computer": lambda fake, _: fake.ipv4(),
    "UUID": lambda fake, _: fake.uuid4(),
    "hash": lambda fake, _: fake.sha1(),
    "place on earth": lambda fake, _: f"{fake.latitude()}, {fake.longitude()}",
    "mention": lambda fake, _: f"@{fake.user_name()}",
    "number with decimals": lambda _, rng: f"{rng.uniform(0, 100):.12f}",
    "paper": lambda _, rng: (
        f"arXiv:{rng.randrange(10, 26):02d}{rng.randrange(1, 13):02d}.{rng.randrange(10**5):05d}"
    ),
    "size": lambda _, rng: f"{rng.randrange(10, 300)} x {rng.randrange(10, 300)} x 120 cm",
    "score": lambda _, rng: " ".join(f"{rng.randrange(7)}-{rng.randrange(7)}" for _ in range(3)),
    "version": lambda _, rng: f"v{rng.randrange(20)}.{rng.randrange(50)}.{rng.randrange(9999)}",
    "population": lambda _, rng: f"{rng.randrange(10**6, 10**8):,} people",
    "time at a place": lambda fake, _: f"{fake.time('%H:%M')} at {fake.city()}",
}


def labelled_texts(n: int, seed: int) -> Iterator[Labelled]:
    """N texts of every country and form.

    Args:
        n: Of each.
        seed: The same gives the same texts.
    """
    rng = random.Random(seed)  # noqa: S311  no secrets
    for locale in LOCALES:
        fake = Faker(locale)
        fake.seed_instance(seed)
        around = _AROUND[locale[:2]]
        for (kind, form), make in PERSONAL.items():
            for _ in range(n):
                held = make(fake, rng)
                yield Labelled(kind, form, rng.choice(around).format(held), held)
        for form, make in HARMLESS.items():
            for _ in range(n):
                held = make(fake, rng)
                yield Labelled("none", form, rng.choice(around).format(held), held)
