"""Lists as the settings want them: of what may be listed, diverse, capped, with what is new."""

import numpy as np

from recsys_tasks.errors import BadSettings
from recsys_tasks.interactions import NO_ROW, day_number, rows_of
from recsys_tasks.ranking import NEW_FOR, ListedItems, ListPolicy, Lists, Products, make_lists
from recsys_tasks.settings import Settings, variable_of
from recsys_tasks.steps.rank.inputs import Picture
from recsys_tasks.warehouse import Session, copying

_FILTER = variable_of("list_filter")
_LISTED_ITEMS = (
    copying.INT4,  # item_key
    copying.INT4,  # category, NO_ROW for none
    copying.INT4,  # first day
)


def filter_catalogue(session: Session, settings: Settings) -> None:
    """Write down which items the settings' filter keeps out of lists.

    Raises:
        BadSettings: The filter cannot be evaluated.
    """
    if settings.list_filter is not None:
        session.map_source(settings.source)
    problem = session.value("filter_items", condition=settings.list_filter)
    if problem is not None:
        raise BadSettings(problem=f"{_FILTER} cannot be evaluated: {problem}")


def listable(session: Session, picture: Picture) -> Picture:
    """The picture without the items that the filter keeps out.

    Raises:
        BadSettings: There is no other item.
    """
    (filtered,) = session.copy_out("filtered_items", (copying.INT4,))
    rows = np.flatnonzero(~np.isin(picture.item_keys, filtered))
    if not len(rows):
        raise BadSettings(problem=f"{_FILTER} holds for no item")
    if len(rows) == len(picture.item_keys):
        return picture
    return picture._replace(
        ranker=picture.ranker.at(picture.item_keys[rows]),
        item_keys=picture.item_keys[rows],
        vectors=picture.vectors[rows],
        ages=picture.ages[rows],
        trends=picture.trends[rows],
        item_side=picture.item_side[rows],
        excluded=picture.excluded[:, rows],
    )


def lists_of(session: Session, settings: Settings, picture: Picture, policy: ListPolicy) -> Lists:
    """The lists of a night's users."""
    ranking = Products(
        picture.user_side,
        picture.item_side,
        picture.excluded,
        settings.batch_size,
        picture.device,
    )
    return make_lists(ranking, policy, _listed_items(session, picture), device=picture.device)


def _listed_items(session: Session, picture: Picture) -> ListedItems:
    """What a policy knows of the picture's items.

    An item is new for the list, which is read on the day after the night.
    """
    keys, categories, first_days = session.copy_out(
        "listed_items", _LISTED_ITEMS, night=picture.night
    )
    rows, is_known = rows_of(keys, picture.item_keys)
    oldest = day_number(picture.night) + 1 - NEW_FOR
    return ListedItems.of(
        picture.vectors,
        np.where(is_known, categories[rows], NO_ROW).astype(np.int32),
        is_known & (first_days[rows] > oldest),
    )
