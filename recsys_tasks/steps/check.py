"""The gates before publishing: each file of sql/checks finds what is wrong with a draft."""

from datetime import date

from recsys_tasks.errors import NightRefused, NightUnfinished
from recsys_tasks.settings import Settings
from recsys_tasks.steps import Counts
from recsys_tasks.steps.rank.variants import policies_of
from recsys_tasks.warehouse import Session
from recsys_tasks.warehouse.queries import checks


def run(session: Session, settings: Settings, day: date) -> Counts:
    """Look at what the night's run drafted.

    Raises:
        NightUnfinished: A shard of the lists is not made yet.
        NightRefused: A gate found something; the message names it.
    """
    return {"nights": len(good_drafts(session, settings, day)), "gates": len(checks())}


def good_drafts(session: Session, settings: Settings, day: date) -> list[date]:
    """The nights that the run of `day` drafted, ascending: every gate lets them through.

    Raises:
        NightUnfinished: A shard of the lists is not made yet.
        NightRefused: One does not.
    """
    left, n_shards = session.rows("shards_left", night=day)[0]
    if left:
        raise NightUnfinished(night=day, left=f"{len(left)} of {n_shards}", shards=left)
    nights = [night for (night,) in session.rows("drafted_nights", day=day)]
    limits = {
        "nights": nights,
        "list_length": settings.list_length,
        "refresh_days": settings.refresh_days,
        "enough_users": settings.enough_users,
        "enough_overlap": settings.enough_overlap,
        "reorders": any(policy.reorders for policy in policies_of(settings)),
    }
    findings = [
        f"{name.replace('_', ' ')}: {finding}"
        for name, statement in checks().items()
        for (finding,) in session.select(statement, limits)
    ]
    if findings:
        raise NightRefused(night=day, reasons="; ".join(findings))
    return nights
