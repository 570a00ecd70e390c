"""What a day's lists are judged by: the day, what its users did before, and counts of items."""

from datetime import date
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.evaluation import ReadyLists, Replay
from recsys_tasks.evaluation.baselines import popularity_baselines
from recsys_tasks.evaluation.listing import Before
from recsys_tasks.evaluation.touched import Touched
from recsys_tasks.evaluation.user_days import UserDays, days_since, of_one_day
from recsys_tasks.interactions import NEVER, NO_ROW, Catalogue, day_number, rows_of
from recsys_tasks.popularity import Daily
from recsys_tasks.presets import Preset
from recsys_tasks.warehouse import copying
from recsys_tasks.warehouse.history import read_items
from recsys_tasks.warehouse.models import StoredModel
from recsys_tasks.warehouse.overlapping import overlap
from recsys_tasks.warehouse.session import Session
from recsys_tasks.warehouse.text_vectors import read_vectors
from recsys_tasks.warehouse.weighing import liked, taken

USERS_AT_ONCE: Final = 16_384  # whose past is read in one go
FIRST_VARIANT: Final = "content"  # whose lists those are that were made before there were variants


class ListedVectors:
    """The vectors of items that lists hold, read when a list first holds them."""

    def __init__(self, session: Session, model: StoredModel, text_keys: NDArray[np.int32]) -> None:
        """Of none yet; `text_keys` by row of the item, 0 for an item without a text."""
        self.session, self.model, self.text_keys = session, model, text_keys
        self.vectors = np.zeros((len(text_keys), model.dim), np.float32)
        self._is_known = np.zeros(len(text_keys) + 1, np.bool_)

    def bring(self, met: Replay) -> None:
        """Read those of all items that a replay lists, into the catalogue that it has."""
        wanted = np.zeros_like(self._is_known)
        for lists in met.lists.values():
            wanted[lists.ranked] = True  # the gap at the end of a short list is the last place
        rows = np.flatnonzero(wanted[:-1] & ~self._is_known[:-1])
        self.vectors[rows] = read_vectors(self.session, self.model, self.text_keys[rows])
        self._is_known[rows] = True


class Deeds(NamedTuple):
    """What some users did.

    Attributes:
        user_keys: Of those n users, ascending.
        by: Who of them did something, shape (m,).
        item_keys: With what, 0 for nothing, shape (m,).
    """

    user_keys: NDArray[np.int32]
    by: NDArray[np.int32]
    item_keys: NDArray[np.int32]


class ServedDay(NamedTuple):
    """A day whose lists are to be judged.

    Attributes:
        truth: Its user-days; row n is the user of `user_keys[n]`.
        before: What precedes it.
        catalogue: Every item, with the vectors that were brought.
        published: The lists that its users were served, by variant.
        baselines: By name, the scores that all users have.
        user_keys: By row of the user, ascending.
        vectors: Brings more.
    """

    truth: UserDays
    before: Before
    catalogue: Catalogue
    published: list[ReadyLists]
    baselines: dict[str, NDArray[np.float32]]
    user_keys: NDArray[np.int32]
    vectors: ListedVectors


def read_day(
    session: Session,
    preset: Preset,
    model: StoredModel,
    day: date,
    night: date,
    *,
    rating_scale: float | None = None,
) -> ServedDay:
    """What is known of a day on which the lists of a night, and of those before it, were served.

    Args:
        session: Of the night.
        preset: Gives the weights.
        model: Gives the space of the vectors.
        day: The day.
        night: The latest that was published before it.
        rating_scale: Top of the scale of ratings, in place of what the largest one tells.
    """
    ids, items, since = read_items(session)
    vectors = ListedVectors(session, model, items.text_keys)
    catalogue = Catalogue(ids, since, vectors.vectors)
    deeds = taken(session, "deeds_of_day", day=day)
    happened = liked(session, deeds, preset, model, rating_scale)
    user_keys, users = np.unique(happened.user_keys, return_inverse=True)
    history, touched = _earlier(session, user_keys, items.item_keys, day)
    counted = _counted(session, items.item_keys, day)
    number, n_items = day_number(day), len(catalogue)
    first_days = days_since(catalogue, _first_days(counted, n_items))
    taken_items, _ = rows_of(items.item_keys, happened.item_keys)
    return ServedDay(
        of_one_day(number, users, taken_items.astype(np.int32), history, touched, first_days),
        Before(counted.faded(number, None, n_items).astype(np.float32), since > number, touched),
        catalogue,
        _published(session, user_keys, items.item_keys, night),
        {
            popular.name: counted.faded(number, popular.half_life, n_items).astype(np.float32)
            for popular in popularity_baselines()
        },
        user_keys,
        vectors,
    )


