"""Everything of a user out of the schema in one transaction, with a search that proves it.

Which tables hold users is not listed anywhere: the schema itself tells (view user_columns), and
afterwards every column that can hold text or a user's key is searched. Whoever is still found makes
the whole erasure fail, with the place.

A tombstone, a keyed hash of the id, keeps the user out: the night, the refresh and `load` leave out
the rows of erased users. Totals, lists and rows of all other users stay as they are.
"""

from collections.abc import Iterable
from contextlib import closing
from datetime import UTC, datetime
from typing import Final, NamedTuple

import structlog

import recsys_tasks
from recsys_tasks.erasing.learned import learned_from
from recsys_tasks.erasing.report import ErasureReport, report_of
from recsys_tasks.errors import BadSettings, BadSource, ErasureIncomplete, NothingHeld
from recsys_tasks.settings import Settings, fingerprint_of
from recsys_tasks.warehouse import Session, Warehouse, connect
from recsys_tasks.warehouse.identities import names_of
from recsys_tasks.warehouse.removing import Rows, remove_questioned_texts, remove_users
from recsys_tasks.warehouse.searching import DISTINCTIVE, search
from recsys_tasks.warehouse.tombstones import (
    Erased,
    Key,
    has_people,
    key_to_use,
    keys_at_hand,
    pseudonym_of,
)

log = structlog.get_logger()

LOADED: Final = "app"  # the source whose tables `ebbtide load` makes
_LEDGER: Final = "nights"  # where a word may be anybody's
_ASK_FOR_A_TOMBSTONE: Final = "; to keep them out all the same, ask for a tombstone (--tombstone)"


class _Removed(NamedTuple):
    """What an erasure took out.

    Attributes:
        user_key: None of a user who was not known.
        rows: By table.
        models: Learned models and tuned encoders that may know of the user, with their state.
    """

    user_key: int | None
    names: list[str]
    rows: Rows
    models: dict[str, str]


def erase(
    settings: Settings, user_id: str, *, leave_tombstone: bool = False, from_source: bool = False
) -> ErasureReport:
    """Erase a user, and keep them out from now on.

    Repeated, it finds nothing more and gives the report of then; so a retry is safe.

    Args:
        settings: Of the tenant.
        user_id: The source's id.
        leave_tombstone: Keep out also a user of whom nothing is held.
        from_source: Delete them from the tables that `ebbtide load` fills as well.

    Raises:
        NothingHeld: Nothing is held about such a user.
        ErasureIncomplete: They would still be found; nothing was changed.
        ErasureKeyMissing: Earlier erasures took a key that is not set.
        BadSettings: The source is not that of `ebbtide load`, and is not ours to change.
    """
    if from_source and settings.source != LOADED:
        problem = f"Source {settings.source} is only read, so its rows are yours to remove"
        raise BadSettings(problem=problem)
    if not _is_storable(user_id):
        raise NothingHeld(user_id=user_id, schema=settings.schema_name, remedy="")
    with (
        closing(connect(settings)) as warehouse,
        warehouse.transaction(exclusive=True) as session,
    ):
        session.execute("lock_erasures")
        Erased(session, settings.erasure_key)  # refuses where a key is missing
        key = key_to_use(session, settings.erasure_key)
        earlier = _earlier(session, settings, user_id)
        removed = _remove(session, settings, user_id, key)
        removed.rows.update(_delete_loaded(session, user_id) if from_source else {})
        if not any(n for table, n in removed.rows.items() if table != _LEDGER):
            if earlier is not None:
                return earlier
            if not leave_tombstone:
                remedy = _ASK_FOR_A_TOMBSTONE
                raise NothingHeld(user_id=user_id, schema=session.schema, remedy=remedy)
        report = _report(session, settings, user_id, key, removed)
        n_left = (
            _rows_in_source(session, settings, user_id)
            if from_source
            else _rows_elsewhere(warehouse, settings, user_id)
        )
        report = report._replace(rows_in_source=n_left).signed(key)
        _write_down(session, report)
    log.info("erased", schema=settings.schema_name, tombstone=report.tombstone[:12], **report.rows)
    return report


def erase_again(session: Session, settings: Settings) -> int:
    """Erase whoever was erased before and is there again, as after a backup was restored.

    Returns:
        The number of users.
    """
    erased = Erased(session, settings.erasure_key)
    if not erased:
        return 0
    back = erased.among(user_id for (user_id,) in session.rows("all_user_ids"))
    key = keys_at_hand(session, settings.erasure_key)[0]
    for user_id in back:
        _remove(session, settings, user_id, key)
    return len(back)


