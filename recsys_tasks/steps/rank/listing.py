"""Lists as the settings want them: of what may be listed, diverse, capped, with what is new."""

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.errors import BadSettings
from recsys_tasks.interactions import NO_ROW, day_number, rows_of
from recsys_tasks.interest_model import ItemFacts
from recsys_tasks.ranking import (
    NEW_FOR,
    ListedItems,
    ListPolicy,
    Lists,
    Products,
    Scores,
    make_lists,
)
from recsys_tasks.settings import Settings, variable_of
from recsys_tasks.steps.rank.inputs import Picture
from recsys_tasks.steps.rank.reasoning import Again
from recsys_tasks.steps.rank.second_stage import Scene, reranked, scene_of, scores_of
from recsys_tasks.steps.rank.shards import read_active
from recsys_tasks.steps.rank.variants import Shown
from recsys_tasks.steps.rank.wording import Words, worded
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
        facts=ItemFacts(*(column[rows] for column in picture.facts)),
        item_side=picture.item_side[rows],
        excluded=picture.excluded[:, rows],
    )


class Setting(NamedTuple):
    """What lists are made by, whoever the users are.

    Attributes:
        items: What a policy knows of the picture's items.
        scene: By what a second stage ranks; None where no variant has one.
        active: Keys of the users whom it ranks.
    """

    items: ListedItems
    scene: Scene | None
    active: NDArray[np.int32]


def setting_of(
    session: Session, settings: Settings, picture: Picture, variants: Sequence[Shown]
) -> Setting:
    """What the lists of variants are made by that rank by one picture."""
    items = _listed_items(session, picture)
    second = variants[0].live.second_stage
    if second is None or all(variant.stage == "interest" for variant in variants):
        return Setting(items, None, picture.user_keys[:0])
    active = read_active(session, settings, picture.night)
    return Setting(items, scene_of(session, picture, second), active)


def lists_of_variants(
    session: Session,
    settings: Settings,
    picture: Picture,
    variants: Sequence[Shown],
    variant_keys: NDArray[np.int16],
    setting: Setting,
    words: Words | None = None,
) -> tuple[Lists, Again | None]:
    """The lists of a picture's users, each by the policy of the user's variant.

    Args:
        session: Of the night.
        settings: Of the tenant.
        picture: By which all the variants rank.
        variants: Of its users.
        variant_keys: The variant of each user, shape (n,).
        setting: Of the variants.
        words: What a language model said, for variants that ask for it; None for nothing.

    Returns:
        The lists, and what the second stage gave to them; None where there is none.
    """
    items, scene = setting.items, setting.scene
    shape = (len(variant_keys), min(settings.list_length, len(picture.item_keys)))
    lists = Lists(np.full(shape, NO_ROW, np.int32), np.full(shape, -np.inf, np.float32))
    again = None if scene is None else Again.nothing(scene, lists)
    keys = picture.user_keys
    for variant in variants:
        said = partial(worded, words or {}, picture.item_keys, variant.language)
        rows = np.flatnonzero(variant_keys == variant.variant_key)
        theirs = picture if len(rows) == len(variant_keys) else picture.among(rows)
        _put(lists, rows, said(lists_of(settings, theirs, variant.policy, items), keys[rows]))
        if again is not None and variant.stage != "interest":
            for batch in reranked(session, settings, theirs, again.scene, setting.active):
                ranking = Scores(scores_of(theirs, batch))
                made = make_lists(ranking, variant.policy, items, device=theirs.device)
                better = said(made, keys[rows[batch.rows]])
                _put(lists, rows[batch.rows], better)
                again.put(rows[batch.rows], batch.found, better)
    return lists, again


def _put(lists: Lists, rows: NDArray[np.intp], theirs: Lists) -> None:
    """Write the lists of some users."""
    for target, values in zip(lists, theirs, strict=True):
        target[rows] = values


def lists_of(settings: Settings, picture: Picture, policy: ListPolicy, items: ListedItems) -> Lists:
    """The lists of a picture's users."""
    ranking = Products(
        picture.user_side,
        picture.item_side,
        picture.excluded,
        settings.batch_size,
        picture.device,
    )
    return make_lists(ranking, policy, items, device=picture.device)


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
