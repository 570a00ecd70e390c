"""Texts as batches of tokens: alike in length, bounded in tokens, made while the model computes."""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from math import inf
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.encoder.parts import Part, split
from recsys_tasks.threads import threads_of

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

WINDOW: Final = 1024  # texts cut into tokens at once
# More of them leave a processor's caches: 8,192 take half as long again a token (docs/encoders.md).
TOKENS_ON_A_CPU: Final = 2048
Features = dict[str, Any]  # as sentence-transformers gives them to its modules
Found = NDArray[np.float32]
Item = TypeVar("Item")


class Window(NamedTuple):
    """Some texts, cut into tokens.

    Attributes:
        start: Place of the first of them.
        n: How many they are.
        parts: Of them: one a text, or several where long texts are pooled.
        features: Of the parts, padded to the longest.
    """

    start: int
    n: int
    parts: list[Part]
    features: Features


class Batch(NamedTuple):
    """What is computed at once.

    Attributes:
        rows: Of the window's parts.
        features: Of these, padded to the longest of them.
    """

    rows: NDArray[np.intp]
    features: Features


def windows(
    model: "SentenceTransformer", texts: Sequence[str], prompt: str | None, *, in_parts: bool
) -> Iterator[Window]:
    """All texts, in their order, cut into tokens window by window."""
    for start in range(0, len(texts), WINDOW):
        some = texts[start : start + WINDOW]
        if in_parts:
            parts = split(model, some, prompt)
        else:
            parts = [Part(row, text, 1) for row, text in enumerate(some)]
        features = model.preprocess([part.text for part in parts], prompt=prompt)
        yield Window(start, len(some), parts, features)


def are_padded(features: Features) -> bool:
    """Whether each text is a row of tokens, padded at its end: word vectors come otherwise."""
    import torch  # noqa: PLC0415  seconds to import; only who computes pays

    mask = features.get("attention_mask")
    if mask is None or mask.ndim != 2:  # noqa: PLR2004  texts and tokens
        return False
    tensors = [value for value in features.values() if isinstance(value, torch.Tensor)]
    at_the_end = bool((mask[:, :-1] >= mask[:, 1:]).all())
    return at_the_end and all(value.shape == mask.shape for value in tensors)


def batches(features: Features, most_texts: int, most_tokens: float = inf) -> Iterator[Batch]:
    """All rows, the longest first: as many at once as both bounds allow, or one.

    Rows of one length keep their order. No row is padded beyond the longest of its batch.
    """
    mask = features["attention_mask"]
    lengths = mask.sum(dim=1).numpy()
    order = np.argsort(-lengths, kind="stable")
    start = 0
    while start < len(order):
        longest = max(int(lengths[order[start]]), 1)
        n = max(int(min(most_texts, most_tokens // longest)), 1)
        rows = order[start : start + n]
        chosen = {
            name: value[rows, :longest] if hasattr(value, "shape") else value
            for name, value in features.items()
        }
        yield Batch(rows, chosen)
        start += n


def made_ahead(items: Iterator[Item]) -> Iterator[Item]:
    """The same items in the same order; the next one is made while this one is used."""
    with threads_of(1) as thread:
        coming = thread.submit(next, items, None)
        while (item := coming.result()) is not None:
            coming = thread.submit(next, items, None)
            yield item


def spread(
    cut: Iterator[Window], workers: Sequence[Callable[[Window], Found]]
) -> Iterator[tuple[Window, Found]]:
    """What the workers make of the windows, in their order; each worker has one at a time."""
    with threads_of(len(workers)) as threads:
        while some := list(islice(cut, len(workers))):
            found = threads.map(lambda work, window: work(window), workers, some)
            yield from zip(some, found, strict=True)
