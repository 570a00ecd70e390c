"""What to expect of users of whom attributes are known, and little or no behaviour.

Attributes are a flat JSON object. Each value in it is had by many users, and what those of them
with behaviour are interested in says what to expect of the others:

    expected(user) = mean over the user's values v of  n_v / (n_v + c) * mean_v (u - everybody)

with n_v the known users who have v, u their interests and `everybody` the mean of them: what
everybody likes is for trends to say, and counting it twice costs accuracy (docs/cold-start.md has
the figures). The mean of a group is shrunk as in Gelman, Hill, Data Analysis Using Regression and
Multilevel/Hierarchical Models (2007), section 12.2.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recsys_tasks.interactions import NO_ROW

N_BINS: Final = 5  # numbers are told apart by fifths of the users
SHRINKAGE: Final = 20.0  # c: known users at which half of a value's mean counts
PRIOR_MASS: Final = 4.0  # evidence at which half of what attributes say is left

Attributes = Mapping[str, object]


def profiles(documents: Sequence[object], n_users: NDArray[np.int32]) -> sparse.csr_array:
    """Which values each document of attributes has: 1 or 0, shape (n, n_values), float32.

    A list is several values; a number stands for the fifth of the users in which it lies. What is
    null, an object, or had by a single user says nothing and has no column. Columns are in the
    order of names and values.

    Args:
        documents: As JSON reads them; one that is no object is a value without a name.
        n_users: How many users have each, shape (n,).

    >>> profiles([{"in": "France"}, {"in": "Spain"}], np.array([2, 1], np.int32)).toarray()
    array([[1.],
           [0.]], dtype=float32)
    """
    objects = [each if isinstance(each, Mapping) else {"": each} for each in documents]
    edges = _edges(objects, n_users)
    named = [sorted(set(_names(each, edges))) for each in objects]
    columns = {name: column for column, name in enumerate(sorted(set().union(*named)))}
    entries = np.array([columns[name] for names in named for name in names], np.int32)
    pointers = np.concatenate([[0], np.cumsum([len(names) for names in named], dtype=np.int32)])
    shape = (len(objects), len(columns))
    has = sparse.csr_array((np.ones(len(entries), np.float32), entries, pointers), shape=shape)
    return sparse.csr_array(has[:, np.flatnonzero(has.T @ n_users > 1)])


def expected(
    asked: sparse.csr_array,
    known: sparse.csr_array,
    interests: NDArray[np.float32],
    *,
    shrinkage: float = SHRINKAGE,
) -> NDArray[np.float32]:
    """How what users with these values are interested in differs from what everybody is.

    Args:
        asked: Profiles of n users, shape (n, n_values).
        known: Profiles of the m known users, shape (m, n_values).
        interests: Of the known users, shape (m, rank).
        shrinkage: c.

    Returns:
        Shape (n, rank); zero for a user without any value, and where nobody is known.
    """
    return expected_by(asked, told_by(known, interests, shrinkage=shrinkage))


def told_by(
    known: sparse.csr_array,
    interests: NDArray[np.float32],
    *,
    shrinkage: float = SHRINKAGE,
) -> NDArray[np.float32]:
    """What each value says, shape (n_values, rank); zero where nobody is known.

    Args:
        known: Profiles of the m known users, shape (m, n_values).
        interests: Of the known users, shape (m, rank).
        shrinkage: c.
    """
    if not len(interests):
        return np.zeros((known.shape[1], interests.shape[1]), np.float32)
    n_known = np.asarray(known.sum(axis=0))[:, None]
    means = known.T @ (interests - interests.mean(axis=0)) / (n_known + shrinkage)
    return np.asarray(means, np.float32)


def expected_by(asked: sparse.csr_array, told: NDArray[np.float32]) -> NDArray[np.float32]:
    """As `expected`, from what each value says: shape (n, rank).

    Args:
        asked: Profiles of n users, shape (n, n_values).
        told: As `told_by` gives it.
    """
    n_values = np.asarray(asked.sum(axis=1))[:, None]
    return np.asarray(asked @ told / np.maximum(n_values, 1), np.float32)


def still_expected(masses: NDArray[np.float32]) -> NDArray[np.float32]:
    """The share of what attributes say that evidence leaves: m0 / (m + m0), shape (n, 1).

    A user's own interest is shrunk by m / (m + m0) already: what is expected fills the rest.

    Args:
        masses: Of n users, shape (n, H); the longest half-life's counts.
    """
    return PRIOR_MASS / (masses[:, -1:] + np.float32(PRIOR_MASS))


def most_alike(
    asked: sparse.csr_array, pool: sparse.csr_array, k: int, *, batch_size: int = 512
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """The profiles of a pool that have most in common with others, by cosine.

    Args:
        asked: Shape (n, n_values).
        pool: Shape (n_pool, n_values).
        k: How many are wanted.
        batch_size: Profiles compared at once; memory is batch_size * n_pool floats.

    Returns:
        Rows of the pool and cosines, best first, shape (n, min(k, n_pool)). Of equals the lower row
        comes first; where nothing is in common the row is NO_ROW and the cosine 0.
    """
    sought, found = _unit(asked), _unit(pool).T.tocsc()
    shape = (asked.shape[0], min(k, pool.shape[0]))
    rows, cosines = np.full(shape, NO_ROW, np.int32), np.zeros(shape, np.float32)
    for start in range(0, len(rows), batch_size):
        batch = slice(start, start + batch_size)
        alike = (sought[batch] @ found).toarray()
        order = np.argsort(-alike, axis=1, kind="stable")[:, : shape[1]]
        cosines[batch] = np.take_along_axis(alike, order, axis=1)
        rows[batch] = np.where(cosines[batch] > 0, order, NO_ROW)
    return rows, cosines


def distinct(values: sparse.csr_array) -> tuple[sparse.csr_array, NDArray[np.intp]]:
    """The distinct profiles among n, and which of them each is, shape (n,)."""
    places: dict[bytes, int] = {}
    which = [
        places.setdefault(values.indices[start:end].tobytes(), len(places))
        for start, end in pairwise(values.indptr)
    ]
    _, first = np.unique(which, return_index=True)
    return sparse.csr_array(values[first]), np.array(which, np.intp)


def _unit(values: sparse.csr_array) -> sparse.csr_array:
    """Profiles at length 1; an empty one stays."""
    n_values = np.asarray(values.sum(axis=1), np.float32)
    return sparse.csr_array(values * np.sqrt(1 / np.maximum(n_values, 1))[:, None])


def _values(document: Attributes) -> Iterator[tuple[str, object]]:
    """Names and single values; a list gives one for each of its elements."""
    for name, value in document.items():
        for single in value if isinstance(value, list) else [value]:
            if single is not None and not isinstance(single, list | Mapping):
                yield name, single


def _number(value: object) -> float | None:
    """A number as a float; None for what is none."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number else None  # type: ignore[arg-type]


def _edges(
    documents: Iterable[Attributes], n_users: NDArray[np.int32]
) -> dict[str, NDArray[np.float64]]:
    """Where the bins of each name's numbers end, ascending."""
    numbers: dict[str, list[tuple[float, int]]] = {}
    for document, n in zip(documents, n_users.tolist(), strict=True):
        for name, value in _values(document):
            if (number := _number(value)) is not None:
                numbers.setdefault(name, []).append((number, n))
    return {name: _quantiles(np.array(found)) for name, found in numbers.items()}


def _quantiles(weighed: NDArray[np.float64]) -> NDArray[np.float64]:
    """Between N_BINS equal parts of numbers, with how often each occurs; shape (N_BINS - 1,)."""
    inner = np.arange(1, N_BINS) / N_BINS
    numbers, weights = weighed.T
    edges: NDArray[np.float64] = np.quantile(numbers, inner, weights=weights, method="inverted_cdf")
    return edges


def _names(document: Attributes, edges: Mapping[str, NDArray[np.float64]]) -> Iterator[str]:
    """What a document's values are called."""
    for name, value in _values(document):
        number = _number(value)
        if number is None:
            yield f"{name}={value}"
        else:
            yield f"{name}, part {np.searchsorted(edges[name], number)}"
