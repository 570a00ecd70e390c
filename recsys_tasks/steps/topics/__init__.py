"""Interests in words: topics over the catalogue, their names, and every user's share in them.

Topics are tracked. A night places what is new; only when the catalogue has outgrown its topics they
are found anew, beginning where they were, and one that is found again keeps its key. Shares are
made anew of whoever did something on a day that is not counted as it is now, from all that they did
(docs/adr/0020): in whatever order nights run, the same interactions and topics give the same rows.

Lists are published before, and nothing that happens here takes them back: what fails is undone and
noted in the ledger, and the next night takes it up.
"""

from datetime import date

import structlog

from recsys_tasks.errors import first_line
from recsys_tasks.settings import Settings, preset_of
from recsys_tasks.steps import Counts
from recsys_tasks.steps.topics.naming import name_topics
from recsys_tasks.steps.topics.placing import place_items
from recsys_tasks.steps.topics.users import bring_shares
from recsys_tasks.warehouse import Session
from recsys_tasks.warehouse.models import serving_model

log = structlog.get_logger()

NOTHING: Counts = {"topics": 0, "items": 0, "users": 0}


def run(session: Session, settings: Settings, day: date) -> Counts:
    """Bring topics, names and shares up to date, if they are wanted and can be had."""
    if settings.topics == 0:
        return NOTHING
    session.execute("begin_topics")
    try:
        return bring_topics(session, settings, day)
    except Exception as error:  # the lists are out, and no name is worth a night
        log.exception("topics failed", day=day)
        session.execute("undo_topics")
        session.note(f"topics were not brought up to date: {first_line(error)}")
        return NOTHING


def bring_topics(session: Session, settings: Settings, day: date, *, anew: bool = False) -> Counts:
    """The same, where errors are the caller's.

    Args:
        session: An exclusive transaction.
        settings: Of the tenant.
        day: The night.
        anew: Find topics anew even though the catalogue has not outgrown them.

    Raises:
        NoModel: No model serves yet, so nothing has a vector.
    """
    model = serving_model(session)
    session.execute("create_recounted_users")
    placed = place_items(session, settings, model, day, anew=anew)
    n_users = 0
    if placed.fit:
        name_topics(session, settings, day, anew=placed.is_new)
        n_users = bring_shares(session, preset_of(settings), model, placed.fit)
    session.execute("drop_recounted_users")
    return {"topics": placed.n_topics, "items": placed.n_items, "users": n_users}


def count_what_is_left(session: Session, settings: Settings) -> int:
    """Count users anew of whom days have been forgotten.

    Returns:
        The number of users.
    """
    row = session.row("topic_fit")
    if row is None:
        return 0
    session.execute("create_recounted_users")
    n_users = bring_shares(session, preset_of(settings), serving_model(session), row[0])
    session.execute("drop_recounted_users")
    return n_users
