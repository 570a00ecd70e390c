"""Who is behind a pseudonym: users are called by a keyed hash, what the source calls them is apart.

A pseudonym is made where a user is met for the first time: HMAC-SHA256 (RFC 2104) under
RECSYS_IDENTITY_KEY. The key is never in the database, nor in a statement that is sent to it.
Everything behind that knows users by our integer, so that nothing else depends on the key: with it
or without, or with another one, the same rows come out, but for what users are called.
"""

from collections.abc import Iterable
from typing import Final

from recsys_tasks.errors import BadSettings, IdentityKeyDiffers
from recsys_tasks.settings import Settings
from recsys_tasks.warehouse.session import Session
from recsys_tasks.warehouse.tombstones import Key, has_people

# Attributes that name somebody, and are not taken where users have pseudonyms.
NAMING: Final = (
    *("name", "first_name", "last_name", "full_name", "username", "user_name", "login"),
    *("email", "e_mail", "mail", "phone", "mobile", "telephone", "address", "street"),
)


def key_given(settings: Settings) -> Key | None:
    """The settings' key.

    Raises:
        BadSettings: The preset has items that stand for users, so that their ids would stay.
    """
    if settings.identity_key is None:
        return None
    if has_people(settings.preset):
        problem = f"RECSYS_IDENTITY_KEY: in preset {settings.preset} an item's id may name a user"
        raise BadSettings(problem=problem)
    return Key(settings.identity_key.get_secret_value().encode())


def identity_key(session: Session, settings: Settings) -> Key | None:
    """The key that users are called by; None where they are called as in the source.

    A schema without users begins to use the settings' key.

    Raises:
        IdentityKeyDiffers: Users that are there are called by another key, or by none.
        BadSettings: As for `key_given`.
    """
    key = fitting_key(session, settings)
    if key and session.value("identity_key_id") is None:
        use_key(session, key)
    return key


def fitting_key(session: Session, settings: Settings) -> Key | None:
    """As `identity_key`, and nothing is begun."""
    key, used = key_given(settings), session.value("identity_key_id")
    given = key.key_id if key else None
    begins = used is None and not session.value("has_users")
    if used != given and not begins:
        raise IdentityKeyDiffers(
            schema=session.schema,
            found="as in the source" if used is None else f"by pseudonyms of key {used}",
            given=f"is key {given}" if key else "is not set",
            remedy="`ebbtide identities rotate` takes the key that is set"
            if key
            else "set it, or `ebbtide identities off`",
        )
    return key


def use_key(session: Session, key: Key) -> None:
    """Write down which key users are called by, and keep identities apart from the first one on."""
    if session.value("identity_key_id") is None:
        session.execute("part_identities")
    session.execute("upsert_identity_key", key_id=key.key_id)


def insert_as_pseudonyms(session: Session, key: Key, new: str, insert: str) -> None:
    """Take new users in under pseudonyms, in the order of their ids, as without a key.

    Args:
        session: A step's.
        key: Makes the pseudonyms.
        new: The query for their ids.
        insert: The query that inserts them, and reads `pseudonyms`.
    """
    create_pseudonyms(session, key, (user_id for (user_id,) in session.rows(new)))
    session.execute(insert)
    session.execute("insert_identities")
    session.execute("drop_pseudonyms")


def rename_rejected(session: Session, key: Key, where: str) -> None:
    """Call users by pseudonyms in what was rejected: `staged` by a night, or `loaded`."""
    ids = (user_id for (user_id,) in session.rows(f"rejected_ids_{where}"))
    create_pseudonyms(session, key, ids)
    session.execute(f"rename_rejected_{where}")
    session.execute("drop_pseudonyms")


def create_pseudonyms(session: Session, key: Key, user_ids: Iterable[str]) -> None:
    """A temporary table of ids and pseudonyms."""
    session.execute("create_pseudonyms")
    rows = ((user_id, key.pseudonym(user_id)) for user_id in user_ids)
    session.copy_rows("copy_pseudonyms", rows)


def names_of(session: Session, settings: Settings, user_id: str, user_key: int | None) -> list[str]:
    """What a user may be called in the tables: the source's id, and pseudonyms."""
    names = [user_id, user_key and session.value("name_of_user", user_key=user_key)]
    if key := key_given(settings):
        names.append(key.pseudonym(user_id))
    return list(dict.fromkeys(filter(None, names)))
