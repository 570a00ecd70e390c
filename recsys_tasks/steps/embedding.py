"""Vectors of the texts that have none: few in a step's transaction, many in chunks before it.

A chunk is committed with its vectors, so that a first night of a million texts, or a change of
encoder, that is cut off goes on where it was.
"""

from collections.abc import Callable, Iterator
from itertools import chain
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.encoder import Encoder, direction_of, suitability
from recsys_tasks.texts import content_hash
from recsys_tasks.warehouse import Session, Warehouse, copying

CHUNK = 1024  # texts whose vectors are written at once, and lost when it is cut off
MANY = 4096  # texts that are not left to a step's own transaction


class MissingText(NamedTuple):
    """A text without a vector.

    Attributes:
        content: What it says.
        by_users: Whether it has the prompt of what users write.
    """

    content: str
    by_users: bool


class ManyTexts(Exception):
    """More texts have no vector than one transaction should make.

    Attributes:
        encoder: Whose vectors they lack.
        texts: All of them. The transaction that found them is taken back, and with it the texts.
        n_erasures: Users erased by then: a list from before an erasure may hold what they wrote.
    """

    def __init__(self, encoder: Encoder, texts: list[MissingText], n_erasures: int) -> None:
        super().__init__(f"{len(texts)} texts have no vector")
        self.encoder = encoder
        self.texts = texts
        self.n_erasures = n_erasures


def embed_missing(
    session: Session, encoder: Encoder, batch_size: int, most: int | None = None
) -> int:
    """Give a vector to every text that has none of this encoder.

    Where items and users have two prompts, a text that both wrote is the item's.

    Returns:
        How many they were.

    Raises:
        ManyTexts: They were more than `most`.
    """
    missing = missing_texts(session, encoder)
    if most is not None and len(missing) > most:
        raise ManyTexts(encoder, missing, session.value("n_erasures"))
    _keep_direction(session, encoder)
    if missing:
        problem = suitability(encoder, [text.content for text in missing]).problem
        if problem:
            session.note(problem)
    for chunk in _chunks(missing):
        _write(session, encoder, chunk, _encoded(encoder, batch_size, chunk))
    return len(missing)


def missing_texts(session: Session, encoder: Encoder) -> list[MissingText]:
    """The texts that have no vector of an encoder; those of items first, then by their hashes."""
    found = session.rows("texts_without_vector", encoder_id=encoder.encoder_id)
    two = encoder.has_two_prompts
    texts = [MissingText(content, two and not is_of_item) for content, is_of_item in found]
    return sorted(texts, key=lambda text: text.by_users)


def embed_ahead(warehouse: Warehouse, batch_size: int, many: ManyTexts) -> int:
    """Write down texts that a step has yet to take, with their vectors, chunk by chunk.

    Nothing points to them before the step does. Once somebody is erased meanwhile the rest is left:
    it may hold what they wrote, and the step finds out anew what there is.

    Returns:
        How many got their vector.
    """
    n = 0
    for chunk in _chunks(many.texts):
        vectors = _encoded(many.encoder, batch_size, chunk)
        with warehouse.transaction(exclusive=True) as session:
            if session.value("n_erasures") != many.n_erasures:
                break
            _write(session, many.encoder, chunk, vectors, are_new=True)
        n += len(chunk)
    return n


def embed_beside(
    warehouse: Warehouse,
    encoder: Encoder,
    batch_size: int,
    on_progress: Callable[[int, int], None] | None = None,
) -> int:
    """Give every text that is known a vector of an encoder that does not serve, chunk by chunk.

    Args:
        warehouse: Of the tenant.
        encoder: The other one.
        batch_size: As for `Encoder.encode`.
        on_progress: Told how many texts have their vector by now, and of how many.

    Returns:
        How many were without one.
    """
    with warehouse.transaction() as session:
        missing = missing_texts(session, encoder)
    done = 0
    for chunk in _chunks(missing):
        vectors = _encoded(encoder, batch_size, chunk)
        with warehouse.transaction(exclusive=True) as session:
            _write(session, encoder, chunk, vectors)
        done += len(chunk)
        if on_progress:
            on_progress(done, len(missing))
    with warehouse.transaction(exclusive=True) as session:
        _keep_direction(session, encoder)
    return len(missing)


def _keep_direction(session: Session, encoder: Encoder) -> None:
    """Write down which way praise lies, once an encoder: stances are read off texts' vectors."""
    if not session.value("is_direction_known", encoder_id=encoder.encoder_id):
        vector, middle = direction_of(encoder)
        session.execute(
            "insert_direction",
            encoder_id=encoder.encoder_id,
            direction=vector.tolist(),
            middle=middle,
        )


def _chunks(texts: list[MissingText]) -> Iterator[list[MissingText]]:
    """In order, at most CHUNK of one prompt together."""
    of_items = [text for text in texts if not text.by_users]
    of_users = [text for text in texts if text.by_users]
    return chain.from_iterable(
        (some[start : start + CHUNK] for start in range(0, len(some), CHUNK))
        for some in (of_items, of_users)
    )


def _encoded(encoder: Encoder, batch_size: int, chunk: list[MissingText]) -> NDArray[np.float32]:
    contents = [text.content for text in chunk]
    return encoder.encode(contents, batch_size, by_users=chunk[0].by_users)


def _write(
    session: Session,
    encoder: Encoder,
    chunk: list[MissingText],
    vectors: NDArray[np.float32],
    *,
    are_new: bool = False,
) -> None:
    """The vectors of texts that are there; of all where they are new."""
    row_of = {text.content: row for row, text in enumerate(chunk)}
    session.execute("create_staged_contents")
    hashes = ((text.content, content_hash(text.content).hex(), text.content) for text in chunk)
    session.copy_rows("copy_staged_contents", hashes)
    if are_new:
        session.execute("insert_contents")
    keys, contents = session.columns("staged_texts")
    session.execute("drop_staged_contents")
    session.execute("create_staged_vectors")
    columns = (copying.INT4, copying.vector(encoder.dim))
    there = vectors[[row_of[content] for content in contents]]
    session.copy_in("copy_staged_vectors", columns, (np.array(keys, np.int32), there))
    session.execute(
        "insert_text_vectors", encoder_id=encoder.encoder_id, is_query=chunk[0].by_users
    )
    session.execute("drop_staged_vectors")
