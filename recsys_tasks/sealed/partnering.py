"""The partner's part: its items meet an interest that it cannot read."""

from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np

from recsys_tasks.errors import BadSettings, first_line
from recsys_tasks.sealed.files import Items, SealedInterest, SealedScores
from recsys_tasks.sealed.keys import SLOTS
from recsys_tasks.settings import Settings
from recsys_tasks.warehouse import connect
from recsys_tasks.warehouse.models import serving_model

if TYPE_CHECKING:
    from tenseal import Context


def read_items(settings: Settings) -> Items:
    """The listed items of a schema that have a text, in ascending order of ids.

    Raises:
        NoModel: No night was run yet.
    """
    with closing(connect(settings)) as warehouse, warehouse.transaction() as session:
        encoder_id = serving_model(session).encoder_id
        rows = session.rows("texts_of_listed_items", encoder_id=encoder_id)
    item_ids = np.array([item_id for item_id, _ in rows], np.str_)
    vectors = np.array([vector for _, vector in rows], np.float32)
    return Items(item_ids, np.array(encoder_id), vectors)


def score(interest: SealedInterest, items: Items, key: "Context") -> SealedScores:
    """Compute the inner products of an interest and items, without reading the interest.

    Args:
        interest: As its owner sealed it.
        items: Of the same encoder.
        key: The owner's public key.

    Raises:
        BadSettings: Encoders differ, or interest and key do not belong together.
    """
    import tenseal  # noqa: PLC0415

    if interest.encoder_id != items.encoder_id:
        raise BadSettings(
            problem=f"The interest is of encoder {interest.encoder_id}, the items are of"
            f" {items.encoder_id}: run your nights with the owner's encoder"
        )
    vectors = items.vectors @ interest.matrix + interest.offset
    content = interest.ciphertext.tobytes()
    try:
        sealed = tenseal.ckks_vector_from(key, content)
        # So many scores fit beside the interest, which the product turns in its ciphertext.
        step = SLOTS - vectors.shape[1]
        blocks = [vectors[start : start + step] for start in range(0, len(vectors), step)]
        products = [sealed.mm(block.T.astype(np.float64)).serialize() for block in blocks]
    except (ValueError, RuntimeError) as error:
        problem = f"Interest and key do not belong together ({first_line(error)})"
        raise BadSettings(problem=problem) from error
    return SealedScores(
        items.item_ids,
        np.frombuffer(b"".join(products), np.uint8),
        np.array([len(product) for product in products], np.int64),
        np.array([len(block) for block in blocks], np.int64),
    )
