"""A language model that turns texts into unit vectors.

Sentence embeddings after Reimers and Gurevych, "Sentence-BERT" (2019): a transformer's token
vectors, pooled as the model or the recipe asks and scaled to length 1, so that an inner product is
a cosine.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from math import inf
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.encoder.batching import (
    TOKENS_ON_A_CPU,
    Window,
    are_padded,
    batches,
    made_ahead,
    spread,
    windows,
)
from recsys_tasks.encoder.parts import pooled
from recsys_tasks.encoder.recipe import Recipe
from recsys_tasks.errors import BrokenEncoder
from recsys_tasks.interactions import NO_ROW

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer
    from torch import Tensor


@dataclass(frozen=True, eq=False)
class Encoder:
    """A loaded language model.

    Attributes:
        encoder_id: The last part of its name, and a fingerprint of all that its vectors depend on.
            Vectors of two ids belong to two spaces.
        dim: Length of a vector.
        model: What computes them.
        recipe: How; its prompts are texts here, not names of the model's.
        copies: The model again, on other devices, which compute beside it.
    """

    encoder_id: str
    dim: int
    model: "SentenceTransformer" = field(repr=False)
    recipe: Recipe = field(default_factory=Recipe)
    copies: "tuple[SentenceTransformer, ...]" = field(default=(), repr=False)

    @property
    def has_two_prompts(self) -> bool:
        """Whether one text has two vectors: an item's, and one of somebody who writes it."""
        return self.recipe.item_prompt != self.recipe.user_prompt

    def encode(
        self, texts: Sequence[str], batch_size: int = 64, *, by_users: bool = False
    ) -> NDArray[np.float32]:
        """The vectors of texts, each distinct text computed once.

        Texts are cut into tokens while those before them are computed. The texts of a batch have
        like numbers of tokens.

        Args:
            texts: Cleaned texts (see `clean`); what exceeds the model's tokens is cut, or read in
                parts, as the recipe says.
            batch_size: Texts computed at once, 1 or more; on a CPU fewer where they are long.
                Changes vectors by less than 1e-5 in float32.
            by_users: Whether users wrote them, and the prompt for that goes before them.

        Returns:
            Shape (len(texts), dim), in the order of `texts`: unit rows; zero rows for empty texts.

        Raises:
            BrokenEncoder: Not all of them are of numbers, as where the model's files were damaged.
        """
        # The longest first: windows are alike in length, and memory that is too small shows at
        # once.
        distinct = sorted(dict.fromkeys(filter(None, texts)), key=len, reverse=True)
        row_of = {text: row for row, text in enumerate(distinct)}
        rows = np.array([row_of.get(text, NO_ROW) for text in texts], np.intp)
        prompt = self.recipe.user_prompt if by_users else self.recipe.item_prompt
        # NO_ROW is -1: an empty text finds its zeros in the last row.
        vectors = np.zeros((len(distinct) + 1, self.dim), np.float32)
        in_parts = self.recipe.long_texts == "pool"
        cut = made_ahead(windows(self.model, distinct, prompt, in_parts=in_parts))
        workers = [
            partial(self._computed, model, batch_size, prompt)
            for model in (self.model, *self.copies)
        ]
        for window, found in spread(cut, workers):
            vectors[window.start : window.start + window.n] = found
        if not np.isfinite(vectors).all():
            raise BrokenEncoder(encoder=self.encoder_id)
        return vectors[rows]

    def _computed(
        self, model: "SentenceTransformer", batch_size: int, prompt: str | None, window: Window
    ) -> NDArray[np.float32]:
        """The vectors of a window's texts."""
        if are_padded(window.features):
            vectors = self._of_batches(model, batch_size, window)
        else:
            texts = [part.text for part in window.parts]
            vectors = _unit(model.encode(texts, prompt=prompt, convert_to_tensor=True))
        if self.recipe.long_texts == "cut":
            return vectors
        return pooled(vectors, window.parts, window.n)

    def _of_batches(
        self, model: "SentenceTransformer", batch_size: int, window: Window
    ) -> NDArray[np.float32]:
        import torch  # noqa: PLC0415  seconds to import; only who computes pays

        vectors = np.empty((len(window.parts), self.dim), np.float32)
        most_tokens = TOKENS_ON_A_CPU if model.device.type == "cpu" else inf
        with torch.inference_mode():
            for rows, features in batches(window.features, batch_size, most_tokens):
                there = {
                    name: value.to(model.device) if isinstance(value, torch.Tensor) else value
                    for name, value in features.items()
                }
                vectors[rows] = _unit(model(there)["sentence_embedding"][:, : self.dim])
        return vectors


def _unit(vectors: "Tensor") -> NDArray[np.float32]:
    """The same directions in float32: half precision would leave lengths of three digits."""
    from torch.nn.functional import normalize  # noqa: PLC0415  seconds to import

    found: NDArray[np.float32] = normalize(vectors.float(), dim=1).cpu().numpy()
    return found
