"""What laws are checked on: decayed sums, deltas, histories with their vectors, a model."""

from typing import NamedTuple

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from recsys_tasks.decay import Decayed
from recsys_tasks.interactions import NO_ROW, Interactions
from recsys_tasks.interest_model import ZeroShot

HALF_LIVES = (2.0, 14.0, 90.0)
DIM = 3
N_DAYS = 40
MODEL = ZeroShot(
    half_lives=HALF_LIVES,
    scales=(0.5, 1.0, 2.0),
    prior_mass=0.5,
    trend_half_lives=(1.0, 7.0),
    trend_weights=(0.25, 0.75),
)

# Eighths: sums of them are exact wherever decay does not round.
coordinates = st.integers(-32, 32).map(lambda eighths: eighths / 8)

# Decayed counts of items at the model's two half-lives.
counts = hnp.arrays(
    np.float64, st.tuples(st.integers(1, 6), st.just(2)), elements=st.floats(0, 1e6)
)


class DailyDeltas(NamedTuple):
    """Deltas of n_users, by user and then by day, as `decay.fold` takes them."""

    n_users: int
    rows: NDArray[np.intp]
    added: Decayed

    def where(self, mask: NDArray[np.bool_]) -> "DailyDeltas":
        """Those that the mask selects."""
        return DailyDeltas(self.n_users, self.rows[mask], self.added.at(np.flatnonzero(mask)))


class History(NamedTuple):
    """Interactions, and the vectors that they are rows of: of items, then of texts."""

    interactions: Interactions
    vectors: NDArray[np.float32]
    n_users: int
    n_items: int


@st.composite
def successive(draw: st.DrawFn, count: int, n: int = 2) -> list[Decayed]:
    """Decayed sums of the same n users, each seen from the days of the one before it or later."""
    gaps = draw(hnp.arrays(np.int32, (count, n), elements=st.integers(0, N_DAYS)))
    return [draw(_sums(days.astype(np.int32))) for days in gaps.cumsum(axis=0)]


@st.composite
def daily_deltas(draw: st.DrawFn, n_users: int = 4) -> DailyDeltas:
    """Any deltas: users without one, and users with one on every day."""
    days = st.lists(st.integers(0, N_DAYS - 1), unique=True, max_size=6).map(sorted)
    by_user = draw(st.lists(days, min_size=n_users, max_size=n_users))
    rows = np.repeat(np.arange(n_users), [len(own) for own in by_user])
    added = draw(_sums(np.array([day for own in by_user for day in own], np.int32)))
    return DailyDeltas(n_users, rows, added)


def _sums(days: NDArray[np.int32]) -> st.SearchStrategy[Decayed]:
    n, n_half_lives = len(days), len(HALF_LIVES)
    return st.builds(
        Decayed,
        totals=hnp.arrays(np.float32, (n, n_half_lives, DIM), elements=coordinates),
        masses=hnp.arrays(np.float32, (n, n_half_lives), elements=coordinates.map(abs)),
        days=st.just(days),
    )


@st.composite
def histories(draw: st.DrawFn, n_users: int = 4, n_items: int = 5, n_texts: int = 3) -> History:
    """Any short history: items and texts without a vector, searches, dislikes, nothing at all."""
    n_vectors = n_items + n_texts
    shape = (n_vectors, DIM)
    vectors = draw(hnp.arrays(np.float32, shape, elements=coordinates.map(lambda x: x / 4)))
    vectors[draw(hnp.arrays(np.bool_, n_vectors))] = 0
    weight = st.sampled_from([1.0, 0.25, 0.0, -1.0, 3.0])
    row = st.tuples(
        st.integers(0, 8 * N_DAYS - 1).map(lambda eighths: eighths / 8),
        st.integers(0, n_users - 1),
        st.integers(NO_ROW, n_items - 1),
        weight,
        st.sampled_from([NO_ROW, *range(n_items, n_vectors)]),
        weight,
        st.integers(1, 3),
    )
    rows = sorted(draw(st.lists(row, max_size=25)))
    columns = np.array(rows, np.float64).reshape(-1, 7).T
    times, users, items, weights, texts, text_weights, types = columns
    interactions = Interactions(
        users=users.astype(np.int32),
        items=items.astype(np.int32),
        times=times,
        weights=weights.astype(np.float32),
        texts=texts.astype(np.int32),
        text_weights=text_weights.astype(np.float32),
        types=types.astype(np.int16),
    )
    return History(interactions, vectors, n_users, n_items)
