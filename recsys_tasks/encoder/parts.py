"""Long texts in parts: each as long as the model reads, their vectors pooled by tokens."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

MOST: Final = (
    16  # parts of one text: what is beyond them is cut, so that one text cannot cost a night
)


class Part(NamedTuple):
    """A stretch of a text.

    Attributes:
        row: Of its text.
        text: What it says.
        n_tokens: What it counts in the mean of its text.
    """

    row: int
    text: str
    n_tokens: int


def split(model: "SentenceTransformer", texts: Sequence[str], prompt: str | None) -> list[Part]:
    """The parts of texts, in the order of the texts; a text that the model can read has one.

    A part ends where a token does, at a space where there is one in its last quarter.
    """
    tokenizer, longest = model.tokenizer, model.max_seq_length
    if not isinstance(longest, int):  # static word vectors: any length
        return [Part(row, text, 1) for row, text in enumerate(texts)]
    taken = len(tokenizer(prompt)["input_ids"]) if prompt else len(tokenizer("")["input_ids"])
    room = max(longest - taken, 1)
    tokens = tokenizer(
        list(texts), add_special_tokens=False, return_offsets_mapping=True, verbose=False
    )
    return [
        part
        for row, (text, offsets) in enumerate(zip(texts, tokens["offset_mapping"], strict=True))
        for part in _parts(row, text, [start for start, _ in offsets], room)
    ]


def _parts(row: int, text: str, starts: list[int], room: int) -> Iterator[Part]:
    """Stretches of at most `room` tokens; `starts` has the place of each token in the text."""
    first = 0
    for _ in range(MOST):
        until = min(first + room, len(starts))
        if until < len(starts):
            until = _at_a_space(text, starts, first, until)
        begin, end = starts[first] if first else 0, starts[until] if until < len(starts) else None
        yield Part(row, text[begin:end].strip(), max(until - first, 1))
        if until >= len(starts):
            return
        first = until


def _at_a_space(text: str, starts: list[int], first: int, until: int) -> int:
    """The last token before `until` that begins a word, if it is in the last quarter."""
    for token in range(until, until - (until - first) // 4, -1):
        start = starts[token]
        # A tokenizer may count the space as part of the word that it is before.
        if text[start - 1 : start].isspace() or text[start : start + 1].isspace():
            return token
    return until


def pooled(vectors: NDArray[np.float32], parts: Sequence[Part], n: int) -> NDArray[np.float32]:
    """Unit means of the parts of each text, by tokens.

    Args:
        vectors: Unit rows, one a part.
        parts: What they are of.
        n: Number of texts, each with a part.

    Returns:
        Shape (n, dim); a text of one part keeps its vector to the bit.
    """
    rows = np.array([part.row for part in parts])
    counts = np.array([part.n_tokens for part in parts], np.float32)
    sums = np.zeros((n, vectors.shape[1]), np.float32)
    np.add.at(sums, rows, vectors * counts[:, None])
    sums /= np.linalg.norm(sums, axis=1, keepdims=True)
    alone = np.bincount(rows, minlength=n) == 1
    sums[alone] = vectors[alone[rows]]
    return sums
