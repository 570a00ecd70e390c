"""Link the items that say what another one says: equal texts, and near-duplicates by their vectors.

A part of the step embed_items. The catalogue is searched again only when it, the encoder or the
threshold changed.
"""

import numpy as np
import structlog

from recsys_tasks.encoder import Encoder
from recsys_tasks.texts import link_near_duplicates
from recsys_tasks.warehouse import Session, copying

log = structlog.get_logger()

MOST_TEXTS = 200_000  # beyond, only equal texts are linked: the vectors would not fit everywhere


def link_duplicates(session: Session, encoder: Encoder, likeness: float) -> None:
    """Bring the links in line with the catalogue.

    Args:
        session: Of the night, when every text has its vector.
        encoder: Whose vectors are compared.
        likeness: Least cosine of near-duplicates; 1 for equal texts only.
    """
    fingerprint = session.value(
        "duplicates_fingerprint", encoder_id=encoder.encoder_id, likeness=likeness
    )
    if session.value("known_duplicates") == fingerprint:
        return
    session.execute("create_staged_links")
    if likeness < 1:
        _stage_near(session, encoder, likeness)
    session.execute("forget_duplicates")
    n_links = session.execute("insert_duplicates")
    session.execute("drop_staged_links")
    session.execute("know_duplicates", fingerprint=fingerprint)
    log.info("linked duplicates", items=n_links)


def _stage_near(session: Session, encoder: Encoder, likeness: float) -> None:
    """Send the near-duplicates among distinct texts, each by the first item that has it."""
    if session.value("count_listed_texts") > MOST_TEXTS:
        log.warning("too many texts to look for near-duplicates", most=MOST_TEXTS)
        return
    columns = (copying.INT4, copying.vector(encoder.dim))
    keys, vectors = session.copy_out("listed_text_vectors", columns, encoder_id=encoder.encoder_id)
    links = link_near_duplicates(vectors.astype(np.float32, copy=False), likeness)
    session.copy_in(
        "copy_staged_links",
        (copying.INT4, copying.INT4, copying.FLOAT4),
        (keys[links.rows], keys[links.originals], links.likeness),
    )
