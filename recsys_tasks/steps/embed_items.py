"""Bring the catalogue up to date, and give every text that is new a vector.

Only items whose row in the source changed are read; only texts that no vector is known for are
encoded, each distinct text once, whoever wrote it. The zero-shot model of these vectors is named
here, and serves unless a learned one does.
"""

from collections.abc import Mapping
from datetime import date

from recsys_tasks.encoder import Encoder, loaded
from recsys_tasks.interest_model import ZeroShot
from recsys_tasks.settings import Settings, preset_of
from recsys_tasks.steps import Counts
from recsys_tasks.steps.duplicates import link_duplicates
from recsys_tasks.steps.embedding import embed_missing
from recsys_tasks.texts import (
    Boilerplate,
    Rules,
    Template,
    clean,
    content_hash,
    item_text,
    stop_words,
)
from recsys_tasks.texts.scrubbing import Scrubber
from recsys_tasks.warehouse import Session
from recsys_tasks.warehouse.encoders import encoder_in_use
from recsys_tasks.warehouse.models import LEARNED, StoredModel, live_models, save_zero_shot
from recsys_tasks.warehouse.scrubbing import scrub_known, scrubber_of
from recsys_tasks.warehouse.session import Row
from recsys_tasks.warehouse.tombstones import Erased, has_people
from recsys_tasks.warehouse.variant_models import name_variant_models


def run(
    session: Session,
    settings: Settings,
    day: date,  # noqa: ARG001  as every step
    most_texts: int | None = None,
) -> Counts:
    """Bring items, texts and vectors in line with the source.

    Raises:
        ManyTexts: More than `most_texts` texts have no vector: to be embedded in chunks, before
            this is run again.
    """
    session.map_source(settings.source)
    scrubber = scrubber_of(settings)
    scrub_known(session, scrubber)
    rules = _rules(session, settings)
    n_items = _take_items(session, rules, _people_erased(session, settings))
    n_contents = _clean_contents(session, scrubber)
    encoder = loaded(encoder_in_use(session, settings), settings.device)
    n_vectors = embed_missing(session, encoder, settings.encode_batch_size, most_texts)
    link_duplicates(session, encoder, settings.duplicates)
    _choose_model(session, encoder, settings)
    return {"changed_items": n_items, "user_texts": n_contents, "vectors": n_vectors}


def _rules(session: Session, settings: Settings) -> Rules:
    """How an item's fields become its text, as the settings and the catalogue of now have it."""
    boilerplate = Boilerplate()
    if settings.boilerplate is not None:
        descriptions = (row[0] for row in session.rows("descriptions"))
        boilerplate = Boilerplate.of(descriptions, settings.boilerplate)
    return Rules(
        Template(settings.item_template),
        stop_words(settings.stop_words),
        boilerplate,
        scrubber_of(settings) if settings.scrub == "all" else None,
    )


def _people_erased(session: Session, settings: Settings) -> Erased | None:
    """Who was erased, in a social place, where an item may stand for a user; None elsewhere."""
    return Erased(session, settings.erasure_key) if has_people(settings.preset) else None


def _take_items(session: Session, rules: Rules, erased: Erased | None) -> int:
    """Copy the catalogue's changes, but for the people who were erased.

    Other rules than last time make a change of every item, and other vectors of those whose text
    they change.
    """
    changed = session.rows("changed_items", text_rules=rules.fingerprint)
    if erased:
        changed = [row for row in changed if erased.tombstone(row[0]) is None]
    if changed:
        session.execute("create_staged_items")
        session.copy_rows("copy_staged_items", (_staged_item(row, rules) for row in changed))
        session.execute("insert_item_texts")
        if since := session.value("untold_items_met_on"):
            session.execute("forget_days_before_vectors", since=since)
        session.execute("upsert_items", text_rules=rules.fingerprint)
        session.execute("drop_staged_items")
    session.execute("unlist_items")
    return len(changed)


def _staged_item(row: Row, rules: Rules) -> tuple[object, ...]:
    item_id, title, description, category, attributes, available, created_at, source_hash = row
    if attributes is not None and not isinstance(attributes, Mapping):
        attributes = {"attributes": attributes}  # a mapping may give a list of tags
    text = item_text(title, category, description, attributes, rules)
    if rules.scrubber and title:
        title = rules.scrubber.scrub_raw(title)
    listed = (item_id, title, category, available is not False, created_at, source_hash)
    return (*listed, content_hash(text).hex(), text) if text else (*listed, None, None)


def _clean_contents(session: Session, scrubber: Scrubber | None) -> int:
    """Replace what users wrote by its cleaned text's key."""
    raw_contents = [row[0] for row in session.rows("unclean_contents")]
    if not raw_contents:
        return 0
    session.execute("create_staged_contents")
    staged = (_staged_content(raw, scrubber) for raw in raw_contents)
    session.copy_rows("copy_staged_contents", staged)
    session.execute("insert_contents")
    session.execute("link_contents")
    session.execute("drop_staged_contents")
    return len(raw_contents)


def _staged_content(raw: str, scrubber: Scrubber | None) -> tuple[object, ...]:
    text = scrubber.scrub(clean(raw)) if scrubber else clean(raw)
    return (raw, content_hash(text).hex(), text) if text else (raw, None, None)


def _choose_model(session: Session, encoder: Encoder, settings: Settings) -> None:
    """Let a learned model of this encoder and preset go on serving, else the zero-shot model."""
    model = ZeroShot.of(preset_of(settings))
    zero_shot = save_zero_shot(session, model, encoder.encoder_id, encoder.dim)
    if _learned_may_serve(session, zero_shot, settings.preset):
        session.execute("set_model_state", model_key=zero_shot.model_key, state="kept")
    elif session.execute("depose_serving", model_key=zero_shot.model_key):
        # Right after a change of preset or encoder; if nobody meant one, this is where to see it.
        session.note(
            f"model {zero_shot.model_id} serves from now on: the preset is {settings.preset}, the"
            f" encoder {encoder.encoder_id}, and the model before was made for others"
        )
    session.execute("serve_if_none_does", model_key=zero_shot.model_key)
    session.execute("retire_other_zero_shots", model_key=zero_shot.model_key)
    # What does not load is replaced before the night begins to use it.
    live_models(session, both_stages=False)
    name_variant_models(session, settings)


def _learned_may_serve(session: Session, zero_shot: StoredModel, preset: str) -> bool:
    """Whether a learned model serves, and was made for the vectors and weights of now."""
    row = session.row("serving_model")
    if row is None:
        return False
    serving = StoredModel(*row)
    return (
        serving.kind == LEARNED
        and (serving.encoder_id, serving.dim) == (zero_shot.encoder_id, zero_shot.dim)
        and session.value("preset_of_model", model_key=serving.model_key) == preset
    )
