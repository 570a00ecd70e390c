"""The lists of a night, block by block of users: memory does not grow with how many there are.

While a block is ranked and explained the next one is read, and the one before it written. What it
makes has the same bits in blocks of any size, as in shards (docs/adr/0013-shards.md).
"""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import structlog
from numpy.typing import NDArray
from scipy import sparse

from recsys_tasks.settings import Settings
from recsys_tasks.steps.rank.beside import Beside, Passing, passing_of, write_passing
from recsys_tasks.steps.rank.drafting import Drafting
from recsys_tasks.steps.rank.inputs import Picture, read_items, with_users
from recsys_tasks.steps.rank.listing import listable, setting_of
from recsys_tasks.steps.rank.second_stage import BATCH_SIZE
from recsys_tasks.steps.rank.users import read_user_keys
from recsys_tasks.steps.rank.variants import Shown, by_picture, read_variants
from recsys_tasks.warehouse import Session
from recsys_tasks.warehouse.interests import Interests
from recsys_tasks.warehouse.models import LiveModel
from recsys_tasks.warehouse.overlapping import overlap

log = structlog.get_logger()

GIB: Final = 1 << 30
LEAST, MOST = 256, 8192  # users in a block
# What things take, in bytes, with the copies that are made of them on their way.
_OF_ITEM = 24  # a coordinate of an item's vector and side
_OF_SCORE = 12  # a score of a batch
_OF_PAIR = 60  # a user and an item before the second stage
_OF_STATE = 48  # a coordinate of a user's totals, of three blocks at once
_OF_ENTRY = 200  # an entry of a list
_OF_HISTORY = 16_384  # what a user did, as reasons are sought in it


def draft_lists(
    session: Session,
    settings: Settings,
    shown: Sequence[Shown],
    picture: Picture,
    user_keys: NDArray[np.int32],
    beside: Beside | None = None,
) -> int:
    """Draft the lists of some users, and bring in line what is shown of whoever passes.

    Args:
        session: Of the night.
        settings: Of the tenant.
        shown: Who is shown what.
        picture: The items, as the default ranks them.
        user_keys: For whom lists are made, in the order of a picture.
        beside: What is made beside the lists while users pass; None for nothing.

    Returns:
        The number of lists.
    """
    n_lists = 0
    session.execute("prefer_indexes")
    for group in by_picture(shown):
        if group[0] is shown[0]:
            n_lists += _draft_group(session, settings, group, picture, user_keys, beside)
        else:
            items = items_of(session, settings, group, picture)
            n_lists += _draft_group(session, settings, group, items, user_keys)
    if beside is not None:
        idle = np.setdiff1d(beside.moved, user_keys)
        _show(session, settings, shown[0].live, picture, beside, idle, are_listed=False)
    log.info("ranked", night=picture.night, lists=n_lists, items=len(picture.item_keys))
    return n_lists


def show_moved(
    session: Session, settings: Settings, shown: Sequence[Shown], picture: Picture, beside: Beside
) -> None:
    """Show what is shown of whoever moved, and make no lists; arguments as of `draft_lists`."""
    has_list = np.isin(beside.moved, beside.user_keys)
    for are_listed in (True, False):
        keys = beside.moved[has_list == are_listed]
        _show(session, settings, shown[0].live, picture, beside, keys, are_listed=are_listed)


def _show(
    session: Session,
    settings: Settings,
    live: LiveModel,
    picture: Picture,
    beside: Beside,
    user_keys: NDArray[np.int32],
    *,
    are_listed: bool,
) -> None:
    def read(keys: NDArray[np.int32]) -> tuple[NDArray[np.int32], Interests]:
        return keys, beside.known(session, live, picture.night, keys)

    def compute(found: tuple[NDArray[np.int32], Interests]) -> Passing:
        keys, known = found
        listed = keys if are_listed else keys[:0]
        nothing = sparse.csr_array((len(listed), len(picture.item_keys)), dtype=np.bool_)
        return passing_of(settings, with_users(picture, listed, known, nothing), beside)

    def write(passing: Passing) -> None:
        write_passing(session, picture, beside, passing)

    overlap(_blocks(settings, live, picture, user_keys), read, compute, write)


def _draft_group(
    session: Session,
    settings: Settings,
    group: list[Shown],
    picture: Picture,
    user_keys: NDArray[np.int32],
    beside: Beside | None = None,
) -> int:
    """Draft the lists of those who are shown variants that rank by the same interests.

    Returns:
        Their number.
    """
    live = group[0].live
    setting = setting_of(session, settings, picture, group)
    drafting = Drafting(session, settings, group, picture, setting, beside)
    blocks = _blocks(settings, live, picture, user_keys)
    overlap(blocks, drafting.read, drafting.compute, drafting.write)
    return drafting.n_lists


def items_of(session: Session, settings: Settings, group: list[Shown], picture: Picture) -> Picture:
    """The items, as variants rank them that rank by other interests than the default."""
    variant, night, peers = group[0], picture.night, None
    if settings.from_attributes and variant.alpha is not None:
        # By another decay, they tell of each other.
        everybody = read_user_keys(session, settings, night)
        variant_keys = read_variants(session, night, everybody)
        peers = everybody[np.isin(variant_keys, [each.variant_key for each in group])]
    items = read_items(session, settings, variant.live, night, alpha=variant.alpha, peers=peers)
    return listable(session, items)


def _blocks(
    settings: Settings, live: LiveModel, picture: Picture, user_keys: NDArray[np.int32]
) -> Iterator[NDArray[np.int32]]:
    """Users, as many at once as the memory holds that the settings allow."""
    n_items, dim = len(picture.item_keys), len(picture.centre)
    items = n_items * (dim * _OF_ITEM + settings.batch_size * _OF_SCORE)
    if live.second_stage is not None:
        items += n_items * BATCH_SIZE * _OF_PAIR
    half_lives, width = live.shape
    user = len(half_lives) * width * _OF_STATE
    user += settings.list_length * _OF_ENTRY + _OF_HISTORY
    size = int(np.clip((settings.memory_gib * GIB - items) / user, LEAST, MOST))
    return (user_keys[start : start + size] for start in range(0, len(user_keys), size))
