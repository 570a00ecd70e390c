"""The report of an erasure: what was deleted, and what stays, signed."""

import hmac
import json
from collections.abc import Mapping
from contextlib import closing
from typing import Final, NamedTuple

from recsys_tasks.errors import BadReport
from recsys_tasks.settings import Settings
from recsys_tasks.warehouse import connect
from recsys_tasks.warehouse.tombstones import Key, keys_at_hand

STAYS: Final = (
    "Counts and means over many users: trends, evaluations, experiments, scales of ratings.",
    "Models and tuned encoders that may know of the user's behaviour, until retired: `models`.",
    "The source, which is only read: `rows_in_source`. None of it is taken in again.",
    "Backups and server logs of before, for as long as they are kept.",
    "Places where the id stands in what others wrote, or as something else's name: `mentioned`.",
)


class ErasureReport(NamedTuple):
    """What was done; it holds no identity, so it may be kept.

    Attributes:
        schema: The tenant's.
        version: Of Ebbtide.
        settings: Their fingerprint.
        erased_at: ISO 8601, UTC.
        tombstone: A keyed hash of the id, hexadecimal.
        key_id: Names the key that it takes, and that signed.
        rows: Deleted, by table; of other users' rows that named the user, those that changed.
        n_columns: How many columns were searched afterwards. The user was found in none.
        mentioned: Rows by table and column where the id stands in another meaning.
        source: The name of the source.
        rows_in_source: What it still has of the user; None where it could not be read.
        models: Learned models and tuned encoders that may know of the user, with their state.
        stays: What an erasure cannot reach, in words.
        signature: HMAC-SHA256 over all the rest, hexadecimal.
    """

    schema: str
    version: str
    settings: str
    erased_at: str
    tombstone: str
    key_id: str
    rows: Mapping[str, int]
    n_columns: int
    mentioned: Mapping[str, int]
    source: str
    rows_in_source: int | None
    models: Mapping[str, str]
    stays: tuple[str, ...] = STAYS
    signature: str = ""

    def signed(self, key: Key) -> "ErasureReport":
        """The same, with its signature."""
        return self._replace(signature=key.signature(self._content()))

    def is_signed_by(self, key: Key) -> bool:
        """Whether the signature is the key's, over just this content."""
        return hmac.compare_digest(self.signature, key.signature(self._content()))

    def as_json(self) -> str:
        """For people and for `verify`."""
        return json.dumps(self._asdict(), indent=2, ensure_ascii=False)

    def _content(self) -> bytes:
        facts = self._asdict()
        del facts["signature"]
        return json.dumps(facts, sort_keys=True, separators=(",", ":")).encode()


def report_of(facts: object) -> ErasureReport:
    """The report that JSON holds.

    Raises:
        BadReport: It holds none.
    """
    if not isinstance(facts, dict) or facts.keys() != set(ErasureReport._fields):
        raise BadReport(problem="is no report of an erasure")
    return ErasureReport(**{**facts, "stays": tuple(facts["stays"])})


def verify(settings: Settings, content: str, user_id: str | None = None) -> ErasureReport:
    """The report that a text holds, if it is what an erasure of this schema gave.

    Args:
        settings: Of the tenant, with the key of then.
        content: JSON, as `as_json` gives it.
        user_id: Whose erasure it should be; None for anybody's.

    Raises:
        BadReport: It was not signed so, or it is another user's.
    """
    try:
        report = report_of(json.loads(content))
    except (ValueError, TypeError) as error:
        raise BadReport(problem="is no report of an erasure") from error
    with closing(connect(settings)) as warehouse, warehouse.transaction() as session:
        keys = {key.key_id: key for key in keys_at_hand(session, settings.erasure_key)}
    key = keys.get(report.key_id)
    if key is None:
        problem = f"was signed under key {report.key_id}, which is not at hand: set"
        raise BadReport(problem=f"{problem} RECSYS_ERASURE_KEY to what it was then")
    if not report.is_signed_by(key):
        raise BadReport(problem="does not carry the signature of its content: it was changed")
    if user_id is not None and key.tombstone(user_id).hex() != report.tombstone:
        raise BadReport(problem=f"is about another user than {user_id!r}")
    return report
