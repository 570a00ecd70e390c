"""The vectors of texts, as an encoder or a model has them."""

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.interactions import rows_of
from recsys_tasks.warehouse import copying
from recsys_tasks.warehouse.session import Session


class Space(Protocol):
    """Which vectors are meant: a model or an encoder has them."""

    @property
    def encoder_id(self) -> str:
        """Of the encoder that made them."""

    @property
    def dim(self) -> int:
        """Their length."""


class Texts(NamedTuple):
    """Vectors of texts that are in memory already.

    Attributes:
        keys: Of the texts, ascending, shape (n,).
        rows: Of the vector of each.
        vectors: Of texts, shape (n_vectors, dim).
    """

    keys: NDArray[np.int32]
    rows: NDArray[np.intp]
    vectors: NDArray[np.float32]

    @classmethod
    def of(cls, text_keys: NDArray[np.int32], vectors: NDArray[np.float32]) -> "Texts":
        """From the key of each vector's text; 0 for none."""
        keys, rows = np.unique(text_keys, return_index=True)
        return cls(keys, rows, vectors)


def read_vectors(
    session: Session,
    space: Space,
    text_keys: NDArray[np.int32],
    texts: Texts | None = None,
) -> NDArray[np.float32]:
    """The vectors of texts, in their order, (n, dim); zero where there is none, and for key 0.

    Args:
        session: Of the night.
        space: Of the vectors.
        text_keys: Of the n texts.
        texts: Vectors that need not be read.
    """
    wanted, inverse = np.unique(text_keys, return_inverse=True)
    vectors = np.zeros((len(wanted), space.dim), np.float32)
    asked = wanted > 0
    if texts is not None:
        rows, is_known = rows_of(texts.keys, wanted)
        vectors[is_known] = texts.vectors[texts.rows[rows[is_known]]]
        asked &= ~is_known
    if asked.any():
        columns = (copying.INT4, copying.vector(space.dim))
        missing = wanted[asked].tolist()
        keys, read = session.copy_out(
            "vectors_of_texts", columns, encoder_id=space.encoder_id, text_keys=missing
        )
        vectors[np.searchsorted(wanted, keys)] = read
    return vectors if len(wanted) == len(inverse) and _ascend(inverse) else vectors[inverse]


def _ascend(rows: NDArray[np.intp]) -> bool:
    return bool((np.diff(rows) > 0).all())
