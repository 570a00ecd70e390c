"""The gates before publishing: each file of sql/checks finds what is wrong with a draft."""

from datetime import date

from recsys_tasks.errors import NightRefused
from recsys_tasks.settings import Settings
from recsys_tasks.steps import Counts
from recsys_tasks.warehouse import Session
from recsys_tasks.warehouse.queries import checks


def run(session: Session, settings: Settings, day: date) -> Counts:
    """Look at every drafted night.

    Raises:
        NightRefused: A gate found something; the message names it.
    """
    return {"nights": refuse_bad_drafts(session, settings, day), "gates": len(checks())}


def refuse_bad_drafts(session: Session, settings: Settings, day: date) -> int:
    """Raise NightRefused unless every draft passes every gate.

    Returns:
        The number of drafts.
    """
    limits = {
        "list_length": settings.list_length,
        "refresh_days": settings.refresh_days,
        "enough_users": settings.enough_users,
        "enough_overlap": settings.enough_overlap,
    }
    findings = [
        f"{name.replace('_', ' ')}: {finding}"
        for name, statement in checks().items()
        for (finding,) in session.select(statement, limits)
    ]
    if findings:
        raise NightRefused(night=day, reasons="; ".join(findings))
    return len(session.rows("drafted_nights"))
