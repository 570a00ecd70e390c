"""Show what the night's run drafted.

Readers see a night's old lists or its new ones, never a mixture.
"""

from datetime import date

from recsys_tasks.settings import Settings
from recsys_tasks.steps import Counts, live_recall
from recsys_tasks.steps.check import good_drafts
from recsys_tasks.warehouse import Session


def run(session: Session, settings: Settings, day: date) -> Counts:
    """Publish the drafts; the gates are passed again, since hours may lie between the steps.

    What `check` measured went with its transaction where it refused, and is measured once more.
    """
    for (night,) in session.rows("drafted_nights", day=day)[-1:]:
        if not session.value("is_live_recall_measured", night=night):
            live_recall.measure(session, settings, night)
    nights = good_drafts(session, settings, day)
    for night in nights:
        _publish(session, night)
    return {"nights": len(nights)}


def _publish(session: Session, night: date) -> None:
    session.value("drop_provisional", night=night)
    session.execute("forget_failed_refreshes", night=night)
    session.value("publish_draft", night=night)
    session.execute("publish_cold_start", night=night)
    session.execute("publish_night", night=night)
    session.execute("publish_variants", night=night)
    session.execute("delete_draft_night", night=night)
