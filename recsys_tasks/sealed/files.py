"""What owner and partner hand to each other: numpy's .npz, one array a field, without pickles."""

import io
import zipfile
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.errors import BadSettings, first_line


class Items(NamedTuple):
    """A partner's items.

    Attributes:
        item_ids: Shape (n,).
        encoder_id: By which encoder their vectors are, shape ().
        vectors: Of their texts, shape (n, dim).
    """

    item_ids: NDArray[np.str_]
    encoder_id: NDArray[np.str_]
    vectors: NDArray[np.float32]


class SealedInterest(NamedTuple):
    """An interest that only its owner can read, and what turns texts into its space.

    An item's vector is text @ matrix + offset.

    Attributes:
        encoder_id: The encoder of the texts, shape ().
        matrix: Shape (dim, rank).
        offset: Shape (rank,).
        ciphertext: Bytes.
    """

    encoder_id: NDArray[np.str_]
    matrix: NDArray[np.float32]
    offset: NDArray[np.float32]
    ciphertext: NDArray[np.uint8]


class SealedScores(NamedTuple):
    """Scores of items that only the interest's owner can read.

    Attributes:
        item_ids: Shape (n,).
        ciphertexts: Bytes, one after the other; each holds as many scores as fit, in their order.
        lengths: Bytes of each, shape (c,).
        counts: Scores in each, shape (c,).
    """

    item_ids: NDArray[np.str_]
    ciphertexts: NDArray[np.uint8]
    lengths: NDArray[np.int64]
    counts: NDArray[np.int64]


Content = TypeVar("Content", Items, SealedInterest, SealedScores)


def write(file: Path, content: Items | SealedInterest | SealedScores) -> None:
    """Write a file, over what is there.

    Raises:
        BadSettings: It cannot be written.
    """
    stream = io.BytesIO()
    np.savez_compressed(stream, allow_pickle=False, **content._asdict())
    try:
        file.write_bytes(stream.getvalue())
    except OSError as error:
        raise BadSettings(problem=f"{file} cannot be written ({first_line(error)})") from error


def read(file: Path, kind: type[Content]) -> Content:
    """Read a file.

    Raises:
        BadSettings: It is none of this kind.
    """
    try:
        with np.load(io.BytesIO(file.read_bytes()), allow_pickle=False) as arrays:
            return kind(**{name: arrays[name] for name in kind._fields})
    except (OSError, KeyError, ValueError, EOFError, TypeError, zipfile.BadZipFile) as error:
        problem = f"{file} is no file of {kind.__name__} ({first_line(error)})"
        raise BadSettings(problem=problem) from error
