"""Words that look random to whoever has no key, and are the same again for whoever has it.

BLAKE2b with a key (RFC 7693) is the pseudo-random function. What names a draw is the release and,
in it, the cell: so a cell's noise does not depend on which other cells there are.
"""

import hashlib
from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_CELL = np.dtype([("size", "<u8"), ("sign", "u1")])


class Release(NamedTuple):
    """What is released.

    Attributes:
        mechanism: What is counted.
        day: Of whose contributions.
        configuration: Names how it is counted, and with how much noise.
    """

    mechanism: str
    day: date
    configuration: str


class NoiseKey(NamedTuple):
    """The secret that noise is made of: whoever has it can take noise away.

    Attributes:
        secret: Of any length.
    """

    secret: bytes

    @property
    def key_id(self) -> str:
        """Names it, and tells nothing of it."""
        return self._hash(b"name", 8).hex()

    def content(self, cells: Sequence[str], counts: NDArray[np.int64]) -> bytes:
        """A digest of the counts that are not 0: 32 bytes that nobody can try counts on.

        Args:
            cells: Names of the n cells.
            counts: Theirs, shape (n,).
        """
        known = [(cells[row], int(counts[row])) for row in np.flatnonzero(counts).tolist()]
        return self._hash(b"content" + repr(sorted(known)).encode(), 32)

    def words(
        self, release: Release, content: bytes, cells: Sequence[str]
    ) -> tuple[NDArray[np.uint64], NDArray[np.bool_]]:
        """A uniform word and a bit for each cell, shape (n_cells,) each.

        Args:
            release: What is released.
            content: Its digest: other content has words of its own.
            cells: Their names.
        """
        seed = self._hash(b"noise" + repr((*release, content)).encode(), 64)
        size = _CELL.itemsize
        drawn = b"".join(
            hashlib.blake2b(cell.encode(), key=seed, digest_size=size).digest() for cell in cells
        )
        found = np.frombuffer(drawn, _CELL)
        return found["size"].astype(np.uint64), found["sign"] % 2 == 1

    def _hash(self, content: bytes, size: int) -> bytes:
        secret = hashlib.blake2b(self.secret).digest()  # a key of BLAKE2b has at most 64 bytes
        return hashlib.blake2b(content, key=secret, digest_size=size, person=b"ebbtide").digest()
