"""Who was erased and must not come back, without anybody's id being kept.

A tombstone is a keyed hash of a user's id: HMAC-SHA256 (RFC 2104). Whoever is about to take rows of
users in hashes their ids and looks whether the hash is there. The key is RECSYS_ERASURE_KEY; where
that is not set, one that the schema keeps. Ids are few enough to try all of them, so with the key
beside the tombstones a copy of the schema tells of any id whether it was erased; with the key
elsewhere it does not.
"""

import hmac
import secrets
from collections.abc import Iterable
from typing import NamedTuple

from pydantic import SecretStr

from recsys_tasks.errors import ErasureKeyMissing
from recsys_tasks.warehouse.session import Session

PSEUDONYM = "erased:"  # before what is left of the name of a person whom others follow


class Key(NamedTuple):
    """A secret that ids are hashed with, and reports are signed with.

    Attributes:
        secret: Of any length.
    """

    secret: bytes

    @property
    def key_id(self) -> str:
        """Names it, and tells nothing of it."""
        return self._of("name", b"").hex()[:16]

    def tombstone(self, user_id: str) -> bytes:
        """What stands for an erased user: 32 bytes."""
        return self._of("tombstone", user_id.encode())

    def pseudonym(self, user_id: str) -> str:
        """What a user is called instead: 32 hexadecimal digits, the first 128 bits."""
        return self._of("pseudonym", user_id.encode())[:16].hex()

    def signature(self, content: bytes) -> str:
        """Of a report, hexadecimal."""
        return self._of("signature", content).hex()

    def _of(self, purpose: str, content: bytes) -> bytes:
        """A hash that no other purpose has."""
        own = hmac.digest(self.secret, b"ebbtide " + purpose.encode(), "sha256")
        return hmac.digest(own, content, "sha256")


def pseudonym_of(tombstone: bytes) -> str:
    """What an erased person is called whom others follow."""
    return PSEUDONYM + tombstone.hex()[:24]


def has_people(preset: str) -> bool:
    """Whether an item of the preset may stand for a user: people whom others follow."""
    return preset == "social"


def keys_at_hand(session: Session, given: SecretStr | None) -> list[Key]:
    """The keys that there are, the one to use first: the given one, then the schema's."""
    kept = session.value("erasure_key")
    keys = [] if given is None else [Key(given.get_secret_value().encode())]
    return keys if kept is None else [*keys, Key(bytes(kept))]


def key_to_use(session: Session, given: SecretStr | None) -> Key:
    """The given key, else the schema's, which is made where it is missing."""
    if given is None:
        session.execute("insert_erasure_key", key=secrets.token_bytes(32))
    return keys_at_hand(session, given)[0]


class Erased:
    """The users who were erased: asked, id by id, whether they are among them."""

    def __init__(self, session: Session, given: SecretStr | None) -> None:
        """Read the tombstones of the session's schema; few are erased.

        Args:
            session: A transaction.
            given: The settings' key.

        Raises:
            ErasureKeyMissing: A key is not at hand, so that an erased user would not be known
                again.
        """
        rows = session.rows("tombstones")
        self._tombstones = {bytes(tombstone) for tombstone, _ in rows}
        keys = {key.key_id: key for key in keys_at_hand(session, given)} if rows else {}
        used = {key_id for _, key_id in rows}
        if missing := used - keys.keys():
            raise ErasureKeyMissing(schema=session.schema, key_id=min(missing))
        self._keys = [keys[key_id] for key_id in sorted(used)]

    def __bool__(self) -> bool:
        """Whether anybody was erased."""
        return bool(self._tombstones)

    def tombstone(self, user_id: str) -> bytes | None:
        """Of an erased user; None of another one."""
        made = (key.tombstone(user_id) for key in self._keys)
        return next((tombstone for tombstone in made if tombstone in self._tombstones), None)

    def among(self, user_ids: Iterable[str]) -> dict[str, str]:
        """Those of the ids that belong to erased users, each with its pseudonym."""
        found = ((user_id, self.tombstone(user_id)) for user_id in user_ids)
        return {user_id: pseudonym_of(tombstone) for user_id, tombstone in found if tombstone}


def leave_out_staged(session: Session, erased: Erased, preset: str) -> int:
    """Take what erased users did out of what a night is about to take.

    In a social place they keep a pseudonym as the people whom others follow.

    Returns:
        The number of events left out.
    """
    if not erased:
        return 0
    rows = session.rows("staged_user_ids", has_people=has_people(preset))
    found = erased.among(user_id for (user_id,) in rows)
    n_events = session.execute("delete_staged_of", user_ids=list(found))
    if has_people(preset):
        names = {"user_ids": list(found), "pseudonyms": list(found.values())}
        session.execute("rename_staged_items", **names)
    return n_events


def leave_out_known(session: Session, erased: Erased) -> None:
    """Take what the source says of erased users out of what a night is about to take."""
    if erased:
        found = erased.among(user_id for (user_id,) in session.rows("known_user_ids"))
        session.execute("delete_known_users_of", user_ids=list(found))


def leave_out_loaded(session: Session, erased: Erased, table: str) -> int:
    """Take rows of erased users out of a staged file, and out of what is rejected of it.

    Args:
        session: Of the load.
        erased: Who was erased.
        table: `users` or `events`; other tables have no users.

    Returns:
        The number of rows left out.
    """
    if not erased or table not in {"users", "events"}:
        return 0
    found = erased.among(user_id for (user_id,) in session.rows(f"loaded_user_ids_{table}"))
    return int(session.value(f"delete_loaded_of_{table}", user_ids=list(found)))
