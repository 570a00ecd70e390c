"""A language model that turns texts into unit vectors.

Sentence embeddings after Reimers and Gurevych, "Sentence-BERT" (2019): a transformer's token
vectors, pooled as the model or the recipe asks and scaled to length 1, so that an inner product is
a cosine.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.encoder.parts import pooled, split
from recsys_tasks.encoder.recipe import Recipe
from recsys_tasks.interactions import NO_ROW

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

BATCHES_A_STEP: Final = 4


@dataclass(frozen=True, eq=False)
class Encoder:
    """A loaded language model.

    Attributes:
        encoder_id: The last part of its name, and a fingerprint of all that its vectors depend on.
            Vectors of two ids belong to two spaces.
        dim: Length of a vector.
        model: What computes them.
        recipe: How; its prompts are texts here, not names of the model's.
    """

    encoder_id: str
    dim: int
    model: "SentenceTransformer" = field(repr=False)
    recipe: Recipe = field(default_factory=Recipe)

    @property
    def has_two_prompts(self) -> bool:
        """Whether one text has two vectors: an item's, and one of somebody who writes it."""
        return self.recipe.item_prompt != self.recipe.user_prompt

    def encode(
        self,
        texts: Sequence[str],
        batch_size: int = 64,
        on_progress: Callable[[int], None] | None = None,
        *,
        by_users: bool = False,
    ) -> NDArray[np.float32]:
        """The vectors of texts, each distinct text computed once.

        Args:
            texts: Cleaned texts (see `clean`); what exceeds the model's tokens is cut, or read in
                parts, as the recipe says.
            batch_size: Texts computed at once, 1 or more; changes vectors by less than 1e-5 in
                float32.
            on_progress: Told after every few batches how many of `texts` have their vector by now.
            by_users: Whether users wrote them, and the prompt for that goes before them.

        Returns:
            Shape (len(texts), dim), in the order of `texts`: unit rows; zero rows for empty texts.
        """
        # The longest first: the texts of a batch differ little in length, and memory that is too
        # small shows at once.
        distinct = sorted(dict.fromkeys(filter(None, texts)), key=len, reverse=True)
        row_of = {text: row for row, text in enumerate(distinct)}
        rows = np.array([row_of.get(text, NO_ROW) for text in texts], np.intp)
        prompt = self.recipe.user_prompt if by_users else self.recipe.item_prompt
        # NO_ROW is -1: an empty text finds its zeros in the last row.
        vectors = np.zeros((len(distinct) + 1, self.dim), np.float32)
        step = batch_size * BATCHES_A_STEP
        for start in range(0, len(distinct), step):
            until = min(start + step, len(distinct))
            vectors[start:until] = self._computed(distinct[start:until], batch_size, prompt)
            if on_progress:
                on_progress(int(np.count_nonzero(rows < until)))
        return vectors[rows]

    def _computed(
        self, texts: list[str], batch_size: int, prompt: str | None
    ) -> NDArray[np.float32]:
        if self.recipe.long_texts == "cut":
            return self._of_parts(texts, batch_size, prompt)
        parts = split(self.model, texts, prompt)
        vectors = self._of_parts([part.text for part in parts], batch_size, prompt)
        return pooled(vectors, parts, len(texts))

    def _of_parts(
        self, texts: list[str], batch_size: int, prompt: str | None
    ) -> NDArray[np.float32]:
        vectors: NDArray[np.float32] = self.model.encode(
            texts,
            prompt=prompt,
            batch_size=batch_size,
            show_progress_bar=False,
            normalize_embeddings=True,
        ).astype(np.float32, copy=False)
        if self.recipe.precision == "float32":
            return vectors
        # Half precision leaves lengths that are 1 to three digits only.
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors
