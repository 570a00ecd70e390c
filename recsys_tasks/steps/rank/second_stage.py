"""The second stage in the night: candidates of users who were active of late, ranked again."""

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.interactions import day_number, rows_of
from recsys_tasks.interest_model import ItemFacts
from recsys_tasks.ranking import products
from recsys_tasks.reranking import (
    Candidates,
    Evidence,
    SecondStage,
    Sides,
    gather,
    with_the_rest,
)
from recsys_tasks.reranking.describing import unit_texts
from recsys_tasks.settings import Preset, Settings, preset_of
from recsys_tasks.steps.rank.inputs import Picture, item_facts_of, read_catalogue
from recsys_tasks.warehouse import Session
from recsys_tasks.warehouse.weighing import Items, weighed

BATCH_SIZE = 256  # users described at once; memory is some 15 * BATCH_SIZE * n_items floats
MOST_HISTORY = 2000  # latest interactions of a user that are read


class Scene(NamedTuple):
    """What candidates of a night are described by, whoever the user is.

    Items are the picture's, and then all others: they stand in histories, and no list may hold
    them. So the night knows of an item what a backtest knows of it.

    Attributes:
        second: The second stage.
        item_keys: Of the items, shape (n_items,).
        facts: Of the same.
        evidence: Of the same.
        item_side: Of the same; zero for the others.
        absent: Which of them are others.
    """

    second: SecondStage
    item_keys: NDArray[np.int32]
    facts: ItemFacts
    evidence: Evidence
    item_side: NDArray[np.float32]
    absent: NDArray[np.bool_]


class Reranked(NamedTuple):
    """Users of a picture, ranked again.

    Attributes:
        rows: Of the users in the picture, shape (n,).
        found: Their candidates; users are places in `rows`, items rows of the picture.
        scores: Of the candidates.
    """

    rows: NDArray[np.intp]
    found: Candidates
    scores: NDArray[np.float32]


def scene_of(session: Session, picture: Picture, second: SecondStage) -> Scene:
    """Read what the picture lacks: the items that its lists may not hold."""
    night, texts = picture.night, picture.texts
    known = read_catalogue(session, picture.model, "all_items_as_of", night, texts)
    beside = ~np.isin(known.item_keys, picture.item_keys)
    others = known.at(beside)
    n, n_others = len(picture.item_keys), len(others.item_keys)
    facts = picture.facts
    item_side = picture.item_side
    if n_others:
        theirs = item_facts_of(session, picture.ranker, others, night)
        # As in `Trends`: what is to come, or not listed any more, has the age 0.
        theirs = theirs._replace(ages=np.maximum(theirs.ages, 0))
        facts = ItemFacts(*(np.concatenate(pair) for pair in zip(facts, theirs, strict=True)))
        item_side = np.concatenate([item_side, np.zeros((n_others, item_side.shape[1]), "f4")])
    item_keys = np.concatenate([picture.item_keys, others.item_keys])
    exist = np.concatenate([np.ones(n, np.bool_), others.ages > 0])
    evidence = Evidence(unit_texts(facts.vectors, exist), second.at(item_keys).together)
    absent = np.arange(len(item_keys)) >= n
    return Scene(second, item_keys, facts, evidence, item_side, absent)


def reranked(
    session: Session,
    settings: Settings,
    picture: Picture,
    scene: Scene,
    active: NDArray[np.int32],
) -> Iterator[Reranked]:
    """Rank those of a picture's users again who are among the active, in batches."""
    eligible = np.flatnonzero(np.isin(picture.user_keys, active))
    for start in range(0, len(eligible), BATCH_SIZE):
        rows = eligible[start : start + BATCH_SIZE]
        found = _describe(session, preset_of(settings), picture, scene, rows)
        yield Reranked(rows, found, scene.second.scores(found))


def scores_of(picture: Picture, batch: Reranked) -> NDArray[np.float32]:
    """Scores of all items, (n, n_items); -inf for what the repeat policy keeps out."""
    first = products(picture.user_side[batch.rows], picture.item_side)
    scores = with_the_rest(batch.found, batch.scores, first)
    excluded = picture.excluded[batch.rows].tocoo()
    scores[excluded.row, excluded.col] = -np.inf
    return scores


def _describe(
    session: Session, preset: Preset, picture: Picture, scene: Scene, rows: NDArray[np.intp]
) -> Candidates:
    """The candidates of some users, by their rows in the picture."""
    keys = picture.user_keys[rows]
    history = weighed(
        session,
        "histories_of_users",
        preset,
        picture.model,
        # The scene has the items' texts already.
        Items(scene.item_keys, np.zeros_like(scene.item_keys)),
        night=picture.night,
        user_keys=keys.tolist(),
        length=MOST_HISTORY,
    )
    users, _ = rows_of(keys, history.user_keys)
    happened = history.interactions
    past = replace(happened, users=users[happened.users].astype(np.int32))
    sides = Sides(picture.user_side[rows], scene.item_side, picture.rank)
    tomorrow = day_number(picture.night) + 1
    return gather(scene.evidence, sides, scene.facts, past, tomorrow, scene.absent)
