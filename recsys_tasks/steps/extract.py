"""Take the day's interactions from the source, checked; bad rows are kept with a reason.

A night also takes every earlier day that was never taken (the first night takes the whole history),
and takes again each of the last `late_days` days whose rows in the source have changed since: late
events. A day that was not over when it was taken is looked at again, however long ago it was.

Users' attributes are taken as they stand in the source, also of users who did nothing yet.

Users who were erased are left out, and counted. Where behaviour is kept for so many days, older
days are as if they had not been.
"""

import hashlib
import json
from datetime import UTC, date, datetime, timedelta

from recsys_tasks.interactions import date_of
from recsys_tasks.settings import Preset, Settings, preset_of
from recsys_tasks.steps import Counts
from recsys_tasks.warehouse import Session
from recsys_tasks.warehouse.identities import (
    NAMING,
    identity_key,
    insert_as_pseudonyms,
    rename_rejected,
)
from recsys_tasks.warehouse.scrubbing import scrub_staged, scrubber_of
from recsys_tasks.warehouse.tombstones import Erased, Key, leave_out_known, leave_out_staged


def run(session: Session, settings: Settings, day: date) -> Counts:
    """Bring the interactions of every day until `day`, inclusive, in line with the source."""
    rules = rules_of(preset_of(settings))
    fingerprint = hashlib.sha256(f"{rules} {settings.text_limit}".encode()).hexdigest()[:12]
    session.map_source(settings.source)
    session.execute("update_event_types", rules=rules)
    session.execute("insert_event_types", rules=rules)
    session.execute("create_rules", rules=rules)
    erased = Erased(session, settings.erasure_key)
    key = identity_key(session, settings)
    _take_users(session, erased, key)
    # A row is "in the future" by the clock on the wall, whichever day the night is about.
    now = datetime.now(UTC)
    session.execute(
        "create_days",
        day=day,
        late_days=settings.late_days,
        rules_fingerprint=fingerprint,
        oldest=oldest_day(settings.keep_events, now.date()),
    )
    session.execute("create_changed_days")
    session.execute("create_staged", now=now, text_limit=settings.text_limit)
    session.execute("fingerprint_changed_days")
    n_erased = leave_out_staged(session, erased, settings.preset)
    scrub_staged(session, scrubber_of(settings))
    _replace(session, now, fingerprint, key)
    n_interactions, n_rejected, n_days = session.rows("extracted_counts")[0]
    session.execute("drop_staging")
    counts = {"days": n_days, "interactions": n_interactions, "rejected": n_rejected}
    return {**counts, "erased": n_erased} if n_erased else counts


def oldest_day(keep_days: int | None, today: date) -> date:
    """The first day whose behaviour is kept; the first of all days where all is kept.

    >>> oldest_day(2, date(2024, 3, 1)), oldest_day(None, date(2024, 3, 1))
    (datetime.date(2024, 2, 28), datetime.date(1970, 1, 1))
    """
    return date_of(0) if keep_days is None else today - timedelta(days=keep_days)


def _take_users(session: Session, erased: Erased, key: Key | None) -> None:
    """Copy the changes of what is known of users."""
    session.execute("create_known_users")
    if key:
        session.execute("strip_known_attributes", names=list(NAMING))
    leave_out_known(session, erased)
    session.execute("update_users")
    session.execute("forget_attributes")
    if key:
        insert_as_pseudonyms(session, key, "new_known_users", "insert_known_pseudonyms")
    else:
        session.execute("insert_known_users")
    session.execute("drop_known_users")


def rules_of(preset: Preset) -> str:
    """What a row must satisfy, by event type, as the JSON that the queries read."""
    return json.dumps([
        {
            "event_type": name,
            "verb": kind.verb,
            "uses_up": kind.uses_up,
            "needs_item": kind.needs_item,
            "minimum": kind.minimum,
            "maximum": kind.maximum,
        }
        for name, kind in sorted(preset.event_types.items())
    ])


def _replace(session: Session, now: datetime, rules_fingerprint: str, key: Key | None) -> None:
    """Exchange what was taken of the changed days for what is staged."""
    taken = [day for day, is_taken in session.rows("changed_days") if is_taken]
    if taken:
        session.execute("delete_taken", days=taken)
    session.execute("delete_copies_of_each_other")
    if session.execute("create_copies"):
        session.execute("delete_staged_copies")
        session.execute("delete_later_copies")
    session.execute("create_event_users")
    if key:
        insert_as_pseudonyms(session, key, "new_event_users", "insert_event_pseudonyms")
        rename_rejected(session, key, "staged")
    else:
        session.execute("insert_users")
    session.execute("create_event_items")
    session.execute("update_met_on")
    session.execute("insert_touched_items")
    session.execute("insert_interactions")
    session.execute("delete_rejected", now=now)
    session.execute("insert_rejected")
    session.execute("upsert_interaction_days", now=now, rules_fingerprint=rules_fingerprint)
    session.execute("mark_days_over", now=now)
    session.execute("remember_largest_values")
    session.execute("update_largest_values")
