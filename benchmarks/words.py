"""The texts of a made world, and an encoder that reads them.

Words that do not exist, some of an item's category and some of all. The encoder has a random vector
a word, and for a text the mean of its words'. It costs next to nothing, so that a large world
measures everything but the encoder, which encode.py measures apart.
"""

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

SYLLABLES: Final = [consonant + vowel for consonant in "bdfgklmnprstvz" for vowel in "aeiou"]
N: Final = len(SYLLABLES)
SHARED_WORDS: Final = 500  # that any text may have
OWN_WORDS: Final = 40  # of a category
DIM: Final = 384  # as the default encoder's


def titles(
    rows: NDArray[np.intp], categories: NDArray[np.int32], n_words: int, seed: int
) -> list[str]:
    """The titles of items: half of the words are the category's own.

    Args:
        rows: Of the n items: an item's title does not depend on which others are asked for.
        categories: Of the same, shape (n,).
        n_words: In a title.
        seed: Of the world.
    """
    n_own = n_words // 2
    found = []
    for row, category in zip(rows.tolist(), categories.tolist(), strict=True):
        rng = np.random.default_rng([seed, 3, row])
        own = category * OWN_WORDS + rng.integers(OWN_WORDS, size=n_own)
        shared = -1 - rng.integers(SHARED_WORDS, size=n_words - n_own)
        found.append(" ".join(map(word, (*shared.tolist(), *own.tolist()))).capitalize())
    return found


def word(number: int) -> str:
    """A word of its own for every number: those of no category are below 0."""
    number = 2 * number if number >= 0 else -2 * number - 1
    return SYLLABLES[number % N] + SYLLABLES[number // N % N] + SYLLABLES[number // N**2]


def save_encoder(n_categories: int, seed: int, folder: Path) -> Path:
    """Write the encoder of a world's words into a folder."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

    numbers = range(-SHARED_WORDS, n_categories * OWN_WORDS)
    vocabulary = {"[UNK]": 0} | {word(number): row for row, number in enumerate(numbers, start=1)}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))  # noqa: S106  a word
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    rng = np.random.default_rng([seed, 4])
    weights = rng.standard_normal((len(vocabulary), DIM), np.float32)
    module = StaticEmbedding(tokenizer, embedding_weights=weights)
    SentenceTransformer(modules=[module], device="cpu").save(str(folder), create_model_card=False)
    return folder
