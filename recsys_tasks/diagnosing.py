"""What is wrong with an installation, and the remedy: one function a question."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from recsys_tasks.encoder import Specification, loaded, suitability
from recsys_tasks.errors import EbbtideError, first_line
from recsys_tasks.settings import Settings
from recsys_tasks.warehouse import Session, connect
from recsys_tasks.warehouse.encoders import encoder_in_use
from recsys_tasks.warehouse.identities import fitting_key

OLDEST_POSTGRES = 160000  # pg_input_is_valid came with it
OLDEST_PGVECTOR = (0, 7)  # halfvec came with it


class Finding(NamedTuple):
    """One answer.

    Attributes:
        is_well: Whether it needs no remedy.
        what: What was found.
        remedy: What to do, or what to know; empty where there is nothing.
    """

    is_well: bool
    what: str
    remedy: str = ""


def diagnose(settings: Settings) -> Iterator[Finding]:
    """Answers in the order in which things depend on each other, as far as they can be asked."""
    texts: list[str] = []
    specification = Specification.of(settings)
    try:
        warehouse = connect(settings)
        with warehouse.transaction() as session:
            yield _server(session)
            yield _schema(session)
            yield _rights(session)
            yield from _source(session, settings)
            yield _identities(session, settings)
            yield from (ask(session) for ask in _QUESTIONS)
            specification = encoder_in_use(session, settings)
            texts = [content for (content,) in session.rows("texts_to_try")]
    except EbbtideError as error:
        yield Finding(is_well=False, what="the database cannot be used", remedy=str(error))
    except Exception as error:  # noqa: BLE001  whatever the database says is the answer
        remedy = f"Ask whoever runs the server: {first_line(error)}"
        yield Finding(is_well=False, what="the database refuses", remedy=remedy)
    yield _encoder(specification, settings.device, texts)


def _server(session: Session) -> Finding:
    number, version, pgvector = session.rows("server_versions")[0]
    what = f"PostgreSQL {version} with pgvector {pgvector}"
    if number < OLDEST_POSTGRES:
        return Finding(is_well=False, what=what, remedy="Upgrade PostgreSQL to 16 or newer.")
    if tuple(map(int, pgvector.split(".")[:2])) < OLDEST_PGVECTOR:
        remedy = "Upgrade pgvector to 0.7 or newer, then: alter extension vector update"
        return Finding(is_well=False, what=what, remedy=remedy)
    return Finding(is_well=True, what=what)


def _schema(session: Session) -> Finding:
    version = session.value("schema_version")
    return Finding(is_well=True, what=f"schema {session.schema} at version {version}")


def _rights(session: Session) -> Finding:
    """Whether roles have what the schema's rules say: a restore leaves that out."""
    n_lacking, n_open = session.rows("rights_amiss")[0]
    if not n_lacking and not n_open:
        return Finding(is_well=True, what="roles have the rights that they should")
    return Finding(
        is_well=False,
        what=f"roles lack {n_lacking} rights, and everybody may call {n_open} functions",
        remedy="Run `ebbtide access --apply` as the schema's owner.",
    )


def _source(session: Session, settings: Settings) -> Iterator[Finding]:
    """Whether the source can be read, and has what a night needs."""
    try:
        session.map_source(settings.source)
        n_items, n_users, n_events, last = session.rows("source_sizes")[0]
    except Exception as error:  # noqa: BLE001  whatever the mapping runs into is the answer
        session.undo()
        remedy = (
            "Run `ebbtide load FOLDER`, or map your tables: see sql/source/example_shop, and "
            "RECSYS_SOURCE. "
            f"({first_line(error)})"
        )
        yield Finding(is_well=False, what=f"source {settings.source} cannot be read", remedy=remedy)
        return
    sizes = f"{n_items:,} items, {n_users:,} users, {n_events:,} events"
    what = f"source {settings.source}: {sizes}" + (f" until {last}" if last else "")
    remedy = "" if n_items and n_events else "Load items and events: a night needs both."
    yield Finding(is_well=bool(n_items and n_events), what=what, remedy=remedy)


