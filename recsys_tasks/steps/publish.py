"""Show the drafted nights. Readers see a night's old lists or its new ones, never a mixture."""

from datetime import date

from recsys_tasks.settings import Settings
from recsys_tasks.steps import Counts
from recsys_tasks.steps.check import refuse_bad_drafts
from recsys_tasks.warehouse import Session


def run(session: Session, settings: Settings, day: date) -> Counts:
    """Publish every draft; the gates are passed again, since hours may lie between the steps."""
    refuse_bad_drafts(session, settings, day)
    nights = [night for (night,) in session.rows("drafted_nights")]
    for night in nights:
        _publish(session, night)
    return {"nights": len(nights)}


def _publish(session: Session, night: date) -> None:
    session.value("publish_draft", night=night)
    session.execute("publish_cold_start", night=night)
    session.execute("publish_night", night=night)
    session.execute("delete_draft_night", night=night)
