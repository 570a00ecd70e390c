"""Counts with noise, and the account of what it costs to tell them."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.noise import GRID, NoiseKey, Release, guarantee, noise, scale_for
from recsys_tasks.warehouse import Session


class Told(NamedTuple):
    """What may be seen of counts.

    Attributes:
        counts: With noise, in steps of 1 / GRID, shape (n,).
        scale: Of the noise, in the same steps.
        content: A keyed digest of the exact counts.
    """

    counts: NDArray[np.int64]
    scale: float
    content: bytes


def told(
    key: NoiseKey,
    release: Release,
    epsilon: float,
    sensitivity: int,
    cells: Sequence[str],
    exact: NDArray[np.int64],
) -> Told:
    """Add noise to every cell; arguments as of `released`."""
    content, scale = key.content(cells, exact), scale_for(epsilon, sensitivity)
    return Told(exact + noise(*key.words(release, content, cells), scale), scale, content)


def released(
    session: Session,
    key: NoiseKey,
    release: Release,
    epsilon: float,
    sensitivity: int,
    cells: Sequence[str],
    exact: NDArray[np.int64],
) -> tuple[NDArray[np.int64], float]:
    """Add noise to every cell, and note it as the release of its day.

    Args:
        session: A step's.
        key: What the noise is made of.
        release: What is told, and of which day; others of it are withdrawn before.
        epsilon: What it may cost.
        sensitivity: By how many steps of 1 / GRID one contribution changes all cells together.
        cells: Names of the n cells.
        exact: Their counts in steps of 1 / GRID, shape (n,).

    Returns:
        The counts with noise, shape (n,), and the noise's scale, in the same steps.
    """
    found = told(key, release, epsilon, sensitivity, cells, exact)
    session.execute(
        "upsert_release",
        **release._asdict(),
        content=found.content,
        **guarantee(found.scale, sensitivity)._asdict(),
        sensitivity=sensitivity / GRID,
        scale=found.scale / GRID,
        key_id=key.key_id,
    )
    return found.counts, found.scale
