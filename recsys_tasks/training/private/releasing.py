"""One release that is told in parts, each of them sums with Gaussian noise."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.noise import NoiseKey, Release, gaussian_defect, gaussian_noise

GRID: Final = 1024  # steps of 1 in which whole numbers are told


class Telling:
    """Adds noise to sums, and remembers what it cost and of what."""

    def __init__(self, key: NoiseKey, release: Release) -> None:
        """Begin.

        Args:
            key: What noise is made of.
            release: What is told.
        """
        self._key, self._release = key, release
        self._told: list[bytes] = []
        self.rho, self.defect = 0.0, 0.0  # as in `gaussian`, of all parts together

    def tell(
        self, what: str, cells: Sequence[str], steps: NDArray[np.int64], length: float, rho: float
    ) -> NDArray[np.float64]:
        """Sums with noise, shape (n,).

        Args:
            what: Names the part; each its own.
            cells: Names of the n sums.
            steps: The sums in steps of 1 / GRID, shape (n,).
            length: The Euclidean length, in units, of what one user adds at most.
            rho: What it may cost, of zero-concentrated privacy.
        """
        scale = length * GRID / np.sqrt(2 * rho)
        release = self._release._replace(mechanism=f"{self._release.mechanism}, {what}")
        content = self._key.content(cells, steps)
        noise = gaussian_noise(*self._key.words(release, content, cells), scale)
        self._told.append(content)
        self.rho += rho
        self.defect += len(cells) * gaussian_defect(scale)
        return np.asarray((steps + noise) / GRID, np.float64)

    @property
    def content(self) -> bytes:
        """A keyed digest of all that was told: 32 bytes."""
        parts = np.frombuffer(b"".join(self._told), "<i8").astype(np.int64)
        return self._key.content([str(place) for place in range(len(parts))], parts)
