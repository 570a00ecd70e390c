"""Make the lists of a night: of every user to refresh, and what is shown beside them.

Everything is read as it was at the end of the night, so a night ranks alike whenever it runs. A
night before the newest published one may have changed what that one was made from: then it is
ranked again too. Lists go to a draft, which `check` looks at and `publish` shows.
"""

from datetime import date

import numpy as np
import structlog
from numpy.typing import NDArray

from recsys_tasks.settings import Settings, fingerprint_of, preset_of
from recsys_tasks.steps import Counts
from recsys_tasks.steps.merge import ready_models
from recsys_tasks.steps.rank.drafts import open_draft, write_lists
from recsys_tasks.steps.rank.inputs import Picture as Picture
from recsys_tasks.steps.rank.inputs import read_picture
from recsys_tasks.steps.rank.listing import filter_catalogue, listable, lists_of_variants
from recsys_tasks.steps.rank.neighbours import write_neighbours
from recsys_tasks.steps.rank.showing import write_interests, write_trends
from recsys_tasks.steps.rank.variants import (
    Assigned,
    Shown,
    by_picture,
    draft_variants,
    shown_variants,
)
from recsys_tasks.warehouse import Session

log = structlog.get_logger()


def run(session: Session, settings: Settings, day: date) -> Counts:
    """Draft the lists of `day`, and of the newest night if they are out of date."""
    shown = shown_variants(session, settings, ready_models(session, settings))
    filter_catalogue(session, settings)
    default = shown[0].live.stored
    nights = session.rows(
        "nights_to_rank",
        day=day,
        settings_fingerprint=fingerprint_of(settings),
        model_id=" ".join(variant.live.stored.model_id for variant in shown),
        model_key=default.model_key,
    )
    n_lists = [_rank(session, settings, shown, night, inputs) for night, inputs in nights]
    return {"nights": len(nights), "lists": sum(n_lists)}


def draft_day(session: Session, settings: Settings, day: date, inputs_fingerprint: str) -> int:
    """Draft the lists of one day, as they would be at its end, and touch nothing else.

    Returns:
        Their number.
    """
    shown = shown_variants(session, settings, ready_models(session, settings))
    filter_catalogue(session, settings)
    _, n_lists = _draft_night(session, settings, shown, day, inputs_fingerprint)
    return n_lists


def _rank(
    session: Session, settings: Settings, shown: list[Shown], night: date, inputs_fingerprint: str
) -> int:
    """Draft the lists of one night, and bring in line what is shown beside them.

    Returns:
        Their number.
    """
    picture, n_lists = _draft_night(session, settings, shown, night, inputs_fingerprint)
    write_trends(session, preset_of(settings), picture)
    moved = write_interests(session, picture)
    if not session.value("published_after", night=night):
        write_neighbours(session, settings, picture, moved)
    log.info("ranked", night=night, lists=n_lists, items=len(picture.item_keys))
    return n_lists


def _draft_night(
    session: Session, settings: Settings, shown: list[Shown], night: date, inputs_fingerprint: str
) -> tuple[Picture, int]:
    """Draft the lists of one night.

    Returns:
        What the default ranked, and the number of lists.
    """
    picture = listable(session, read_picture(session, settings, shown[0].live, night))
    assigned = draft_variants(session, settings, shown, night)
    open_draft(session, settings, picture, inputs_fingerprint)
    n_lists = 0
    for group in by_picture(shown):
        if group[0] is shown[0]:
            theirs = _among(picture, assigned.users_of(group))
        else:
            theirs = _picture_of(session, settings, group[0], assigned.users_of(group), night)
        n_lists += _draft(session, settings, theirs, group, assigned)
    return picture, n_lists


def _among(picture: Picture, user_keys: NDArray[np.int32]) -> Picture:
    rows = np.flatnonzero(np.isin(picture.user_keys, user_keys))
    return picture if len(rows) == len(picture.user_keys) else picture.among(rows)


def _picture_of(
    session: Session, settings: Settings, variant: Shown, user_keys: NDArray[np.int32], night: date
) -> Picture:
    """What a variant that ranks by other interests than the default is made from."""
    picture = read_picture(
        session, settings, variant.live, night, only=user_keys, alpha=variant.alpha
    )
    return listable(session, picture)


def _draft(
    session: Session, settings: Settings, picture: Picture, group: list[Shown], assigned: Assigned
) -> int:
    """Draft the lists of variants that rank by the same interests.

    Returns:
        Their number.
    """
    variant_keys = assigned.of(picture.user_keys)
    lists, again = lists_of_variants(session, settings, picture, group, variant_keys)
    write_lists(session, settings, picture, lists, variant_keys, again)
    return len(lists.rows)
