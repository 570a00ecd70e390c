"""The owner's part: an interest is sealed, and the scores that come back are opened."""

from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.errors import BadSettings, UnknownUser, first_line
from recsys_tasks.interest_model import InterestModel, ItemFacts
from recsys_tasks.sealed.files import SealedInterest, SealedScores
from recsys_tasks.sealed.keys import SLOTS
from recsys_tasks.settings import Settings
from recsys_tasks.warehouse import connect
from recsys_tasks.warehouse.models import load_live, serving_model

if TYPE_CHECKING:
    from tenseal import Context

NOBODY = np.zeros(0, np.int32)


def seal_interest(settings: Settings, user_id: str, key: "Context") -> SealedInterest:
    """Encrypt a user's interest as the last night saw it: what `user_interests` adds up to.

    Args:
        settings: Of the tenant.
        user_id: The source's id.
        key: The public one is enough: what it seals, the secret one opens.

    Raises:
        NoModel: No night was run yet.
        UnknownUser: No interest of theirs is known.
        BadSettings: The model's space is too wide for a ciphertext.
    """
    import tenseal  # noqa: PLC0415

    with closing(connect(settings)) as warehouse, warehouse.transaction() as session:
        live = load_live(session, serving_model(session), both_stages=False)
        interest = session.value("interest_of_user", user_id=user_id)
    if interest is None:
        raise UnknownUser(user_id=user_id, problem="has no interest yet")
    if 2 * len(interest) > SLOTS:
        raise BadSettings(problem=f"Interests of {len(interest)} coordinates cannot be sealed")
    matrix, offset = space_of(live.interest, live.stored.dim)
    ciphertext = tenseal.ckks_vector(key, interest).serialize()
    encoder_id = np.array(live.stored.encoder_id)
    return SealedInterest(encoder_id, matrix, offset, np.frombuffer(ciphertext, np.uint8))


def space_of(model: InterestModel, dim: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """How the model makes an item's vector of a text's, for an item of which nothing else is known.

    That is affine in the text, so it shows in what becomes of the unit vectors.

    Returns:
        A matrix, shape (dim, rank), and an offset, shape (rank,).
    """
    # The last row is twice the first: the difference is what the first coordinate adds.
    texts = np.concatenate([np.eye(dim, dtype=np.float32), 2 * np.eye(1, dim, dtype=np.float32)])
    counts = np.zeros((len(texts), len(model.trend_half_lives)), np.float32)
    facts = ItemFacts(texts, counts, np.full(len(texts), np.inf, np.float32))
    unknown = model.at(np.full(len(texts), -1, np.int32))
    made = unknown.item_side(facts)[:, : model.rank(dim)]
    offset = 2 * made[0] - made[-1]
    return made[:-1] - offset, offset


def open_scores(sealed: SealedScores, key: "Context") -> NDArray[np.float32]:
    """Decrypt scores, shape (n,), in the order of `sealed.item_ids`.

    Raises:
        BadSettings: They are no scores that this key opens.
    """
    import tenseal  # noqa: PLC0415

    found = [np.zeros(0)]
    ends = np.cumsum(sealed.lengths)
    try:
        for length, end, n in zip(sealed.lengths, ends, sealed.counts, strict=True):
            content = sealed.ciphertexts[end - length : end].tobytes()
            found.append(np.array(tenseal.ckks_vector_from(key, content).decrypt())[:n])
    except (ValueError, RuntimeError) as error:
        problem = f"These scores cannot be opened with this key ({first_line(error)})"
        raise BadSettings(problem=problem) from error
    return np.concatenate(found).astype(np.float32)
