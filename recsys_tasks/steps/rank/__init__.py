"""Make the lists of a night: of every user to refresh, and what is shown beside them.

Everything is read as it was at the end of the night, so a night ranks alike whenever it runs. A
night before the newest published one may have changed what that one was made from: then it is
ranked again too. Lists go to a draft, which `check` looks at and `publish` shows.
"""

from datetime import date

import structlog

from recsys_tasks.ranking import ListPolicy
from recsys_tasks.settings import Settings, preset_of
from recsys_tasks.steps import Counts
from recsys_tasks.steps.merge import ready_models
from recsys_tasks.steps.rank.drafts import write_draft
from recsys_tasks.steps.rank.inputs import Picture as Picture
from recsys_tasks.steps.rank.inputs import read_picture
from recsys_tasks.steps.rank.listing import filter_catalogue, listable, lists_of
from recsys_tasks.steps.rank.neighbours import write_neighbours
from recsys_tasks.steps.rank.showing import write_interests, write_trends
from recsys_tasks.warehouse import Session
from recsys_tasks.warehouse.models import LiveModel

log = structlog.get_logger()


def run(session: Session, settings: Settings, day: date) -> Counts:
    """Draft the lists of `day`, and of the newest night if they are out of date."""
    live = ready_models(session, settings)[0]  # variants that name others will rank with each
    filter_catalogue(session, settings)
    nights = session.rows(
        "nights_to_rank",
        day=day,
        settings_fingerprint=settings.fingerprint(),
        model_id=live.stored.model_id,
        model_key=live.stored.model_key,
    )
    n_lists = [_rank(session, settings, live, night, inputs) for night, inputs in nights]
    return {"nights": len(nights), "lists": sum(n_lists)}


def _rank(
    session: Session, settings: Settings, live: LiveModel, night: date, inputs_fingerprint: str
) -> int:
    """Draft the lists of one night.

    Returns:
        Their number.
    """
    preset = preset_of(settings)
    picture = listable(session, read_picture(session, settings, live, night))
    lists = lists_of(session, settings, picture, ListPolicy.of(settings))
    write_draft(session, settings, picture, lists, inputs_fingerprint)
    write_trends(session, preset, picture)
    moved = write_interests(session, picture)
    if not session.value("published_after", night=night):
        write_neighbours(session, settings, picture, moved)
    log.info("ranked", night=night, lists=len(lists.rows), items=len(picture.item_keys))
    return len(lists.rows)
