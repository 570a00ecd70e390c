"""Users called by pseudonyms, by those of another key, or as in the source again: at once for all.

One transaction, in which no night runs; readers see the names of before until it ends. Every other
row stays as it is, since tables know users by our integer.
"""

from contextlib import closing
from typing import Final

import structlog

from recsys_tasks.errors import BadSettings
from recsys_tasks.settings import Settings
from recsys_tasks.warehouse import Session, connect
from recsys_tasks.warehouse.identities import NAMING, create_pseudonyms, key_given, use_key
from recsys_tasks.warehouse.tombstones import Key

log = structlog.get_logger()

_AT_ONCE: Final = 20_000  # users whose pseudonyms are in memory


def rotate(settings: Settings) -> int:
    """Call users by pseudonyms of the settings' key, whatever they are called now.

    The key of before is not needed. Rejected rows of users who are in no other table lose their way
    back with it, and are deleted.

    Returns:
        The number of users; 0 where the key is in use already.

    Raises:
        BadSettings: No key is set, or the preset has items that stand for users.
    """
    key = key_given(settings)
    if key is None:
        raise BadSettings(problem="RECSYS_IDENTITY_KEY is not set, and makes the pseudonyms")
    with closing(connect(settings)) as warehouse, warehouse.transaction(exclusive=True) as session:
        used = session.value("identity_key_id")
        if used == key.key_id:
            return 0
        if used is None:
            _forget_names(session)
        names: dict[str, str | None] = dict(session.rows("names_in_rejected"))
        if used is None:
            names = {name: name for name in names}
        use_key(session, key)
        if used is None:
            session.execute("insert_all_identities")
        _rename_rejected(
            session, {name: user_id and key.pseudonym(user_id) for name, user_id in names.items()}
        )
        n_users = _rename_users(session, key)
    log.info("users renamed", schema=settings.schema_name, users=n_users, key_id=key.key_id)
    return n_users


def give_back(settings: Settings) -> int:
    """Call users as in the source again, and keep nothing apart any more.

    Returns:
        The number of users; 0 where they were called so.
    """
    with closing(connect(settings)) as warehouse, warehouse.transaction(exclusive=True) as session:
        if session.value("identity_key_id") is None:
            return 0
        _rename_rejected(session, dict(session.rows("names_in_rejected")))
        n_users = session.execute("name_users_as_the_source_does")
        session.execute("forget_identity_key")
        session.execute("join_identities")
    log.info("users renamed", schema=settings.schema_name, users=n_users)
    return n_users


def _forget_names(session: Session) -> None:
    """What no pseudonym can stand for, where users were called as in the source until now."""
    session.execute("forget_named_in_ledger")
    session.execute("forget_rejected_lines")
    session.execute("strip_attributes", names=list(NAMING))


def _rename_rejected(session: Session, names: dict[str, str | None]) -> None:
    """Rename users in rejected rows, by what they are called now; None where nobody knows."""
    lost = [name for name, renamed in names.items() if renamed is None]
    session.execute("delete_nameless_rejected", names=lost)
    session.execute("create_pseudonyms")
    session.copy_rows("copy_pseudonyms", ((name, new) for name, new in names.items() if new))
    session.execute("rename_rejected")
    session.execute("drop_pseudonyms")


def _rename_users(session: Session, key: Key) -> int:
    n_users, last = 0, 0
    while found := session.rows("identities_after", user_key=last, n=_AT_ONCE):
        create_pseudonyms(session, key, (user_id for _, user_id in found))
        n_users += session.execute("rename_users")
        session.execute("drop_pseudonyms")
        last = found[-1][0]
    return n_users
