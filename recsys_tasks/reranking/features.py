"""What the second stage knows of a user and a candidate.

Everything comes from the first stage and from the algebra: both parts of the score, trends and
their momentum, decayed co-occurrence, likeness of texts, how new the item is, how much the user
did, how lately, and what kind of items (new ones, popular ones) the user takes to.
"""

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recsys_tasks.cooccurrence import Cooccurrence
from recsys_tasks.histories import Taken, faded, once_a_day
from recsys_tasks.interactions import NO_ROW, Interactions
from recsys_tasks.interest_model import ItemFacts
from recsys_tasks.reranking.candidates import Source, candidates

FLOOR: Final = 0.1  # added to counts before the logarithm
SPANS: Final = (3.0, 14.0, 60.0)  # half-lives in days of the histories that co-occurrence reads
TEXT_SPANS: Final = (2.0, 90.0)
TASTE: Final = 60.0  # half-life in days of what kind of items a user takes to
OLDEST: Final = 1000.0  # days; an item's age beyond it says nothing more
N_OWN: Final = 100  # of what a user took to before


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


class Candidates(NamedTuple):
    """c pairs of a user and an item, by user and then by item.

    Attributes:
        users: Row of the user, ascending, shape (c,).
        items: Row of the item, shape (c,).
        are_touched: Whether the user ever had to do with the item, shape (c,).
        features: As FEATURES names them, shape (c, len(FEATURES)).
    """

    users: NDArray[np.intp]
    items: NDArray[np.intp]
    are_touched: NDArray[np.bool_]
    features: NDArray[np.float32]

    def where(self, mask: NDArray[np.bool_]) -> "Candidates":
        """Those that the mask selects."""
        return Candidates(*(column[mask] for column in self))


@dataclass(frozen=True)
class Evidence:
    """What does not change from night to night.

    Attributes:
        texts: Unit vectors of items' texts, centred; zero rows where there is none, (n_items, dim).
        together: How items speak for each other.
    """

    texts: NDArray[np.float32]
    together: Cooccurrence


def gather(
    evidence: Evidence,
    sides: Sides,
    facts: ItemFacts,
    past: Interactions,
    day: int,
    absent: NDArray[np.bool_],
) -> Candidates:
    """Choose the candidates of n users, and say what is known of each pair.

    Among items that a user never touched each plain score proposes its best; what the user took to
    before is proposed beside, the latest first.

    Args:
        evidence: Of the catalogue.
        sides: Of the n users and the catalogue.
        facts: Of the catalogue, as the night before `day` knows them.
        past: Of the n users, before `day`; `users` are rows of `sides.users`.
        day: The day that lists are made for.
        absent: Items that no list may hold, shape (n_items,).
    """
    shape = (len(sides.users), len(sides.items))
    taken = once_a_day(past)
    touched = np.zeros(shape, np.bool_)
    with_item = past.items != NO_ROW
    touched[past.users[with_item], past.items[with_item]] = True
    scores = _scores(evidence, sides, taken, day)
    own = _history(taken, day, TASTE, shape).toarray()
    users, items = candidates([
        *((source, touched | absent) for source in _sources(scores, facts)),
        (Source(own, N_OWN), (own == 0) | absent),
    ])
    pairs = (users, items)
    columns = [
        *_trend_features(facts, items),
        *_score_features(scores, pairs),
        *_own_features(own, taken, day, pairs),
        *_user_features(facts, past, taken, day, pairs, len(own)),
    ]
    features = np.stack(columns, axis=1).astype(np.float32)
    return Candidates(users, items, touched[pairs], features)


def _scores(
    evidence: Evidence, sides: Sides, taken: Taken, day: int
) -> dict[str, NDArray[np.float32]]:
    """Plain scores of all items for all users, (n, n_items) each."""
    rank, shape = sides.rank, (len(sides.users), len(sides.items))
    personal = sides.users[:, :rank] @ sides.items[:, :rank].T
    scores = {
        "personal": personal,
        "first_stage": personal + sides.users[:, rank:] @ sides.items[:, rank:].T,
    }
    for span in SPANS:
        history = _history(taken, day, span, shape)
        scores[f"cosine_{span:g}"] = (history @ evidence.together.cosine).toarray()
        if span > SPANS[0]:
            scores[f"ease_{span:g}"] = (history @ evidence.together.ease).toarray()
    for span in TEXT_SPANS:
        liked = _history(taken, day, span, shape) @ evidence.texts
        liked /= np.maximum(np.linalg.norm(liked, axis=1, keepdims=True), 1e-9)
        scores[f"text_{span:g}"] = liked @ evidence.texts.T
    return scores


def _history(taken: Taken, day: int, half_life: float, shape: tuple[int, int]) -> sparse.csr_matrix:
    weights = faded(day - taken.days, half_life).astype(np.float32)
    return sparse.csr_matrix((weights, (taken.users, taken.items)), shape=shape)


def _sources(scores: dict[str, NDArray[np.float32]], facts: ItemFacts) -> list[Source]:
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


TREND_FEATURES: Final = (
    *(f"log_trend_{place}" for place in range(6)),
    "momentum_short",
    "momentum_week",
    "momentum_month",
    "log_rank_trend_1",
    "log_rank_trend_3",
    "age",
)


