"""What is known of each pair of a user and a candidate, as numbers.

Everything comes from the first stage and from the algebra: both parts of the score, trends and
their momentum, decayed co-occurrence, likeness of texts, how new the item is, how much the user
did, how lately, and what kind of items (new ones, popular ones) the user takes to.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.histories import Taken, faded
from recsys_tasks.interactions import Interactions
from recsys_tasks.interest_model import ItemFacts
from recsys_tasks.reranking.plain_scores import SPANS, TEXT_SPANS, history_of

FLOOR: Final = 0.1  # added to counts before the logarithm
TASTE: Final = 60.0  # half-life in days of what kind of items a user takes to
OLDEST: Final = 1000.0  # days; an item's age beyond it says nothing more


Pairs = tuple[NDArray[np.intp], NDArray[np.intp]]  # rows of users, ascending, and of items


class Known(NamedTuple):
    """What is known of n users and the catalogue on a day.

    Attributes:
        day: The day that lists are made for.
        facts: Of the catalogue.
        past: Of the users, before the day.
        taken: What is relevant of it.
        scores: By name, (n, n_items) each.
        own: Decayed counts of what the users took to, shape (n, n_items).
    """

    day: int
    facts: ItemFacts
    past: Interactions
    taken: Taken
    scores: dict[str, NDArray[np.float32]]
    own: NDArray[np.float32]


def describe(known: Known, pairs: Pairs) -> NDArray[np.float32]:
    """What is known of c pairs, as FEATURES names it, shape (c, len(FEATURES))."""
    columns = [
        *_trend_features(known.facts, pairs[1]),
        *_score_features(known.scores, pairs),
        *_own_features(known, pairs),
        *_user_features(known, pairs),
    ]
    return np.stack(columns, axis=1).astype(np.float32)


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
    scores: dict[str, NDArray[np.float32]], pairs: Pairs
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


def _own_features(known: Known, pairs: Pairs) -> list[NDArray[np.float32]]:
    """What the user had of the very item: decayed counts, and days since; -1 for never."""
    day, own, taken = known.day, known.own, known.taken
    shape = (own.shape[0], own.shape[1])
    last = np.zeros(shape, np.int32)
    last[taken.users, taken.items] = taken.days  # days ascend: the latest is written last
    lately = history_of(taken, day, 7.0, shape).toarray()[pairs]
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


def _user_features(known: Known, pairs: Pairs) -> list[NDArray[np.float32]]:
    """How much the user did, how lately, and with what kind of items."""
    day, facts, past, taken, n_users = *known[:4], len(known.own)
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
