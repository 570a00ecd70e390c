"""What a learned model learned, read from its artifact without loading it.

An artifact is an .npz file in a column; its vectors of items may be large, and a page needs only a
few small arrays. They are read by slices of the column, which is stored uncompressed for that.
"""

import io
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ebbtide_pages.reading import Reader

FRESH: Final = (1, 7, 30)  # half-lives of being new, as in interest_model.learned
_BUFFER: Final = 1 << 16
_KEPT: Final = 64  # models


@dataclass(frozen=True)
class Parameters:
    """The parameters that mean something to people.

    Attributes:
        half_lives: Of interests, in days, ascending, length H.
        scales: How much each of them counts, length H.
        prior_mass: Evidence at which the user's own interest weighs as much as the prior.
        trend_half_lives: In days, ascending, length K.
        tau: How much each feature of an item counts whoever the user is, by name.
        gains: By event type's key: what the preset's weights are multiplied by, those above 0,
            those below, and those of texts.
    """

    half_lives: tuple[float, ...]
    scales: tuple[float, ...]
    prior_mass: float
    trend_half_lives: tuple[float, ...]
    tau: tuple[tuple[str, float], ...]
    gains: tuple[tuple[int, float, float, float], ...] = ()


class _Column(io.RawIOBase):
    """The artifact of a model as a file that can be read and sought."""

    def __init__(self, reader: Reader, model_key: int, size: int) -> None:
        self._reader, self._model_key, self._size, self._at = reader, model_key, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = start + offset
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        asked = {"model_key": self._model_key, "start": self._at, "length": len(buffer)}
        row = self._reader.row("page_part_of_artifact", **asked)
        part = bytes(row[0]) if row and row[0] is not None else b""
        buffer[: len(part)] = part
        self._at += len(part)
        return len(part)


def parameters_of(reader: Reader, model_key: int, size: int, digest: str) -> Parameters:
    """The parameters of a learned model.

    Args:
        reader: Of the tenant.
        model_key: Whose artifact it is.
        size: Of the artifact, in bytes.
        digest: Of its content: equal ones are read once.

    Raises:
        Exception: Whatever numpy says of bytes that are no parameters.
    """
    found = _remembered.get(digest)
    if found is None:
        found = _read(io.BufferedReader(_Column(reader, model_key, size), _BUFFER))
        while len(_remembered) >= _KEPT:
            _remembered.pop(next(iter(_remembered)))
        _remembered[digest] = found
    return found


_remembered: dict[str, Parameters] = {}


def _read(stream: io.BufferedReader) -> Parameters:
    with np.load(stream, allow_pickle=False) as arrays:
        trend_half_lives = _floats(arrays["trend_half_lives"])
        types = zip(arrays["type_keys"].tolist(), arrays["type_gains"].tolist(), strict=True)
        return Parameters(
            half_lives=_floats(arrays["half_lives"]),
            scales=_floats(arrays["scales"]),
            prior_mass=float(arrays["prior_mass"]),
            trend_half_lives=trend_half_lives,
            tau=tuple(zip(_features(trend_half_lives), arrays["tau"].tolist(), strict=True)),
            gains=tuple((key, *gains) for key, gains in types),
        )


def _features(trend_half_lives: tuple[float, ...]) -> list[str]:
    """Names of the features of an item, in their order."""
    return [
        *(f"trend, half-life {half_life:g} days" for half_life in trend_half_lives),
        *(f"share of the top, half-life {half_life:g} days" for half_life in trend_half_lives),
        *(f"new, half-life {half_life} days" for half_life in FRESH),
    ]


def _floats(array: NDArray[np.float32]) -> tuple[float, ...]:
    return tuple(float(value) for value in array)
