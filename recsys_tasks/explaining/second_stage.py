"""The second stage's scores, taken apart exactly: docs/reasons.md has the rule.

A score is a constant and a part a feature (`pred_contrib`), beside what it starts from: the first
stage's score, times a base. What a feature gives belongs to trends, to the item's being new, to the
user's habits or to everyone; or else it is split over what the user did, by each interaction's
share in the feature's value.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recsys_tasks.explaining.contributing import last_places
from recsys_tasks.explaining.first_stage import FirstStage, Parts
from recsys_tasks.explaining.grounds import (
    HABITS,
    INTERACTION,
    TOGETHER,
    Grounds,
)
from recsys_tasks.explaining.splitting import (
    AGE,
    COSINE,
    EASE,
    FIRST_STAGE,
    HABIT,
    LIKENESS,
    PERSONAL,
    TRENDS,
    VERY_ITEM,
    given_by,
    shares,
)
from recsys_tasks.histories import faded
from recsys_tasks.interactions import NO_ROW, Interactions
from recsys_tasks.reranking import FEATURES, Candidates, Evidence, SecondStage


class Reranked(NamedTuple):
    """What the second stage says of the first m entries of n lists.

    Attributes:
        contributions: As `SecondStage.contributions` gives them, (n, m, len(FEATURES) + 1).
        are_ranked: Whether it ranked the entry, shape (n, m); the first stage did the others.
        base: Of the second stage.
        evidence: As the features were made from it; rows are those of the ranked items.
        rows: Of the history's items among those; NO_ROW for others.
    """

    contributions: NDArray[np.float32]
    are_ranked: NDArray[np.bool_]
    base: float
    evidence: Evidence
    rows: NDArray[np.int32]


class SecondStageParts:
    """Takes the second stage's scores apart, some users at a time."""

    def __init__(self, stage: FirstStage, reranked: Reranked) -> None:
        """Find what of the users' histories speaks for other items."""
        self._stage, self._reranked = stage, reranked
        self._last = _last_taken(stage.history, *stage.known.interactions.shape)
        together = reranked.evidence.together
        self._cosine, self._ease = together.cosine.tocsr(), together.ease.tocsr()

    @property
    def lengths(self) -> NDArray[np.intp]:
        """How many things taken each user has, shape (n,)."""
        counts: NDArray[np.intp] = (self._last != NO_ROW).sum(axis=1)
        return counts

    @property
    def n_entries(self) -> int:
        """How many first entries of each list were ranked again."""
        return int(self._reranked.contributions.shape[1])

    def parts(
        self,
        users: NDArray[np.intp],
        rows: NDArray[np.int32],
        first: Parts,
        length: int | None = None,
    ) -> Parts:
        """What the scores of some users' entries consist of.

        Args:
            users: Shape (b,).
            rows: Of the items, shape (b, m).
            first: What the first stage's scores of these entries, or of more, consist of.
            length: Things taken of the user who has most of them, or more; None for just as many.

        Returns:
            Grounds are the first stage's, the last things taken as interactions and as what goes
            together with the item, habits.
        """
        before = first.parts[:, : self.n_entries]
        given, starts_from = self._given(users, before)
        if length is None:
            length = int(self.lengths[users].max(initial=0))
        last = self._last[users, self._last.shape[1] - length :]
        by_first = self._by_first_stage(given, before)
        likeness, together = self._by_taken(given, rows, last)
        habits = given_by(given, HABIT)[..., None]
        parts = np.concatenate([by_first, likeness, together, habits], axis=-1)
        # Whatever no interaction accounts for, and the constant.
        rest = given.sum(axis=-1) - parts.sum(axis=-1)
        parts[..., : before.shape[-1]] += starts_from
        parts[..., before.shape[-1] - self._stage.n_fixed + 1] += rest  # everyone
        return Parts(first.grounds.beside(self._grounds(last)), parts)

    def _given(
        self, users: NDArray[np.intp], before: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """What the trees alone give, and the parts of what they start from."""
        are_ranked = self._reranked.are_ranked[users]
        given = np.where(are_ranked[..., None], self._reranked.contributions[users], 0)
        base = np.where(are_ranked, np.float32(self._reranked.base), np.float32(1))
        starts_from = base[..., None] * before
        of_base = np.where(are_ranked, starts_from.sum(axis=-1), 0)
        given[..., FEATURES.index("first_stage")] -= of_base
        return given, starts_from

    def _by_first_stage(
        self, given: NDArray[np.float32], parts: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """What of the trees' part belongs to grounds of the first stage, shape (b, m, A)."""
        n_trends = len(self._stage.model.trend_half_lives)
        of_item = parts.shape[-1] - n_trends - 1  # trends, and then new
        personal = parts.copy()
        personal[..., of_item:] = 0
        found = given_by(given, FIRST_STAGE)[..., None] * shares(parts)
        found += given_by(given, PERSONAL)[..., None] * shares(personal)
        for name, place in TRENDS.items():
            found[..., of_item + min(place, n_trends - 1)] += given_by(given, (name,))
        found[..., -1] += given_by(given, AGE)
        return found

    def _by_taken(
        self, given: NDArray[np.float32], rows: NDArray[np.int32], last: NDArray[np.int32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """What likeness to things taken gives, and what goes together with them: (b, m, L) each."""
        happened = self._stage.history
        is_there = last != NO_ROW
        days = np.append(happened.days, 0)[last]
        items = np.append(self._reranked.rows, NO_ROW)[np.append(happened.items, NO_ROW)[last]]
        shape = (*rows.shape, last.shape[1])
        likeness, together = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
        values = (
            (likeness, LIKENESS, _cosines(self._reranked.evidence.texts, rows, items)),
            (likeness, VERY_ITEM, (rows[..., None] == items[:, None]).astype(np.float32)),
            (together, COSINE, _entries(self._cosine, items, rows)),
            (together, EASE, _entries(self._ease, items, rows)),
        )
        for by_item, by_span, value in values:
            for span, names in by_span.items():
                left = np.where(is_there, faded(self._stage.night + 1 - days, span), 0)
                split = shares(value * left[:, None].astype(np.float32))
                np.add(by_item, given_by(given, names)[..., None] * split, out=by_item)
        return likeness, together

    def _grounds(self, last: NDArray[np.int32]) -> Grounds:
        """Things taken, as interactions and as what goes together with an item; habits."""
        happened = self._stage.history
        items = np.append(happened.items, NO_ROW)[last].astype(np.int32)
        weights = np.append(happened.weights, 0)[last].astype(np.float32)
        taken = Grounds(
            np.full(last.shape, INTERACTION, np.int16),
            items,
            np.append(happened.types, 0)[last].astype(np.int16),
            np.append(happened.days, 0)[last].astype(np.int32),
            weights,
        )
        nothing = np.zeros(last.shape, np.int32)
        kinds = np.full(last.shape, TOGETHER, np.int16)
        together = Grounds(kinds, items, nothing.astype(np.int16), nothing, weights)
        one = (len(last), 1)
        habits = Grounds(
            np.full(one, HABITS, np.int16),
            np.full(one, NO_ROW, np.int32),
            np.zeros(one, np.int16),
            np.zeros(one, np.int32),
            np.zeros(one, np.float32),
        )
        return taken.beside(together).beside(habits)


def contributions_of(
    second: SecondStage, found: Candidates, rows: NDArray[np.int32]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """What the second stage gave to entries of lists, and which of them it ranked.

    Args:
        second: The stage.
        found: The candidates of n users.
        rows: Of the entries' items, shape (n, m); NO_ROW for none.

    Returns:
        Shapes (n, m, len(FEATURES) + 1), zero where it ranked none, and (n, m).
    """
    n_items = int(max(found.items.max(initial=0), rows.max(initial=0))) + 1
    pairs = found.users * n_items + found.items
    wanted = np.arange(len(rows))[:, None] * n_items + rows
    places = np.minimum(np.searchsorted(pairs, wanted), max(len(pairs) - 1, 0))
    are_ranked = (rows != NO_ROW) & np.isin(wanted, pairs)
    given = np.zeros((*rows.shape, len(FEATURES) + 1), np.float32)
    chosen = places[are_ranked]
    entries = Candidates(*(column[chosen] for column in found))
    given[are_ranked] = second.contributions(entries)
    return given, are_ranked


def _last_taken(history: Interactions, n_users: int, length: int) -> NDArray[np.int32]:
    """Rows of the last L things that each user took to, an item once a day: (n_users, L).

    Of several interactions with an item on a day it is the heaviest; NO_ROW where there are fewer.
    """
    taken = np.flatnonzero((history.items != NO_ROW) & (history.weights > 0))
    users, items, days = history.users[taken], history.items[taken], history.days[taken]
    order = np.lexsort((-history.weights[taken], items, days, users))
    pairs = np.stack([users, days, items])[:, order]
    is_first = (np.diff(pairs, axis=1, prepend=-2) != 0).any(axis=0)
    chosen = taken[order[is_first]]
    rows, places = last_places(history.users[chosen], length)
    last = np.full((n_users, length), NO_ROW, np.int32)
    last[history.users[chosen[rows]], places] = chosen[rows]
    return last


def _entries(
    matrix: sparse.csr_matrix, items: NDArray[np.int32], rows: NDArray[np.int32]
) -> NDArray[np.float32]:
    """How each thing taken speaks for each entry, shape (b, m, L)."""
    speakers, listed = np.broadcast_arrays(items[:, None], rows[..., None])
    found = np.zeros(speakers.shape, np.float32)
    known = speakers != NO_ROW
    if known.any():
        found[known] = np.asarray(matrix[speakers[known], listed[known]]).ravel()
    return found


def _cosines(
    texts: NDArray[np.float32], rows: NDArray[np.int32], items: NDArray[np.int32]
) -> NDArray[np.float32]:
    """How like in words each entry is to each thing taken, shape (b, m, L)."""
    found = np.matmul(texts[rows], texts[items].transpose(0, 2, 1))
    return np.where(items[:, None] == NO_ROW, 0, found)
