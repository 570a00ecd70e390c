"""Whether texts suit an encoder: an English model reads other languages letter by letter."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

from recsys_tasks.encoder.model import Encoder

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

MOST_UNKNOWN: Final = 0.05  # of all tokens
# Tokens a letter, of words without digits and signs: some .25 in a language that the model knows.
MOST_SPELT: Final = 0.45
# A letter of these scripts is a syllable or a word: one token each is well known.
MOST_SPELT_SYLLABIC: Final = 1.5
SYLLABIC: Final = ("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "THAI", "LAO", "KHMER", "ETHIOPIC")
MOST_TEXTS, MOST_CHARACTERS, FEWEST_LETTERS = 1000, 1000, 500


@dataclass(frozen=True)
class Suitability:
    """What a tokenizer makes of texts.

    Attributes:
        unknown: Share of tokens that stand for what the model cannot read.
        spelt: Share of letters in texts that the model must read nearly letter by letter.
        foreign: Share of letters that are not Latin.
    """

    unknown: float
    spelt: float
    foreign: float

    @property
    def problem(self) -> str | None:
        """What is wrong and what to do, in one line; None where nothing is."""
        found = []
        if self.unknown > MOST_UNKNOWN:
            found.append(f"{self.unknown:.0%} of their tokens are unknown to it")
        if self.spelt > MOST_UNKNOWN:
            found.append(
                f"it must spell {self.spelt:.0%} of their letters as parts of words that it does"
                f" not know ({self.foreign:.0%} of all letters are not Latin)"
            )
        if not found:
            return None
        return (
            f"texts do not suit the encoder: {', and '.join(found)}."
            " Set RECSYS_ENCODER to a model of their language, or to a multilingual one"
        )


def suitability(encoder: Encoder, texts: Sequence[str]) -> Suitability:
    """What the encoder's tokenizer makes of the first 1,000 characters of the first 1,000 texts.

    Fewer than 500 letters are too few to tell, but for unknown tokens. A language in the script of
    one that the model knows may be spelt little, and pass.
    """
    tokenizer = encoder.model.tokenizer
    if not callable(tokenizer):  # word vectors have a tokenizer of their own kind
        return Suitability(0, 0, 0)
    sample = [text[:MOST_CHARACTERS] for text in texts[:MOST_TEXTS]]
    words = [" ".join(_words(text)) for text in sample]
    n_letters = [len(text.replace(" ", "")) for text in words]
    total = sum(n_letters)
    enough = total >= FEWEST_LETTERS
    spelt = sum(
        letters
        for letters, text, ids in zip(n_letters, words, _ids(tokenizer, words), strict=True)
        if letters and len(ids) > _most_tokens(text)
    )
    foreign = sum(_script(letter) != "LATIN" for text in words for letter in text if letter != " ")
    return Suitability(
        _unknown(tokenizer, sample), spelt / total if enough else 0, foreign / max(total, 1)
    )


def _unknown(tokenizer: "PreTrainedTokenizerBase", texts: list[str]) -> float:
    ids = [number for row in _ids(tokenizer, texts) for number in row]
    unknown = getattr(tokenizer, "unk_token_id", None)
    return ids.count(unknown) / len(ids) if ids and unknown is not None else 0.0


def _ids(tokenizer: "PreTrainedTokenizerBase", texts: list[str]) -> list[list[int]]:
    if not texts:
        return []
    numbers: list[list[int]] = tokenizer(texts, add_special_tokens=False, verbose=False)[
        "input_ids"
    ]
    return numbers


def _words(text: str) -> list[str]:
    """The words of a text that have letters only, without accents: these may be tokens apart."""
    return [word for word in text.split() if word.isalpha()]


def _most_tokens(text: str) -> float:
    """The tokens at which a text of words counts as spelt."""
    letters = text.replace(" ", "")
    syllabic = sum(_script(letter) in SYLLABIC for letter in letters)
    return syllabic * MOST_SPELT_SYLLABIC + (len(letters) - syllabic) * MOST_SPELT


@cache
def _script(letter: str) -> str:
    return unicodedata.name(letter, "").partition(" ")[0]
