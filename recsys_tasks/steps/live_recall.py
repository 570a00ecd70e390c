"""How widely live queries have to search, so that they find what was promised.

An index is approximate. So users drawn anew every night are asked for as nearest_items() asks, of
all available items and of those of one category, and what is found is held against what is
nearest. The table live_recalls keeps the least `hnsw.ef_search` that finds enough, from which
nearest_items() has it; where none does, or nobody has looked, it goes by no index.
"""

from collections.abc import Iterator
from datetime import date
from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.settings import Settings
from recsys_tasks.warehouse import Session, copying

K: Final = 10
WIDTHS: Final = (40, 80, 160, 320, 640, 1000)  # of a search; pgvector knows none above the last
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


class Question(NamedTuple):
    """What is asked, and what would be right.

    Attributes:
        user: The interest.
        category: That items have to be of; None for any.
        good: Keys of the nearest K, and of all that score as the last of them: a tie is found
            whichever of them is.
        n: How many may be found, K at the most.
    """

    user: str
    category: str | None
    good: NDArray[np.int32]
    n: int


def measure(session: Session, settings: Settings, night: date) -> None:
    """Write down the search that live queries need as of a night, and what it finds.

    Nothing where they have no index.

    Args:
        session: Of the night whose item_vectors stand.
        settings: Say how many users are asked for, and what is enough.
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
    names = [None, *(name for (name,) in session.rows("live_categories"))]
    for which in FILTERS:
        questions = list(_questions(which, users, scores, catalogue, names))
        if questions:
            ef_search, recall = _search(session, settings, questions)
            session.execute(
                "insert_live_recall",
                night=night,
                filter=which,
                k=K,
                ef_search=ef_search,
                n_users=len(questions),
                recall=recall,
                is_exact=recall < settings.enough_recall,
            )


def _scores(users: NDArray[np.float32], items: NDArray[np.float16]) -> NDArray[np.float32]:
    """Inner products, shape (n_users, n_items)."""
    scores = np.empty((len(users), len(items)), np.float32)
    for start in range(0, len(items), ITEMS_AT_ONCE):
        batch = slice(start, start + ITEMS_AT_ONCE)
        scores[:, batch] = users @ items[batch].astype(np.float32).T
    return scores


def _questions(
    which: Filter,
    users: list[str],
    scores: NDArray[np.float32],
    catalogue: Catalogue,
    names: list[str | None],
) -> Iterator[Question]:
    """What is asked for each user.

    A category is the one of the item that is nearest of all; users whose nearest has none are left
    out of that filter.
    """
    keys = catalogue.keys
    for user, theirs in zip(users, scores, strict=True):
        category = int(catalogue.categories[theirs.argmax()]) if which == "category" else 0
        if which == "category" and not category:
            continue
        allowed = catalogue.categories == category if category else np.ones(len(keys), np.bool_)
        n = min(K, int(allowed.sum()))
        last = np.partition(theirs[allowed], -n)[-n]
        good = keys[allowed & (theirs >= last - ROUNDING * abs(last))]
        yield Question(user, names[category], good, n)


def _search(session: Session, settings: Settings, questions: list[Question]) -> tuple[int, float]:
    """The least width that finds enough, and the recall: mean over users.

    Other users are asked for tomorrow, so half of what may be missed is kept back; where no width
    is so good, the last one stands. The setting is the only width there is.
    """
    *narrower, last = WIDTHS if settings.ef_search is None else (settings.ef_search,)
    enough = (1 + settings.enough_recall) / 2
    for ef_search in narrower:
        recall = _recall(session, questions, ef_search, enough)
        if recall >= enough:
            return ef_search, recall
    return last, _recall(session, questions, last)


def _recall(
    session: Session, questions: list[Question], ef_search: int, enough: float = 0
) -> float:
    """The share of the nearest K that live queries find, mean over users.

    0 as soon as it cannot be enough any more: most searches that are too narrow show it soon.
    """
    missed, most = 0.0, (1 - enough) * len(questions)
    for user, category, good, n in questions:
        asked = {"user": user, "category": category, "k": K, "ef_search": ef_search}
        found = [key for (key,) in session.rows("search_live", **asked)]
        missed += 1 - np.isin(found, good).sum() / n
        if missed > most:
            return 0.0
    return float(1 - missed / len(questions))
