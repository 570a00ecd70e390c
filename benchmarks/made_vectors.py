"""Items of a catalogue of any size and what users want of them, as vectors.

Of real titles, encoded; where there are not so many, more are made as others of their topic would
lie: a title plus the difference of two titles of its topic. Or of the titles of a made world, whose
words do not exist.
"""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.cluster import KMeans

from benchmarks.words import save_encoder
from benchmarks.world import Size, World
from recsys_tasks.encoder import DEFAULT_ENCODER, load_encoder

N_TOPICS: Final = 100


class Items(NamedTuple):
    """A catalogue.

    Attributes:
        vectors: Of length one, shape (n, dim).
        topics: Of each one, from 0 on; shape (n,).
    """

    vectors: NDArray[np.float32]
    topics: NDArray[np.int16]


def titles(folder: Path) -> NDArray[np.float32]:
    """Vectors of a folder's titles, shape (n, dim)."""
    (path,) = folder.glob("items.csv*")
    known = pd.read_csv(path, dtype=str)["title"].dropna().unique().tolist()
    return load_encoder(DEFAULT_ENCODER, "cpu", 128).encode(known)


def catalogue(real: NDArray[np.float32], n: int, rng: np.random.Generator) -> Items:
    """N items, the real ones first; larger topics come first."""
    topics = KMeans(N_TOPICS, n_init=1, random_state=0).fit_predict(real)
    _, topics = np.unique(-np.bincount(topics)[topics] * N_TOPICS + topics, return_inverse=True)
    order = np.argsort(topics, kind="stable")
    starts, sizes = np.searchsorted(topics[order], np.arange(N_TOPICS)), np.bincount(topics)
    base = np.concatenate([np.arange(len(real)), rng.integers(len(real), size=n)])[:n]
    drawn = [
        order[starts[topics[base]] + rng.integers(1 << 30, size=n) % sizes[topics[base]]]
        for _ in range(2)
    ]
    vectors = real[base] + (real[drawn[0]] - real[drawn[1]]) * (np.arange(n) >= len(real))[:, None]
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return Items(vectors.astype(np.float32), topics[base].astype(np.int16))


def made_catalogue(n: int) -> Items:
    """The n items of the first day of a made world, and their categories."""
    world = World(Size(users=1, items=n, active=0.1, days=1))
    rows = world.items_born(int(world.births.min()))[:n]
    with TemporaryDirectory() as folder:
        encoder = save_encoder(world.n_categories, world.size.seed, Path(folder))
        vectors = load_encoder(str(encoder), "cpu", 128).encode(world.texts(rows))
    return Items(vectors, world.categories[rows].astype(np.int16))


def interests(items: Items, n: int, rng: np.random.Generator) -> NDArray[np.float16]:
    """What n users are interested in: one to ten items of two topics, less the mean of all.

    Returns:
        Shape (n, dim).
    """
    centre = items.vectors.mean(axis=0)
    users = np.empty((n, items.vectors.shape[1]), np.float16)
    for row in range(n):
        two = items.topics[rng.integers(len(items.topics), size=2)]
        theirs = np.flatnonzero(np.isin(items.topics, two))
        users[row] = items.vectors[rng.choice(theirs, rng.integers(1, 11))].mean(axis=0) - centre
    return users
