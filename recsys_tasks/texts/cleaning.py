"""A source's text without what is no text, and the hash it is known by."""

import hashlib
import html
import re
import unicodedata
from typing import Final

# Markup that hides what it holds; without its end it hides the rest, as in a browser.
HIDDEN: Final = re.compile(
    r"<!--.*?(?:-->|\Z)|<(script|style)\b[^<>]*>.*?(?:</\1\b[^<>]*>|\Z)", re.IGNORECASE | re.DOTALL
)
# A tag's name ends in a space, "/" or ">": "a < b", "|0><1|" and "<psi|phi>" stay. The last
# alternative is a character reference with so many digits that html.unescape would raise.
MARKUP: Final = re.compile(
    r"<!\[CDATA\[|\]\]>|</?[a-z][a-z0-9:-]*(?:[\s/][^<>]*)?>|<[!?][a-z\[][^<>]*>|&#[0-9]{9,};?",
    re.IGNORECASE,
)
# Texts may be escaped twice ("&amp;lt;p&amp;gt;"); escaped deeper than this, they lose their signs.
MAX_NESTING: Final = 4
NO_SIGNS: Final = str.maketrans("<>&", "   ")


def clean(text: str | None) -> str:
    r"""The words of a text: NFKC, no markup, no control or invisible characters, single spaces.

    Never raises; takes time in proportion to the text; cleaning twice changes nothing.

    >>> clean("<p>Caf&eacute;&nbsp;cups,\n\t3 &lt; 4</p>")
    'Café cups, 3 < 4'
    """
    text = text or ""
    for _ in range(MAX_NESTING):
        text, before = _peeled(text), text
        if text == before:
            return text
    return _peeled(text.translate(NO_SIGNS))


def _peeled(text: str) -> str:
    """The text with one layer less of markup and escapes."""
    text = html.unescape(MARKUP.sub(" ", HIDDEN.sub(" ", text)))
    # White space first: a line break is not printable either, but it parts words.
    text = "".join(filter(str.isprintable, " ".join(text.split())))
    return " ".join(unicodedata.normalize("NFKC", text).split())


def content_hash(text: str) -> bytes:
    """The 16 bytes that a cleaned text is known by: BLAKE2b (RFC 7693) of its UTF-8.

    The same on every machine and for ever: a text is encoded again only when its hash is new.

    >>> content_hash("").hex()
    'cae66941d9efbd404e4d88758ea67670'
    """
    return hashlib.blake2b(text.encode(), digest_size=16).digest()
