"""The pairs in batches, with what each is told apart from."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.finetuning.negatives import false_negatives, hard_negatives
from recsys_tasks.finetuning.options import TuningOptions
from recsys_tasks.finetuning.pairs import Pairs
from recsys_tasks.interactions import NO_ROW


class Material(NamedTuple):
    """What is learned from.

    Attributes:
        pairs: One or more.
        texts: Of `pairs.items`, with their prompt, as the encoder reads them.
        vectors: Of `pairs.items`, the base encoder's, (n_items, dim).
    """

    pairs: Pairs
    texts: Sequence[str]
    vectors: NDArray[np.float32]


class Batch(NamedTuple):
    """Pairs that are learned from at once; places are those of `texts`.

    Attributes:
        texts: Each that occurs, once.
        base: Their vectors by the base encoder, shape (n_texts, dim).
        anchors: Places, shape (n,).
        candidates: Places: of the n positives, in the order of the anchors, then of the hard
            negatives, shape (m,).
        masked: Candidates that are no negatives of an anchor, shape (n, m); not its positive.
    """

    texts: list[str]
    base: NDArray[np.float32]
    anchors: NDArray[np.intp]
    candidates: NDArray[np.intp]
    masked: NDArray[np.bool_]


class Batches:
    """The batch of each step, whichever was made before it."""

    def __init__(self, material: Material, options: TuningOptions) -> None:
        """Draw the hard negatives, and look up who belongs to whom."""
        self._material, self._options = material, options
        self._joined = material.pairs.joined
        self._hard = hard_negatives(
            material.pairs, material.vectors, options.hard_pool, options.near, options.seed
        )

    def n_steps(self, processes: int) -> int:
        """Of a pass over the pairs."""
        return -(-len(self._material.pairs) // (self._options.batch_size * processes))

    def of(self, step: int, process: int, processes: int) -> Batch:
        """What a process learns from in a step; in the last of a pass it may meet pairs again."""
        pairs, size = self._material.pairs, self._options.batch_size
        turn, place = divmod(step, self.n_steps(processes))
        order = np.random.default_rng((self._options.seed, turn)).permutation(len(pairs))
        begin = (place * processes + process) * size
        # As many pairs at every step: what is missing at the end comes from the beginning.
        rows = order[np.arange(begin, begin + min(size, len(pairs))) % len(pairs)]
        hard = self._hard[rows]
        candidates = np.concatenate([pairs.positives[rows], hard[hard != NO_ROW]])
        masked = false_negatives(
            pairs, self._joined, self._material.vectors, rows, candidates, self._options.near
        )
        np.fill_diagonal(masked, val=False)
        items, places = np.unique(
            np.concatenate([pairs.anchors[rows], candidates]), return_inverse=True
        )
        texts = [self._material.texts[item] for item in items]
        base = self._material.vectors[items]
        return Batch(texts, base, places[: len(rows)], places[len(rows) :], masked)
