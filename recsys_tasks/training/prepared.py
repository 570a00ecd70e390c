"""What a fit reads, made ready once: vectors, histories and examples of what precedes a day."""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.interactions import Interactions
from recsys_tasks.interest_model import centre_of
from recsys_tasks.training.examples import Events, Examples, events_of, examples_of, histories_of
from recsys_tasks.training.options import TrainingData, TrainingOptions

SKIPPED: Final = 0.15  # of the interactions: too little lies before them to predict from


class Prepared(NamedTuple):
    """What precedes a day, as a fit reads it.

    Attributes:
        past: The interactions.
        type_keys: Of the event types that occur, ascending, shape (T,).
        centre: Of the texts of items that existed, shape (dim,).
        basis: Principal components of these texts, as columns, shape (dim, r).
        vectors: Of all texts, centred, in the coordinates of `basis`, shape (n_vectors, r).
        events: What the interactions add.
        examples: User-days that are learned from.
        begins: Where the history of each example begins in `events`, shape (len(examples),).
        ends: Where it ends.
    """

    past: Interactions
    type_keys: NDArray[np.int16]
    centre: NDArray[np.float32]
    basis: NDArray[np.float32]
    vectors: NDArray[np.float32]
    events: Events
    examples: Examples
    begins: NDArray[np.intp]
    ends: NDArray[np.intp]


def prepared(data: TrainingData, until: int, options: TrainingOptions) -> Prepared:
    """Make ready what precedes `until`."""
    past = data.interactions.before(until)
    type_keys = np.unique(past.types)
    existed = data.catalogue.since < until
    centre = centre_of(data.catalogue.vectors[existed])
    has_text: NDArray[np.bool_] = np.any(data.vectors != 0, axis=1)
    centred = np.where(has_text[:, None], data.vectors - centre, 0).astype(np.float32)
    n_items = len(data.catalogue)
    basis = _principal_components(
        centred[:n_items][has_text[:n_items] & existed], options.n_components
    )
    is_known = has_text.copy()
    is_known[:n_items] = True  # by its id
    n_users = int(past.users.max(initial=-1)) + 1
    events = events_of(past, type_keys, is_known, n_users)
    examples = examples_of(past, _quantile_day(past, SKIPPED), until)
    begins, ends = histories_of(events, examples, options.most_history)
    return Prepared(past, type_keys, centre, basis, centred @ basis, events, examples, begins, ends)


def _principal_components(vectors: NDArray[np.float32], n: int) -> NDArray[np.float32]:
    """The first n, or as many as there are coordinates, as columns of shape (dim, n)."""
    _, components = np.linalg.eigh(vectors.T @ vectors)
    return np.ascontiguousarray(components[:, ::-1][:, :n], np.float32)


def _quantile_day(interactions: Interactions, share: float) -> int:
    """The day on which a share of the interactions lies behind."""
    return int(interactions.days[int(share * len(interactions))]) if len(interactions) else 0