def _identities(session: Session, settings: Settings) -> Finding:
    """Whether the settings' key is the one that users are called by, and leads to each of them."""
    try:
        key = fitting_key(session, settings)
    except EbbtideError as error:
        what = "RECSYS_IDENTITY_KEY does not fit: nights and erasures stop"
        return Finding(is_well=False, what=what, remedy=str(error))
    if key is None:
        return Finding(is_well=True, what="users are called as in the source")
    called = f"users are called by pseudonyms of key {key.key_id}"
    if not session.value("has_identities"):
        lost = "and who is behind them is not there"
    elif n_nameless := session.value("count_nameless"):
        lost = f"and nobody knows who is behind {n_nameless:,} of them"
    else:
        return Finding(is_well=True, what=called)
    remedy = (
        f"Restore the schema and {session.schema}_identities again, of the same backup and into"
        " an empty database: see docs/operations.md."
    )
    return Finding(is_well=False, what=f"{called}, {lost}", remedy=remedy)


def _nights(session: Session) -> Finding:
    newest = session.value("newest_night")
    if newest is None:
        what = "no night was published yet"
        return Finding(is_well=True, what=what, remedy="Run `ebbtide night DAY`.")
    return Finding(is_well=True, what=f"newest published night {newest}")


def _failed(session: Session) -> Finding:
    failed = session.rows("failed_steps")
    if not failed:
        return Finding(is_well=True, what="no step of a night stands failed")
    day, step, error = failed[0]
    what = f"{len(failed)} steps stand failed, the latest {step} of {day}: {error}"
    remedy = f"Mend the cause, then repeat the night: ebbtide night {day}"
    return Finding(is_well=False, what=what, remedy=remedy)


def _rejected(session: Session) -> Finding:
    reasons = session.rows("rejected_by_reason")
    if not reasons:
        return Finding(is_well=True, what="no row of the source was rejected")
    n = sum(count for _, count in reasons)
    reason, most = reasons[0]
    return Finding(
        is_well=True,
        what=f"{n:,} rows of the source are rejected; {most:,} of them: {reason}",
        remedy="They are kept, and are taken once the source or the settings are right.",
    )


def _unlisted(session: Session) -> Finding:
    n_unlisted, n_textless, n_listed = session.rows("items_in_doubt")[0]
    what = f"{n_listed:,} items listed, {n_textless:,} of them without any text"
    if not n_unlisted:
        return Finding(is_well=True, what=what)
    remedy = (
        f"{n_unlisted:,} items have interactions but are not listed: they are never recommended."
    )
    return Finding(is_well=True, what=what, remedy=remedy)


def _encoder(specification: Specification, device: str, texts: list[str]) -> Finding:
    try:
        encoder = loaded(specification, device)
    except EbbtideError as error:
        return Finding(is_well=False, what=f"encoder {specification.model}", remedy=str(error))
    what = f"encoder {encoder.encoder_id}, {encoder.dim} dimensions"
    if problem := suitability(encoder, texts).problem:
        return Finding(is_well=False, what=what, remedy=problem)
    return Finding(is_well=True, what=what)


def _noted(session: Session) -> Finding:
    noted = session.rows("noted_steps")
    if not noted:
        return Finding(is_well=True, what="no step of the last nights left a note")
    day, step, note = noted[0]
    what = f"{step} of {day} noted: {note}"
    return Finding(is_well=False, what=what, remedy="See `ebbtide models`.")


def _live(session: Session) -> Finding:
    searches = [
        f"looks at all{scope} (by index {recall:.3f} of the nearest)"
        if is_exact
        else f"finds {recall:.3f} of the nearest{scope} with hnsw.ef_search {ef_search}"
        for scope, ef_search, recall, is_exact in session.rows("live_searches")
    ]
    what = f"nearest_items() {', '.join(searches) or 'looks at all: no night measured an index'}"
    return Finding(is_well=True, what=what)


_QUESTIONS: tuple[Callable[[Session], Finding], ...] = (
    _nights,
    _failed,
    _noted,
    _rejected,
    _unlisted,
    _live,
)