def _earlier(
    session: Session, user_keys: NDArray[np.int32], item_keys: NDArray[np.int32], day: date
) -> tuple[NDArray[np.int32], Touched]:
    """How much users did before a day, of any sign, (n,), and which items they touched."""
    history = [np.zeros(0, np.int32)]
    parts: list[Touched] = []

    def read(start: int) -> Deeds:
        some = user_keys[start : start + USERS_AT_ONCE]
        columns = (copying.INT4, copying.INT4)
        return Deeds(
            some, *session.copy_out("earlier_deeds", columns, user_keys=some.tolist(), day=day)
        )

    def compute(deeds: Deeds) -> tuple[NDArray[np.int32], Touched]:
        n, users = len(deeds.user_keys), np.searchsorted(deeds.user_keys, deeds.by)
        places, known = rows_of(item_keys, deeds.item_keys)
        pairs = users[known], places[known].astype(np.int32)
        n_deeds = np.bincount(users, minlength=n).astype(np.int32)
        return n_deeds, Touched.of_pairs(*pairs, n, len(item_keys))

    def keep(found: tuple[NDArray[np.int32], Touched]) -> None:
        history.append(found[0])
        parts.append(found[1])

    overlap(range(0, len(user_keys), USERS_AT_ONCE), read, compute, keep)
    return np.concatenate(history), Touched.joined(parts, len(item_keys))


def _counted(session: Session, item_keys: NDArray[np.int32], day: date) -> Daily:
    """How many users took to each item on each day before a day."""
    keys, days, counts = session.copy_out(
        "trends_before", (copying.INT4, copying.DAY, copying.FLOAT4), day=day
    )
    order = np.argsort(days, kind="stable")
    rows, _ = rows_of(item_keys, keys[order])
    return Daily(rows.astype(np.int32), days[order], counts[order])


def _first_days(counted: Daily, n_items: int) -> NDArray[np.int32]:
    """The day on which each item was first taken to, NEVER where it was not; (n_items,)."""
    found = np.full(n_items, NEVER, np.int32)
    items, first = np.unique(counted.items, return_index=True)
    found[items] = counted.days[first]
    return found


def _published(
    session: Session, user_keys: NDArray[np.int32], item_keys: NDArray[np.int32], night: date
) -> list[ReadyLists]:
    """The lists that users were served, by variant."""
    session.execute("create_served_lists")
    session.execute("fill_served_lists", user_keys=user_keys.tolist(), night=night)
    length = max(session.value("longest_served_list"), 1)
    columns = (copying.INT4, copying.INT2, copying.integer_array(length))
    keys, variants, lists = session.copy_out("served_lists", columns, length=length)
    session.execute("drop_served_lists")
    rows, known = rows_of(item_keys, lists.ravel())
    ranked = np.where(known, rows, NO_ROW).astype(np.int32).reshape(lists.shape)
    users = np.searchsorted(user_keys, keys).astype(np.int32)
    names: dict[int, str] = dict(session.rows("served_variants"))
    found = [
        ReadyLists(names.get(key, FIRST_VARIANT), users[variants == key], ranked[variants == key])
        for key in np.unique(variants).tolist()
    ]
    return sorted(found, key=lambda lists: lists.name)