def _trend_features(facts: ItemFacts, items: NDArray[np.intp]) -> list[NDArray[np.float32]]:
    """Of the items, whoever the user is."""
    logs = np.log(facts.counts + FLOOR)
    ages = np.where(np.isinf(facts.ages), -1, np.minimum(facts.ages, OLDEST))
    columns = [
        *logs.T,
        logs[:, 0] - logs[:, 2],
        logs[:, 1] - logs[:, 3],
        logs[:, 3] - logs[:, 4],
        _log_places(facts.counts[:, 1]),
        _log_places(facts.counts[:, 3]),
        ages,
    ]
    return [column[items] for column in columns]


def _log_places(counts: NDArray[np.float32]) -> NDArray[np.float32]:
    """log(1 + place) in descending order, places from 0."""
    places = np.empty(len(counts), np.float32)
    places[np.argsort(-counts, kind="stable")] = np.arange(len(counts))
    return np.log1p(places)


SCORE_FEATURES: Final = (
    "personal",
    "first_stage",
    *(f"cosine_{span:g}" for span in SPANS),
    *(f"ease_{span:g}" for span in SPANS[1:]),
    *(f"text_{span:g}" for span in TEXT_SPANS),
    "behind_best",
    "log_rank_first_stage",
    "log_rank_ease",
    "log_rank_cosine",
    "log_rank_text",
)


def _score_features(
    scores: dict[str, NDArray[np.float32]], pairs: tuple[NDArray[np.intp], NDArray[np.intp]]
) -> list[NDArray[np.float32]]:
    """Plain scores of the pairs, and their places among the user's candidates."""
    users = pairs[0]
    of_pairs = {name: scores[name][pairs] for name in SCORE_FEATURES if name in scores}
    first = of_pairs["first_stage"]
    best = np.full(len(scores["first_stage"]), -np.inf, np.float32)
    np.maximum.at(best, users, first)
    return [
        *of_pairs.values(),
        first - best[users],
        *(
            _log_places_within(of_pairs[name], users)
            for name in ("first_stage", "ease_60", "cosine_14", "text_90")
        ),
    ]


def _log_places_within(scores: NDArray[np.float32], users: NDArray[np.intp]) -> NDArray[np.float32]:
    """log(1 + place) among the same user's, in descending order, places from 0."""
    order = np.lexsort((-scores, users))
    starts = np.searchsorted(users, users)  # users ascend, so it serves the sorted order as well
    places = np.empty(len(scores), np.float32)
    places[order] = np.arange(len(scores)) - starts
    return np.log1p(places)


OWN_FEATURES: Final = ("own_7", "own_60", "days_since_own")


def _own_features(
    own: NDArray[np.float32],
    taken: Taken,
    day: int,
    pairs: tuple[NDArray[np.intp], NDArray[np.intp]],
) -> list[NDArray[np.float32]]:
    """What the user had of the very item: decayed counts, and days since; -1 for never."""
    shape = (own.shape[0], own.shape[1])
    last = np.zeros(shape, np.int32)
    last[taken.users, taken.items] = taken.days  # days ascend: the latest is written last
    lately = np.asarray(_history(taken, day, 7.0, shape)[pairs], np.float32).ravel()
    had = own[pairs]
    return [lately, had, np.where(had > 0, day - last[pairs], -1)]


USER_FEATURES: Final = (
    "log_history",
    "active_days",
    *(f"mass_{span:g}" for span in SPANS),
    "days_idle",
    "taste_trend",
    "taste_age",
    "trend_less_taste",
    "age_less_taste",
)


def _user_features(
    facts: ItemFacts,
    past: Interactions,
    taken: Taken,
    day: int,
    pairs: tuple[NDArray[np.intp], NDArray[np.intp]],
    n_users: int,
) -> list[NDArray[np.float32]]:
    """How much the user did, how lately, and with what kind of items."""
    users, items = pairs
    active = np.unique(np.column_stack([past.users, past.days]), axis=0)
    last = np.full(n_users, -np.inf)
    np.maximum.at(last, past.users, past.times)
    weights = faded(day - taken.days, TASTE)

    def taste(values: NDArray[np.floating]) -> NDArray[np.floating]:
        """The decayed mean over what the user took to; -1 without any."""
        evidence = np.bincount(taken.users, weights, n_users)
        sums = np.bincount(taken.users, weights * values, n_users)
        return np.where(evidence > 0, sums / np.maximum(evidence, 1e-30), -1)

    trend = np.log(facts.counts[:, 4] + FLOOR)
    # How old the item was when the user took to it.
    ages = np.nan_to_num(facts.ages, posinf=OLDEST)
    then = np.log1p(np.clip(ages[taken.items] - (day - taken.days), 0, OLDEST))
    taste_trend, taste_age = taste(trend[taken.items]), taste(then)
    columns = [
        np.log1p(np.bincount(past.users, minlength=n_users)),
        np.bincount(active[:, 0], minlength=n_users),
        *(np.bincount(taken.users, faded(day - taken.days, span), n_users) for span in SPANS),
        np.where(np.isinf(last), -1, day - last),
        taste_trend,
        taste_age,
    ]
    return [
        *(column[users] for column in columns),
        trend[items] - taste_trend[users],
        np.log1p(np.minimum(ages[items], OLDEST)) - taste_age[users],
    ]


FEATURES: Final = (*TREND_FEATURES, *SCORE_FEATURES, *OWN_FEATURES, *USER_FEATURES)
