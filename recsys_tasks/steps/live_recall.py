"""What live queries find by the index of item_vectors, held against what is nearest.

An index is approximate. So some users drawn anew every night are asked for as an application asks
for them, with `hnsw.iterative_scan` relaxed and `hnsw.ef_search` as the setting says, among all
available items and among those of one category; the table live_recalls keeps the share found.
"""

from collections.abc import Iterator
from datetime import date
from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.interactions import rows_of
from recsys_tasks.settings import Settings
from recsys_tasks.warehouse import Session, copying

K: Final = 10
ITEMS_AT_ONCE: Final = 65_536
ROUNDING: Final = 1e-5  # of the score of the last of the K: two programs add in different orders
Filter = Literal["none", "category"]
FILTERS: Final[tuple[Filter, ...]] = ("none", "category")


class Catalogue(NamedTuple):
    """What live queries may find, in ascending order of keys.

    Attributes:
        keys: Of the items, shape (n,).
        categories: A number for each one's category, 0 for none; shape (n,).
        vectors: Shape (n, dim).
    """

    keys: NDArray[np.int32]
    categories: NDArray[np.int32]
    vectors: NDArray[np.float16]


def measure(session: Session, settings: Settings, night: date) -> None:
    """Write down the recall of live queries as of a night; nothing where they have no index.

    Args:
        session: Of the night whose item_vectors stand.
        settings: Say how many users are asked for, and how.
        night: The day.
    """
    session.execute("delete_live_recalls", night=night)
    if not settings.recall_users or session.value("live_index") is None:
        return
    users = [user for (user,) in session.rows("live_users", n=settings.recall_users, night=night)]
    if not users:
        return
    vectors = np.array([np.fromstring(user[1:-1], sep=",") for user in users], np.float32)
    columns = (copying.INT4, copying.INT4, copying.halfvec(vectors.shape[1]))
    catalogue = Catalogue(*session.copy_out("live_items", columns))
    scores = _scores(vectors, catalogue.vectors)
    session.row("set_live_search", ef_search=str(settings.ef_search))
    for which in FILTERS:
        recalls = list(_recalls(session, which, users, scores, catalogue))
        if recalls:
            session.execute(
                "insert_live_recall",
                night=night,
                filter=which,
                k=K,
                ef_search=settings.ef_search,
                n_users=len(recalls),
                recall=float(np.mean(recalls)),
            )


def _scores(users: NDArray[np.float32], items: NDArray[np.float16]) -> NDArray[np.float32]:
    """Inner products, shape (n_users, n_items)."""
    scores = np.empty((len(users), len(items)), np.float32)
    for start in range(0, len(items), ITEMS_AT_ONCE):
        batch = slice(start, start + ITEMS_AT_ONCE)
        scores[:, batch] = users @ items[batch].astype(np.float32).T
    return scores


def _recalls(
    session: Session,
    which: Filter,
    users: list[str],
    scores: NDArray[np.float32],
    catalogue: Catalogue,
) -> Iterator[float]:
    """The share of the nearest K that each user's live query finds.

    A category is the one of the item that is nearest of all; users whose nearest has none are left
    out of that filter.
    """
    for user, theirs in zip(users, scores, strict=True):
        best = int(theirs.argmax())
        asked = {"user": user, "k": K}
        allowed = theirs
        if which == "category":
            if not catalogue.categories[best]:
                continue
            allowed = theirs[catalogue.categories == catalogue.categories[best]]
            asked["item_key"] = int(catalogue.keys[best])
        n_best = min(K, len(allowed))
        last = np.partition(allowed, -n_best)[-n_best]
        name = "nearest_live" if which == "none" else "nearest_live_of_category"
        found = np.array([key for (key,) in session.rows(name, **asked)], np.int32)
        rows, _ = rows_of(catalogue.keys, found)
        yield float((theirs[rows] >= last - ROUNDING * abs(last)).sum() / n_best)
