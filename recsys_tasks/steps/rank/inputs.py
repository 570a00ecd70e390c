"""What a night's lists are made from, as it was at the end of the night."""

from datetime import date
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recsys_tasks.decay import retention
from recsys_tasks.devices import torch_device
from recsys_tasks.errors import EmptyCatalogue
from recsys_tasks.interactions import ALWAYS, date_of, day_number, rows_of
from recsys_tasks.interest_model import InterestModel, ItemFacts, centre_of
from recsys_tasks.settings import Settings, preset_of
from recsys_tasks.steps.rank.cold import Ranked, sides_of
from recsys_tasks.steps.rank.users import KEY_PAIR, excluded, facts_of, read_users
from recsys_tasks.warehouse import Session, copying
from recsys_tasks.warehouse.interests import EVERYBODY, Interests, Users
from recsys_tasks.warehouse.models import LiveModel, StoredModel
from recsys_tasks.warehouse.weighing import read_vectors

# A decayed count of so many half-lives ago is a millionth of itself. Fewer would show: logarithms
# are taken of counts that begin at 0.1, where float32 tells such parts apart.
TREND_MEMORY = 20


class Listed(NamedTuple):
    """Items that may be listed after a night; shape (n_items, ...).

    Attributes:
        item_keys: Their keys.
        vectors: Of their texts, shape (n_items, dim); zero rows where there is none.
        ages: Days that each exists on the day after the night, for which lists are made: 1 for one
            of the night's day; inf where that is not known.
    """

    item_keys: NDArray[np.int32]
    vectors: NDArray[np.float32]
    ages: NDArray[np.float32]


class Picture(NamedTuple):
    """Users and items as a night sees them. Rows are in ascending order of ids, newcomers last.

    Attributes:
        night: The night.
        model: The model that ranks, by name.
        ranker: Its parameters, `at` the items.
        known: Decayed sums of every user of whom a vector is known, as of the night.
        user_keys: Of the n users whose lists are made, shape (n,).
        interests: u_h of each, shape (n, H, rank).
        masses: Decayed evidence of each, seen from the night, shape (n, H).
        user_side: Shape (n, rank + F).
        item_keys: Of the items that may be listed, shape (n_items,).
        vectors: Of their texts, shape (n_items, dim).
        ages: Days since they exist, shape (n_items,); inf where that is not known.
        centre: Of the vectors, shape (dim,).
        trends: Decayed counts at the preset's half-lives, shape (n_items, K).
        facts: Of the items, as the model reads them.
        item_side: Shape (n_items, rank + F).
        excluded: What the repeat policy keeps out, shape (n, n_items).
        device: Where torch computes.
    """

    night: date
    model: StoredModel
    ranker: InterestModel
    known: Interests
    user_keys: NDArray[np.int32]
    interests: NDArray[np.float32]
    masses: NDArray[np.float32]
    user_side: NDArray[np.float32]
    item_keys: NDArray[np.int32]
    vectors: NDArray[np.float32]
    ages: NDArray[np.float32]
    centre: NDArray[np.float32]
    trends: NDArray[np.float32]
    facts: ItemFacts
    item_side: NDArray[np.float32]
    excluded: sparse.csr_array
    device: str

    @property
    def rank(self) -> int:
        """Coordinates of the personal part of both sides."""
        return self.ranker.rank(len(self.centre))

    def among(self, rows: NDArray[np.intp]) -> "Picture":
        """The same with some of the users, by their rows."""
        return self._replace(
            user_keys=self.user_keys[rows],
            interests=self.interests[rows],
            masses=self.masses[rows],
            user_side=self.user_side[rows],
            excluded=self.excluded[rows],
        )


def read_picture(
    session: Session,
    settings: Settings,
    live: LiveModel,
    night: date,
    *,
    among: Users = EVERYBODY,
    only: NDArray[np.int32] | None = None,
    alpha: float | None = None,
) -> Picture:
    """Read and compute what a night's lists are made from.

    Args:
        session: Of the night.
        settings: Of the tenant.
        live: The model that ranks.
        night: The night.
        among: The users to whom lists are restricted.
        only: Keys of those of them to whom they are restricted; None for all.
        alpha: What an active day of theirs leaves of their interests, in place of half-lives; only
            for users that `only` names.

    Raises:
        EmptyCatalogue: No item may be listed that night.
    """
    preset = preset_of(settings)
    items = read_catalogue(session, live.stored, "catalogue_as_of", night)
    if not len(items.item_keys):
        raise EmptyCatalogue(day=night)
    ranker = live.interest.at(items.item_keys)
    user_keys, known = read_users(session, settings, live, night, among, only, alpha)
    centre = centre_of(items.vectors)
    # The model's trends and the preset's out of one reading.
    half_lives = (*ranker.trend_half_lives, *preset.trend_half_lives)
    counts = read_trends(session, half_lives, items.item_keys, night)
    n_trends = len(ranker.trend_half_lives)
    facts = ItemFacts(items.vectors, np.ascontiguousarray(counts[:, :n_trends]), items.ages)
    users = facts_of(user_keys, known, ranker, centre, day_number(night))
    ranked = Ranked(ranker, centre, night)
    return Picture(
        night=night,
        model=live.stored,
        ranker=ranker,
        known=known,
        user_keys=user_keys,
        interests=users.interests,
        masses=users.masses,
        user_side=sides_of(session, settings, ranked, known, user_keys, users),
        item_keys=items.item_keys,
        vectors=items.vectors,
        ages=items.ages,
        centre=centre,
        trends=np.ascontiguousarray(counts[:, n_trends:]),
        facts=facts,
        item_side=ranker.item_side(facts),
        excluded=excluded(session, preset, user_keys, items.item_keys, night, among, only),
        device=torch_device(settings.device),
    )


def read_catalogue(session: Session, model: StoredModel, query: str, night: date) -> Listed:
    """Items as they are after a night, by a query whose columns are those of catalogue_as_of."""
    columns = (*KEY_PAIR, copying.INT4)
    item_keys, text_keys, since = session.copy_out(query, columns, night=night)
    ages = day_number(night) + 1 - since.astype(np.float32)
    ages[since == ALWAYS] = np.inf
    return Listed(item_keys, read_vectors(session, model, text_keys), ages)


def item_facts_of(session: Session, ranker: InterestModel, items: Listed, night: date) -> ItemFacts:
    """What a night knows of items, as a model reads it."""
    counts = read_trends(session, ranker.trend_half_lives, items.item_keys, night)
    return ItemFacts(items.vectors, counts, items.ages)


def read_trends(
    session: Session, half_lives: tuple[float, ...], item_keys: NDArray[np.int32], night: date
) -> NDArray[np.float32]:
    """Decayed counts of items, seen from the end of a night, shape (n_items, K)."""
    since = max(day_number(night) - int(TREND_MEMORY * max(half_lives)), -1)
    columns = (copying.INT4, copying.DAY, copying.FLOAT4)
    keys, days, masses = session.copy_out(
        "trends_until", columns, night=night, since=date_of(since)
    )
    rows, listed = rows_of(item_keys, keys)
    aged = masses[:, None] * retention(day_number(night) - days, half_lives)
    counts = [
        np.bincount(rows[listed], aged[listed, k], minlength=len(item_keys))
        for k in range(aged.shape[1])
    ]
    return np.stack(counts, axis=1).astype(np.float32)
