"""Bring the catalogue up to date, and give every text that is new a vector.

Only items whose row in the source changed are read; only texts that no vector is known for are
encoded, each distinct text once, whoever wrote it. The ranking model of these vectors is named
here, and serves.
"""

import json
from collections.abc import Mapping
from datetime import date
from functools import cache

import numpy as np
import structlog

from recsys_tasks.encoder import Encoder, clean, content_hash, item_text, load_encoder
from recsys_tasks.interest_model import ZeroShot
from recsys_tasks.settings import Settings, preset_of
from recsys_tasks.steps import Counts
from recsys_tasks.warehouse import Session, copying
from recsys_tasks.warehouse.session import Row

log = structlog.get_logger()

CHUNK = 4096  # texts encoded before their vectors are sent


def run(session: Session, settings: Settings, day: date) -> Counts:  # noqa: ARG001  as every step
    """Bring items, texts and vectors in line with the source."""
    session.map_source(settings.source)
    n_items = _take_items(session)
    n_contents = _clean_contents(session)
    encoder = _encoder(settings.encoder, settings.device)
    n_vectors = _encode(session, encoder, settings.encode_batch_size)
    _name_model(session, encoder, settings)
    return {"changed_items": n_items, "user_texts": n_contents, "vectors": n_vectors}


@cache
def _encoder(name: str, device: str) -> Encoder:
    """Loaded once a process: a replay runs many nights."""
    return load_encoder(name, device)


def _take_items(session: Session) -> int:
    """Copy the catalogue's changes."""
    changed = session.rows("changed_items")
    if changed:
        session.execute("create_staged_items")
        session.copy_rows("copy_staged_items", map(_staged_item, changed))
        session.execute("insert_item_texts")
        session.execute("forget_days_before_vectors")
        session.execute("upsert_items")
        session.execute("drop_staged_items")
    session.execute("unlist_items")
    return len(changed)


def _staged_item(row: Row) -> tuple[object, ...]:
    item_id, title, description, category, attributes, available, created_at, source_hash = row
    if attributes is not None and not isinstance(attributes, Mapping):
        attributes = {"attributes": attributes}  # a mapping may give a list of tags
    text = item_text(title, category, description, attributes)
    listed = (item_id, title, category, available is not False, created_at, source_hash)
    return (*listed, content_hash(text).hex(), text) if text else (*listed, None, None)


def _clean_contents(session: Session) -> int:
    """Replace what users wrote by its cleaned text's key."""
    raw_contents = [row[0] for row in session.rows("unclean_contents")]
    if not raw_contents:
        return 0
    session.execute("create_staged_contents")
    session.copy_rows("copy_staged_contents", map(_staged_content, raw_contents))
    session.execute("insert_contents")
    session.execute("link_contents")
    session.execute("drop_staged_contents")
    return len(raw_contents)


def _staged_content(raw: str) -> tuple[object, ...]:
    text = clean(raw)
    return (raw, content_hash(text).hex(), text) if text else (raw, None, None)


def _encode(session: Session, encoder: Encoder, batch_size: int) -> int:
    """Give a vector to every text that has none of this encoder."""
    missing = session.rows("texts_without_vector", encoder_id=encoder.encoder_id)
    session.execute("create_staged_vectors")
    columns = (copying.INT4, copying.vector(encoder.dim))
    for start in range(0, len(missing), CHUNK):
        keys, contents = zip(*missing[start : start + CHUNK], strict=True)
        vectors = encoder.encode(contents, batch_size)
        session.copy_in("copy_staged_vectors", columns, (np.array(keys, np.int32), vectors))
    session.execute("insert_text_vectors", encoder_id=encoder.encoder_id)
    session.execute("drop_staged_vectors")
    return len(missing)


def _name_model(session: Session, encoder: Encoder, settings: Settings) -> None:
    """Let the zero-shot model of this preset and encoder serve."""
    model = ZeroShot.of(preset_of(settings))
    model_id = model.fingerprint(encoder.encoder_id)
    session.execute(
        "upsert_model",
        model_id=model_id,
        kind="zero-shot",
        encoder_id=encoder.encoder_id,
        dim=encoder.dim,
        parameters=json.dumps(model._asdict()),
    )
    if session.execute("retire_model", model_id=model_id):
        # Right after a change of preset or encoder; if nobody meant one, this is where to see it.
        log.warning("another model serves from now on", model=model_id, preset=settings.preset)
    session.execute("serve_model", model_id=model_id)
