"""Lists with what each entry stands there for, as the table has it."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.explaining import (
    EXPLAINED,
    N_REASONS,
    FirstStage,
    Reasons,
    Reranked,
    contributions_of,
    explain,
    trend_days,
)
from recsys_tasks.interactions import day_number, rows_of
from recsys_tasks.interest_model import InterestModel, UserFacts
from recsys_tasks.ranking import Lists
from recsys_tasks.reranking import FEATURES, Candidates, Sides
from recsys_tasks.settings import Preset
from recsys_tasks.steps.rank.inputs import Picture
from recsys_tasks.steps.rank.second_stage import Scene
from recsys_tasks.warehouse import Session, copying
from recsys_tasks.warehouse.weighing import Weighed, weighed

HISTORY = 50  # interactions of a user among which a reason is sought


class Again(NamedTuple):
    """What the second stage gave to the first m entries of a picture's lists.

    Attributes:
        scene: By which it ranked.
        contributions: As `contributions_of` gives them, shape (n, m, len(FEATURES) + 1).
        are_ranked: Likewise, shape (n, m); nothing of a user whom it did not rank.
    """

    scene: Scene
    contributions: NDArray[np.float32]
    are_ranked: NDArray[np.bool_]

    @classmethod
    def nothing(cls, scene: Scene, lists: Lists) -> "Again":
        """Of lists that it did not rank."""
        shape = (len(lists.rows), min(EXPLAINED, lists.rows.shape[1]))
        contributions = np.zeros((*shape, len(FEATURES) + 1), np.float32)
        return cls(scene, contributions, np.zeros(shape, np.bool_))

    def put(self, users: NDArray[np.intp], found: Candidates, lists: Lists) -> None:
        """Write what it gave to the lists of some users, from their candidates."""
        rows = lists.rows[:, : self.are_ranked.shape[1]]
        given = contributions_of(self.scene.second, found, rows)
        self.contributions[users], self.are_ranked[users] = given


class Columns(NamedTuple):
    """The arrays of n lists of k, as the table has them; shape (n, k) each, but for `most`.

    `most` has `items` by key and shape (n, min(k, EXPLAINED), N_REASONS); None for lists of which
    one reason an entry is all that is told.
    """

    item_keys: NDArray[np.int32]
    scores: NDArray[np.float32]
    reason_kinds: NDArray[np.int16]
    reason_items: NDArray[np.int32]
    reason_details: NDArray[np.int16]
    reason_days: NDArray[np.int32]
    most: Reasons | None = None

    def wire(self, length: int) -> tuple[copying.Column, ...]:
        """How the arrays of lists of one length lie on the wire."""
        n_parts = min(length, EXPLAINED) * N_REASONS
        wires = (copying.smallint_array, copying.integer_array)
        shorts, integers = (array(length) for array in wires)
        few_shorts, few_integers = (array(n_parts) for array in wires)
        return (
            *(integers, copying.real_array(length), shorts, integers, shorts, integers),
            *(few_shorts, few_integers, few_shorts, few_integers, copying.real_array(n_parts)),
        )

    def cells(self, chosen: NDArray[np.bool_], length: int) -> tuple[NDArray[np.generic], ...]:
        """The arrays of the chosen lists, all of one length, as `wire` says."""
        n, n_explained = int(chosen.sum()), min(length, EXPLAINED)
        most = self.most or Reasons.none(*self.item_keys.shape, N_REASONS)
        arrays = self[:6]
        return (
            *(array[chosen, :length] for array in arrays),
            *(array[chosen, :n_explained].reshape(n, -1) for array in most),
        )


def read_history(
    session: Session, preset: Preset, picture: Picture, user_keys: NDArray[np.int32]
) -> Weighed:
    """What some users did, as reasons are sought in it, by the picture's texts."""
    return weighed(
        session,
        "histories_of_users",
        preset,
        picture.model,
        texts=picture.texts,
        night=picture.night,
        user_keys=user_keys.tolist(),
        length=HISTORY,
    )


def with_reasons(
    picture: Picture, lists: Lists, history: Weighed, again: Again | None = None
) -> Columns:
    """The lists' columns: with the reasons of the scores that the lists have.

    Args:
        picture: What the night ranks.
        lists: Of its users.
        history: Of the same, as `read_history` gives it.
        again: What the second stage gave to the first EXPLAINED entries, where it ranked.
    """
    stage = first_stage_of(picture, history, HISTORY)
    found = explain(lists, stage, reranked_of(history, again))
    first, most = (keyed(reasons, history) for reasons in found)
    return Columns(
        picture.item_keys[lists.rows],
        lists.scores,
        first.kinds,
        first.items,
        first.details,
        first.days,
        most,
    )


def first_stage_of(picture: Picture, history: Weighed, length: int) -> FirstStage:
    """The picture as a first stage that can be explained; `length` as `FirstStage.of` has it."""
    rows, refreshed = rows_of(picture.user_keys, history.user_keys)
    users = history.interactions.users
    renumbered = replace(history.interactions, users=rows[users].astype(np.int32))
    return FirstStage.of(
        picture.ranker.at(history.item_keys),
        Sides(picture.user_side, picture.item_side, picture.rank),
        UserFacts(picture.interests, picture.masses),
        picture.centre,
        day_number(picture.night),
        renumbered.where(refreshed[users]),
        history.vectors,
        length,
    )


def reranked_of(history: Weighed, again: Again | None) -> Reranked | None:
    """What the second stage gave, beside what its features were made from."""
    if again is None:
        return None
    scene = again.scene
    rows, _ = rows_of(scene.item_keys, history.item_keys)
    return Reranked(
        again.contributions,
        again.are_ranked,
        scene.second.base,
        scene.evidence,
        rows.astype(np.int32),
    )


def keyed(reasons: Reasons, history: Weighed) -> Reasons:
    """The reasons with items by key, 0 for none."""
    item_keys = np.append(history.item_keys, 0)  # NO_ROW finds the last
    return reasons._replace(items=item_keys[reasons.items].astype(np.int32))


def days_of(model: InterestModel) -> NDArray[np.int16]:
    """What trends are called in reasons, as `trend_days`, and 0 for what is new: (K + 1,)."""
    return np.append(trend_days(model), 0).astype(np.int16)
