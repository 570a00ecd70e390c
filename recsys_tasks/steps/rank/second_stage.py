"""The second stage in the night: candidates of users who were active of late, ranked again."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.interactions import NO_ROW, day_number, rows_of
from recsys_tasks.interest_model import ItemFacts
from recsys_tasks.reranking import Candidates, Evidence, SecondStage, Sides, gather
from recsys_tasks.reranking.describing import unit_texts
from recsys_tasks.settings import Settings, preset_of
from recsys_tasks.steps.rank.inputs import Picture
from recsys_tasks.warehouse import Session, copying
from recsys_tasks.warehouse.weighing import Weighed, weighed

BATCH_SIZE = 256  # users described at once; memory is some 15 * BATCH_SIZE * n_items floats
MOST_HISTORY = 2000  # latest interactions of a user that are read
BELOW = 1e4  # the first stage's order goes on below the candidates


class Reranked(NamedTuple):
    """Users of a picture, ranked again.

    Attributes:
        rows: Of the users in the picture, shape (n,).
        found: Their candidates; users are places in `rows`, items rows of the picture.
        history: What they did, as the candidates were described by.
        scores: Of the candidates.
    """

    rows: NDArray[np.intp]
    found: Candidates
    history: Weighed
    scores: NDArray[np.float32]


def reranked(
    session: Session, settings: Settings, picture: Picture, second: SecondStage
) -> Iterator[Reranked]:
    """Rank the users of a picture again who did something in the last `rerank_days`, in batches."""
    night = day_number(picture.night)
    since = picture.night - timedelta(days=settings.rerank_days)
    (active,) = session.copy_out(
        "users_active_since", (copying.INT4,), night=picture.night, since=since
    )
    eligible = np.flatnonzero(np.isin(picture.user_keys, active))
    texts = unit_texts(picture.vectors, np.ones(len(picture.vectors), np.bool_))
    for start in range(0, len(eligible), BATCH_SIZE):
        rows = eligible[start : start + BATCH_SIZE]
        keys = picture.user_keys[rows]
        history = weighed(
            session,
            "histories_of_users",
            preset_of(settings),
            picture.model,
            night=picture.night,
            user_keys=keys.tolist(),
            length=MOST_HISTORY,
        )
        found = _describe(picture, second, texts, rows, history, night)
        yield Reranked(rows, found, history, second.scores(found))


def scores_of(picture: Picture, batch: Reranked) -> NDArray[np.float32]:
    """Scores of all items, (n, n_items); -inf for what the repeat policy keeps out."""
    first = picture.user_side[batch.rows] @ picture.item_side.T
    scores = first - first.max() - BELOW
    scores[batch.found.users, batch.found.items] = batch.scores
    excluded = picture.excluded[batch.rows].tocoo()
    scores[excluded.row, excluded.col] = -np.inf
    return np.asarray(scores, np.float32)


def _describe(
    picture: Picture,
    second: SecondStage,
    texts: NDArray[np.float32],
    rows: NDArray[np.intp],
    history: Weighed,
    night: int,
) -> Candidates:
    """The candidates of some users; items that may not be listed are part of their histories."""
    others = np.setdiff1d(history.item_keys, picture.item_keys)
    item_keys = np.concatenate([picture.item_keys, others])
    n_items, n_others = len(picture.item_keys), len(others)
    stage = second.at(item_keys)
    evidence = Evidence(_padded(texts, n_others, 0), stage.together)
    facts = ItemFacts(
        evidence.texts,
        _padded(picture.facts.counts, n_others, 0),
        _padded(picture.facts.ages, n_others, np.inf),
    )
    sides = Sides(picture.user_side[rows], _padded(picture.item_side, n_others, 0), picture.rank)
    absent = np.arange(len(item_keys)) >= n_items
    happened = history.interactions
    users, _ = rows_of(picture.user_keys[rows], history.user_keys)
    items, _ = rows_of(item_keys, history.item_keys)
    past = replace(
        happened,
        users=users[happened.users].astype(np.int32),
        items=np.append(items, NO_ROW)[happened.items].astype(np.int32),
    )
    return gather(evidence, sides, facts, past, night + 1, absent)


def _padded(array: NDArray[np.float32], n: int, value: float) -> NDArray[np.float32]:
    """The array with n more rows of one value."""
    more = np.full((n, *array.shape[1:]), value, np.float32)
    return np.concatenate([array, more])
