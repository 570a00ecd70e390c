"""Plain scores of all items: each proposes its best as candidates, and each is a feature."""

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recsys_tasks.cooccurrence import Cooccurrence
from recsys_tasks.histories import Taken, faded
from recsys_tasks.interest_model import ItemFacts
from recsys_tasks.ranking import products
from recsys_tasks.reranking.candidates import Source

SPANS: Final = (3.0, 14.0, 60.0)  # half-lives in days of the histories that co-occurrence reads
TEXT_SPANS: Final = (2.0, 90.0)


class Sides(NamedTuple):
    """The first stage's view.

    Attributes:
        users: Shape (n, rank + F).
        items: Shape (n_items, rank + F).
        rank: Coordinates of the personal part.
    """

    users: NDArray[np.float32]
    items: NDArray[np.float32]
    rank: int


@dataclass(frozen=True)
class Evidence:
    """What does not change from night to night.

    Attributes:
        texts: Unit vectors of items' texts, centred; zero rows where there is none, (n_items, dim).
        together: How items speak for each other.
    """

    texts: NDArray[np.float32]
    together: Cooccurrence


def plain_scores(
    evidence: Evidence, sides: Sides, taken: Taken, day: int
) -> dict[str, NDArray[np.float32]]:
    """Plain scores of all items for all users, (n, n_items) each."""
    rank, shape = sides.rank, (len(sides.users), len(sides.items))
    personal = products(sides.users[:, :rank], sides.items[:, :rank])
    scores = {
        "personal": personal,
        "first_stage": personal + products(sides.users[:, rank:], sides.items[:, rank:]),
    }
    for span in SPANS:
        history = history_of(taken, day, span, shape)
        scores[f"cosine_{span:g}"] = (history @ evidence.together.cosine).toarray()
        if span > SPANS[0]:
            scores[f"ease_{span:g}"] = (history @ evidence.together.ease).toarray()
    for span in TEXT_SPANS:
        liked = history_of(taken, day, span, shape) @ evidence.texts
        liked /= np.maximum(np.linalg.norm(liked, axis=1, keepdims=True), 1e-9)
        scores[f"text_{span:g}"] = products(liked, evidence.texts)
    return scores


def history_of(
    taken: Taken, day: int, half_life: float, shape: tuple[int, int]
) -> sparse.csr_matrix:
    """Decayed counts of what users took to before `day`; `shape` is (n, n_items)."""
    weights = faded(day - taken.days, half_life).astype(np.float32)
    return sparse.csr_matrix((weights, (taken.users, taken.items)), shape=shape)


def sources(scores: dict[str, NDArray[np.float32]], facts: ItemFacts) -> list[Source]:
    """Who proposes, and how many."""
    newest = np.where(np.isinf(facts.ages), -np.inf, -facts.ages).astype(np.float32)
    return [
        Source(scores["first_stage"], 100),
        Source(scores["personal"], 40),
        Source(scores["ease_60"], 60),
        Source(scores["cosine_14"], 60),
        Source(scores["text_90"], 20),
        Source(facts.counts[:, 1], 60),
        Source(facts.counts[:, 3], 60),
        Source(newest, 30),
    ]