def _is_storable(user_id: str) -> bool:
    """Whether Postgres could hold the id at all."""
    try:
        return bool(user_id.encode()) and "\0" not in user_id
    except UnicodeEncodeError:
        return False


def _earlier(session: Session, settings: Settings, user_id: str) -> ErasureReport | None:
    keys = keys_at_hand(session, settings.erasure_key)
    tombstones = [key.tombstone(user_id) for key in keys]
    report = session.value("erasure_of", tombstones=tombstones)
    return None if report is None else report_of(report)


def _remove(session: Session, settings: Settings, user_id: str, key: Key) -> _Removed:
    """Delete everything of a user."""
    user_key = session.value("key_of_user", user_id=user_id)
    names = names_of(session, settings, user_id, user_key)
    first_day = user_key and session.value("first_day_of_user", user_key=user_key)
    learned = learned_from(session, settings, first_day) if first_day else {}
    user_keys = [] if user_key is None else [int(user_key)]
    social = has_people(settings.preset)
    session.execute("create_person", user_id=user_id if social else None)
    people = [-item_key for (item_key,) in session.rows("keys_of_person")]
    rows = remove_users(session, user_keys, people)
    rows["items"] = _forget_person(session, user_id, pseudonym_of(key.tombstone(user_id)), people)
    session.execute("question_texts_of_nobody")
    rows |= remove_questioned_texts(session)
    rows["rejected_interactions"] = int(session.value("delete_rejected_of_user", user_names=names))
    rows[_LEDGER] = sum(
        session.execute("forget_in_ledger", user_id=name, distinctive=DISTINCTIVE) for name in names
    )
    return _Removed(user_key, names, rows, learned)


def _forget_person(session: Session, user_id: str, pseudonym: str, people: Iterable[int]) -> int:
    """Take the name from the item that stands for a user, where there is one.

    Returns:
        The number of such items.
    """
    n = 0
    if any(people):
        session.execute("question_text_of_person")
        session.execute("delete_vector_of_person")
        session.execute("delete_neighbours_of_person")
        session.execute("delete_links_of_person")
        session.execute("forget_person_in_rejected", user_id=user_id, pseudonym=pseudonym)
        n = session.execute("forget_person", pseudonym=pseudonym)
    session.execute("drop_person")
    return n


def _delete_loaded(session: Session, user_id: str) -> Rows:
    """Delete a user from the tables of `ebbtide load`."""
    session.execute("load_create_tables")
    return {
        "app.events": session.execute("delete_loaded_events", user_id=user_id),
        "app.users": session.execute("delete_loaded_users", user_id=user_id),
    }


def _report(
    session: Session, settings: Settings, user_id: str, key: Key, removed: _Removed
) -> ErasureReport:
    """Search for the user, and say what was done.

    Raises:
        ErasureIncomplete: The user is still there.
    """
    social = has_people(settings.preset)
    found = search(session, removed.names, removed.user_key, has_people=social)
    if found.held:
        raise ErasureIncomplete(places=", ".join(sorted(found.held)))
    return ErasureReport(
        schema=session.schema,
        version=recsys_tasks.__version__,
        settings=fingerprint_of(settings),
        erased_at=datetime.now(UTC).isoformat(timespec="seconds"),
        tombstone=key.tombstone(user_id).hex(),
        key_id=key.key_id,
        rows=removed.rows,
        n_columns=found.n_columns,
        mentioned=found.mentioned,
        source=settings.source,
        rows_in_source=None,
        models=removed.models,
    )


def _rows_in_source(session: Session, settings: Settings, user_id: str) -> int:
    """What the source has of a user."""
    session.map_source(settings.source)
    return int(session.value("rows_in_source", user_id=user_id))


def _rows_elsewhere(warehouse: Warehouse, settings: Settings, user_id: str) -> int | None:
    """The same, where the source may be broken: None where it cannot be read."""
    try:
        with warehouse.transaction() as session:
            return _rows_in_source(session, settings, user_id)
    except BadSource as error:
        log.warning("the source cannot be read", reason=str(error))
        return None


def _write_down(session: Session, report: ErasureReport) -> None:
    session.execute(
        "upsert_erasure",
        tombstone=bytes.fromhex(report.tombstone),
        key_id=report.key_id,
        erased_at=report.erased_at,
        report=report.as_json(),
    )
