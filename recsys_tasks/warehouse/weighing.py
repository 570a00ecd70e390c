"""Interactions out of the warehouse, weighed and in rows, with the vectors that they add."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.interactions import NO_ROW, Interactions, rows_of
from recsys_tasks.interest_model import weigh
from recsys_tasks.presets import Preset
from recsys_tasks.warehouse import copying
from recsys_tasks.warehouse.models import StoredModel
from recsys_tasks.warehouse.session import Session

_COLUMNS = (
    copying.INT4,  # user_key
    copying.INT4,  # item_key, 0 for none
    copying.FLOAT8,  # days from 1970-01-01
    copying.INT2,  # event_type_key
    copying.FLOAT4,  # value, NaN for none
    copying.INT4,  # text_key of the item, 0 for none
    copying.INT4,  # text_key of what the user wrote, 0 for none
)


class Weighed(NamedTuple):
    """Interactions as numeric rooms read them, and the way back to keys.

    Attributes:
        interactions: In the query's order. Items are rows of `item_keys`, which also index
            `vectors`; texts are rows of `vectors` after those.
        user_keys: By row of the user, ascending.
        item_keys: By row of the item.
        vectors: Of the items' texts and then of what users wrote, (n_vectors, dim); zero where
            there is none.
    """

    interactions: Interactions
    user_keys: NDArray[np.int32]
    item_keys: NDArray[np.int32]
    vectors: NDArray[np.float32]


class Items(NamedTuple):
    """Items by row: their keys, and the keys of their texts, 0 for none; shape (n_items,) each."""

    item_keys: NDArray[np.int32]
    text_keys: NDArray[np.int32]


def weighed(
    session: Session,
    query: str,
    preset: Preset,
    model: StoredModel,
    items: Items | None = None,
    **parameters: object,
) -> Weighed:
    """Read interactions with one of the queries whose columns are those of interactions_of_days.

    Args:
        session: Of the night.
        query: Its name.
        preset: Gives the weights.
        model: Gives the space of the vectors.
        items: The rows of items; without them, the items that occur, in ascending keys.
        parameters: Of the query.
    """
    users, keys, times, kinds, values, item_texts, texts = session.copy_out(
        query, _COLUMNS, **parameters
    )
    user_keys, user_rows = np.unique(users, return_inverse=True)
    items = items or _occurring(keys, item_texts)
    text_keys = np.unique(texts[texts > 0])
    vectors = read_vectors(session, model, np.concatenate([items.text_keys, text_keys]))
    weights, text_weights = _weights(session, preset, kinds, values)
    text_rows = _rows(text_keys, texts)
    interactions = Interactions(
        user_rows.astype(np.int32),
        _rows(items.item_keys, keys),
        times,
        weights,
        np.where(text_rows == NO_ROW, NO_ROW, text_rows + len(items.item_keys)).astype(np.int32),
        text_weights,
        kinds,
    )
    return Weighed(interactions, user_keys, items.item_keys, vectors)


class Liked(NamedTuple):
    """What users took to; shape (n,) each."""

    item_keys: NDArray[np.int32]
    user_keys: NDArray[np.int32]
    days: NDArray[np.int32]


def liked(session: Session, query: str, preset: Preset, **parameters: object) -> Liked:
    """The interactions with an item and a positive weight, out of the same queries as `weighed`."""
    users, keys, times, kinds, values, *_ = session.copy_out(query, _COLUMNS, **parameters)
    weights, _ = _weights(session, preset, kinds, values)
    chosen = (weights > 0) & (keys > 0)
    return Liked(keys[chosen], users[chosen], np.floor(times[chosen]).astype(np.int32))


def _occurring(keys: NDArray[np.int32], text_keys: NDArray[np.int32]) -> Items:
    item_keys, first = np.unique(keys, return_index=True)
    return Items(item_keys[item_keys > 0], text_keys[first][item_keys > 0])


def _rows(keys: NDArray[np.int32], wanted: NDArray[np.int32]) -> NDArray[np.int32]:
    """Where each wanted key stands; NO_ROW where it does not."""
    rows, found = rows_of(keys, wanted)
    return np.where(found, rows, NO_ROW).astype(np.int32)


def read_vectors(
    session: Session, model: StoredModel, text_keys: NDArray[np.int32]
) -> NDArray[np.float32]:
    """The vectors of texts, in their order, (n, dim); zero where there is none, and for key 0."""
    wanted, inverse = np.unique(text_keys, return_inverse=True)
    columns = (copying.INT4, copying.vector(model.dim))
    keys, known = session.copy_out(
        "vectors_of_texts", columns, encoder_id=model.encoder_id, text_keys=wanted.tolist()
    )
    vectors = np.zeros((len(wanted), model.dim), np.float32)
    vectors[np.searchsorted(wanted, keys)] = known
    return vectors[inverse]


def _weights(
    session: Session, preset: Preset, kinds: NDArray[np.int16], values: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    weights = np.zeros(len(kinds), np.float32)
    text_weights = np.zeros(len(kinds), np.float32)
    for key, name, largest in session.rows("largest_values"):
        chosen = kinds == key
        # A type that was declared once and is not any more has left its interactions behind.
        if chosen.any() and (kind := preset.event_types.get(name)):
            weights[chosen], text_weights[chosen] = weigh(kind, values[chosen], largest)
    return weights, text_weights
