"""What a night's lists are made from, as it was at the end of the night."""

from datetime import date
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recsys_tasks.devices import torch_device
from recsys_tasks.errors import EmptyCatalogue
from recsys_tasks.interactions import ALWAYS, day_number
from recsys_tasks.interest_model import InterestModel, ItemFacts, centre_of
from recsys_tasks.settings import Settings, preset_of
from recsys_tasks.steps.rank.cold import Peers, read_peers
from recsys_tasks.steps.rank.trending import read_trends
from recsys_tasks.steps.rank.users import KEY_PAIR, facts_of, read_known, read_used_up
from recsys_tasks.warehouse import Session, copying
from recsys_tasks.warehouse.interests import Interests, nobody
from recsys_tasks.warehouse.models import LiveModel, StoredModel
from recsys_tasks.warehouse.text_vectors import Texts, read_vectors


class Listed(NamedTuple):
    """Items that may be listed after a night; shape (n_items, ...).

    Attributes:
        item_keys: Their keys.
        text_keys: Of their texts; 0 for none.
        vectors: Of their texts, shape (n_items, dim); zero rows where there is none.
        ages: Days that each exists on the day after the night, for which lists are made: 1 for one
            of the night's day; inf where that is not known.
    """

    item_keys: NDArray[np.int32]
    text_keys: NDArray[np.int32]
    vectors: NDArray[np.float32]
    ages: NDArray[np.float32]

    def at(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> "Listed":
        """Some of them."""
        return Listed(
            self.item_keys[rows], self.text_keys[rows], self.vectors[rows], self.ages[rows]
        )


class Picture(NamedTuple):
    """Items, and some users, as a night sees them. Rows are in the order of ids, newcomers last.

    Attributes:
        night: The night.
        model: The model that ranks, by name.
        ranker: Its parameters, `at` the items.
        known: Decayed sums of those of the users, and of others who were asked for, of whom a
            vector is known, as of the night.
        user_keys: Of the n users whose lists are made, shape (n,).
        interests: u_h of each, shape (n, H, rank).
        masses: Decayed evidence of each, seen from the night, shape (n, H).
        user_side: Shape (n, rank + F).
        item_keys: Of the items that may be listed, shape (n_items,).
        vectors: Of their texts, shape (n_items, dim).
        texts: The same vectors, by text.
        ages: Days since they exist, shape (n_items,); inf where that is not known.
        centre: Of the vectors, shape (dim,).
        trends: Decayed counts at the preset's half-lives, shape (n_items, K).
        facts: Of the items, as the model reads them.
        item_side: Shape (n_items, rank + F).
        excluded: What the repeat policy keeps out, shape (n, n_items).
        peers: What users tell of others by their attributes; None where these do not count.
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
    texts: Texts
    ages: NDArray[np.float32]
    centre: NDArray[np.float32]
    trends: NDArray[np.float32]
    facts: ItemFacts
    item_side: NDArray[np.float32]
    excluded: sparse.csr_array
    peers: Peers | None
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


def read_items(
    session: Session,
    settings: Settings,
    live: LiveModel,
    night: date,
    *,
    alpha: float | None = None,
    peers: NDArray[np.int32] | None = None,
) -> Picture:
    """Read and compute what a night's lists are made from, whoever the users are.

    Args:
        session: Of the night.
        settings: Of the tenant.
        live: The model that ranks.
        night: The night.
        alpha: What an active day leaves of users' interests, in place of half-lives.
        peers: Keys of the users who tell of others by their attributes, where these count; None for
            everybody, and only where `alpha` is None.

    Returns:
        A picture of no user.

    Raises:
        EmptyCatalogue: No item may be listed that night.
    """
    preset = preset_of(settings)
    items = read_catalogue(session, live.stored, "catalogue_as_of", night)
    if not len(items.item_keys):
        raise EmptyCatalogue(day=night)
    ranker = live.interest.at(items.item_keys)
    centre = centre_of(items.vectors)
    # The model's trends and the preset's out of one reading.
    half_lives = (*ranker.trend_half_lives, *preset.trend_half_lives)
    counts = read_trends(session, half_lives, items.item_keys, night)
    n_trends = len(ranker.trend_half_lives)
    facts = ItemFacts(items.vectors, np.ascontiguousarray(counts[:, :n_trends]), items.ages)
    known, keys = nobody(live.shape), np.zeros(0, np.int32)
    users = facts_of(keys, known, ranker, centre, day_number(night))
    told = None
    if settings.from_attributes:
        told = read_peers(
            session, ranker, centre, night, read_known(session, live, night, peers, alpha)
        )
    return Picture(
        night=night,
        model=live.stored,
        ranker=ranker,
        known=known,
        user_keys=keys,
        interests=users.interests,
        masses=users.masses,
        user_side=ranker.user_side(users),
        item_keys=items.item_keys,
        vectors=items.vectors,
        texts=Texts.of(items.text_keys, items.vectors),
        ages=items.ages,
        centre=centre,
        trends=np.ascontiguousarray(counts[:, n_trends:]),
        facts=facts,
        item_side=ranker.item_side(facts),
        excluded=sparse.csr_array((0, len(items.item_keys)), dtype=np.bool_),
        peers=told,
        device=torch_device(settings.device),
    )


def with_users(
    picture: Picture,
    user_keys: NDArray[np.int32],
    known: Interests,
    used_up: sparse.csr_array,
) -> Picture:
    """The picture with these users alone.

    Args:
        picture: Of any users.
        user_keys: Of the n users, shape (n,).
        known: As `read_known` gives them, of these at least.
        used_up: As `read_used_up` gives it, of these.
    """
    ranker = picture.ranker
    users = facts_of(user_keys, known, ranker, picture.centre, day_number(picture.night))
    side = ranker.user_side(users)
    if picture.peers is not None:
        side[:, : picture.rank] += picture.peers.added(user_keys, users)
    return picture._replace(
        known=known,
        user_keys=user_keys,
        interests=users.interests,
        masses=users.masses,
        user_side=side,
        excluded=used_up,
    )


def read_picture(
    session: Session,
    settings: Settings,
    live: LiveModel,
    night: date,
    user_keys: NDArray[np.int32],
    alpha: float | None = None,
) -> Picture:
    """What a night ranks, with some of its users; they are told by each other where `alpha` is."""
    items = read_items(
        session, settings, live, night, alpha=alpha, peers=None if alpha is None else user_keys
    )
    return read_users(session, settings, live, items, user_keys, alpha)


def read_users(
    session: Session,
    settings: Settings,
    live: LiveModel,
    picture: Picture,
    user_keys: NDArray[np.int32],
    alpha: float | None = None,
) -> Picture:
    """The picture with these users alone, as their lists need them."""
    known = read_known(session, live, picture.night, user_keys, alpha)
    used_up = read_used_up(
        session, preset_of(settings), user_keys, picture.item_keys, picture.night
    )
    return with_users(picture, user_keys, known, used_up)


def read_catalogue(
    session: Session, model: StoredModel, query: str, night: date, texts: Texts | None = None
) -> Listed:
    """Items as they are after a night, by a query whose columns are those of catalogue_as_of."""
    columns = (*KEY_PAIR, copying.INT4)
    item_keys, text_keys, since = session.copy_out(query, columns, night=night)
    ages = day_number(night) + 1 - since.astype(np.float32)
    ages[since == ALWAYS] = np.inf
    return Listed(item_keys, text_keys, read_vectors(session, model, text_keys, texts), ages)


def item_facts_of(session: Session, ranker: InterestModel, items: Listed, night: date) -> ItemFacts:
    """What a night knows of items, as a model reads it."""
    counts = read_trends(session, ranker.trend_half_lives, items.item_keys, night)
    return ItemFacts(items.vectors, counts, items.ages)
