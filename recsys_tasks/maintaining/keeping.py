"""Retention: what the settings do not keep, and what nothing refers to any more.

Behaviour that is not kept is forgotten whole: with a day's interactions go its deltas, and totals
are folded from the deltas that stay. So the tables are those of a history that begins with the
first day that is kept. Nights leave older days of the source out.
"""

from datetime import date, datetime, timedelta
from typing import Final

from recsys_tasks.settings import Settings
from recsys_tasks.steps.accumulate import forget_retired
from recsys_tasks.steps.extract import oldest_day
from recsys_tasks.steps.merge import bring_totals
from recsys_tasks.steps.topics import count_what_is_left
from recsys_tasks.warehouse import Session
from recsys_tasks.warehouse.models import live_models
from recsys_tasks.warehouse.removing import remove_questioned_texts, remove_users

KEEP_DRAFTS: Final = timedelta(days=7)  # of a run that failed, and may be taken up again
_EXPIRING: Final = ("interests", "trends", "releases", "rejected", "accumulated_days", "days")


def drop_old_rows(session: Session, settings: Settings, now: datetime) -> dict[str, int]:
    """Drop rows that are too old to keep, and rows that belong to nothing.

    Args:
        session: An exclusive transaction.
        settings: Say what is kept.
        now: On the clock on the wall: what the law counts from, not from the newest night.

    Returns:
        How many rows, by what they were.
    """
    forget_retired(session)
    until = now - timedelta(days=settings.keep_rejected)
    counts = {
        "interactions_expired": _expire(session, settings, now.date()),
        "rejected_rows_dropped": session.execute("delete_old_rejected", until=until),
    }
    if settings.keep_user_days is not None:
        oldest = oldest_day(settings.keep_user_days, now.date())
        counts["user_days_dropped"] = session.execute("expire_user_days", oldest=oldest)
    return counts | _drop_orphans(session)


def _expire(session: Session, settings: Settings, today: date) -> int:
    """Forget the days before the oldest one that is kept.

    Returns:
        The number of interactions.
    """
    if settings.keep_events is None:
        return 0
    oldest = oldest_day(settings.keep_events, today)
    n = session.execute("expire_interactions", oldest=oldest)
    n_users = session.execute("expire_daily_interests", oldest=oldest)
    for what in _EXPIRING:
        session.execute(f"expire_{what}", oldest=oldest)
    if n_users:
        for live in live_models(session):
            bring_totals(session, live)
    if n:
        count_what_is_left(session, settings)
    return n


def _drop_orphans(session: Session) -> dict[str, int]:
    """Users of whom nothing is left, and texts that nobody wrote and no item has."""
    user_keys = [user_key for (user_key,) in session.rows("users_without_anything")]
    if user_keys:
        remove_users(session, user_keys, ())
        remove_questioned_texts(session)
    session.execute("delete_vectors_of_nothing")
    n_texts = session.execute("delete_texts_of_nothing")
    return {"users_forgotten": len(user_keys), "texts_dropped": n_texts}


def drop_old_lists(session: Session, settings: Settings, now: datetime) -> dict[str, int]:
    """Drop lists of old nights, but for those that are still served, and drafts of failed runs.

    Of a night that lies beyond those that are kept, a list stays while its user was given no other
    one since, as where only users active of late are refreshed.

    Returns:
        How many nights lost their lists, and how many drafts were dropped.
    """
    # As many as a night may judge again: those of the days that late events change.
    keep_nights = max(settings.keep_nights, settings.late_days + 2)
    n_dropped = 0
    for (night,) in session.rows("nights_beyond", keep_nights=keep_nights):
        if session.value("serves_somebody", night=night):
            session.execute("delete_superseded_lists", night=night)
        else:
            session.value("drop_lists", night=night)
            n_dropped += 1
    if oldest := session.value("oldest_lists"):
        session.execute("forget_beside_lists", night=oldest)
    stale = session.rows("stale_drafts", until=now - KEEP_DRAFTS)
    for (night,) in stale:
        session.value("drop_draft", night=night)
    return {"nights_dropped": n_dropped, "drafts_dropped": len(stale)}
