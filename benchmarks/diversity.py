"""The price of lists that are not by score alone: accuracy given, diversity and exposure got.

Replays a sample of a folder's last days with the zero-shot content model, and makes lists of the
same scores: by score; by determinants (ours), and by the alternative that they were chosen over,
maximal marginal relevance (Carbonell and Goldstein, The use of MMR, SIGIR 1998), by strength; and
with a share for new items.

    python -m benchmarks.diversity FOLDER --preset shop
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

import numpy as np
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from benchmarks.folders import taken_folder
from recsys_tasks.evaluation import last_fifth, replay
from recsys_tasks.evaluation.intervals import difference
from recsys_tasks.evaluation.judging import in_segment, judge
from recsys_tasks.evaluation.metrics import METRICS
from recsys_tasks.evaluation.replays import Replay
from recsys_tasks.interactions import NO_ROW, Catalogue, Interactions
from recsys_tasks.interest_model import ZeroShot
from recsys_tasks.interest_scorer import InterestScorer
from recsys_tasks.ranking import NEW_FOR, ListedItems, ListPolicy, Lists, Scores, make_lists
from recsys_tasks.ranking.candidates import candidates
from recsys_tasks.settings import preset_of
from recsys_tasks.warehouse.history import History

STRENGTHS = (0.1, 0.2, 0.3, 0.5, 0.7)
SHARES = (0.1, 0.2, 0.3)
K, LENGTH = 10, 50
TIMED = 1_000  # users whose lists are made at once, for the time
UNKNOWN = np.iinfo(np.int32).min
BY_SCORE = "by score"

Make = Callable[[Scores, ListPolicy, ListedItems], Lists]


def by_marginal_relevance(ranking: Scores, policy: ListPolicy, items: ListedItems) -> Lists:
    """(1 - theta) * relevance - theta * the greatest cosine, at least 0, with an item above."""
    pool = candidates(ranking, np.arange(len(ranking)), policy, items)
    order = np.argsort(pool.rows, axis=1, kind="stable")
    rows, scores = (np.take_along_axis(values, order, axis=1) for values in pool)
    theta, every = policy.diversity, np.arange(len(rows))
    best = -np.sort(-scores, axis=1)[:, : policy.length]
    last = np.where(np.isfinite(best), best, np.inf).min(axis=1, keepdims=True)
    relevance = (scores - last) / np.maximum(best[:, :1] - last, 1e-9)
    nearest, left = np.zeros(rows.shape, np.float32), rows != NO_ROW
    directions = items.directions[rows]
    cosines = directions @ directions.transpose(0, 2, 1)
    shape = (len(rows), min(policy.length, rows.shape[1]))
    found = Lists(np.full(shape, NO_ROW, np.int32), np.full(shape, -np.inf, np.float32))
    for place in range(shape[1]):
        value = (1 - theta) * relevance - theta * nearest
        chosen = np.where(left, value, -np.inf).argmax(axis=1)
        is_there = left[every, chosen]
        found.rows[:, place] = np.where(is_there, rows[every, chosen], NO_ROW)
        found.scores[:, place] = np.where(is_there, scores[every, chosen], -np.inf)
        left[every, chosen] = False
        nearest = np.maximum(nearest, cosines[every, chosen])
    return found


class Batch(NamedTuple):
    """Users whose lists are made at once, for one day.

    Attributes:
        day: The day.
        users: Their rows, shape (n,).
        scores: Of all items, -inf for what no list may hold, shape (n, n_items).
    """

    day: int
    users: NDArray[np.int32]
    scores: NDArray[np.float32]


@dataclass
class Shared:
    """A scorer that is asked once a batch, whatever is made of its scores.

    Attributes:
        scorer: It.
        directions: Of the items, as in ListedItems.
    """

    scorer: InterestScorer
    directions: NDArray[np.float32]
    _catalogue: Catalogue = field(init=False, repr=False)
    _last: Batch | None = field(default=None, init=False, repr=False)

    def fit(self, past: Interactions, catalogue: Catalogue, day: int) -> None:
        """The scorer's own."""
        self._last, self._catalogue = None, catalogue
        self.scorer.fit(past, catalogue, day)

    def scores(self, past: Interactions, users: NDArray[np.int32], day: int) -> NDArray[np.float32]:
        """Scores; -inf for what the user touched, and for what does not exist yet."""
        last = self._last
        if last is None or last.day != day or not np.array_equal(last.users, users):
            scores = self.scorer.scores(past, users, day)
            scores[:, self._catalogue.since > day] = -np.inf
            rows, items = touched_by(users, past)
            scores[rows, items] = -np.inf
            self._last = last = Batch(day, users.copy(), scores)
        return last.scores

    def items(self, past: Interactions, day: int) -> ListedItems:
        """The catalogue as of a day; an item without a date is there since it was first used."""
        since = self._catalogue.since
        used, first = np.unique(past.items, return_index=True)
        first_used = np.full(len(since) + 1, UNKNOWN, np.int32)  # the last is NO_ROW's
        first_used[used] = past.days[first]
        since = np.where(since == UNKNOWN, first_used[:-1], since)
        no_category = np.full(len(since), NO_ROW, np.int32)
        return ListedItems(self.directions, no_category, (since > day - NEW_FOR) & (since <= day))


def touched_by(
    users: NDArray[np.int32], past: Interactions
) -> tuple[NDArray[np.intp], NDArray[np.int32]]:
    """Positions of users, and rows of items that they touched with any sign; (p,) each."""
    theirs = past.where(np.isin(past.users, users) & (past.items != NO_ROW))
    order = np.argsort(users)
    return order[np.searchsorted(users, theirs.users, sorter=order)], theirs.items


@dataclass
class Way:
    """One way of making lists, as a scorer of the protocol: items score by their rank.

    Attributes:
        name: In the table.
        shared: Gives the scores.
        policy: What the lists should be.
        make: Makes them.
        new: Share of new items in each list's first K, batch by batch.
    """

    name: str
    shared: Shared
    policy: ListPolicy
    make: Make = make_lists
    new: list[NDArray[np.float64]] = field(default_factory=list, init=False, repr=False)

    def fit(self, past: Interactions, catalogue: Catalogue, day: int) -> None:
        """The scorer's own."""
        self.shared.fit(past, catalogue, day)

    def scores(self, past: Interactions, users: NDArray[np.int32], day: int) -> NDArray[np.float32]:
        """-rank for what is listed, -inf for the rest."""
        scores, items = self.shared.scores(past, users, day), self.shared.items(past, day)
        rows = self.make(Scores(scores), self.policy, items).rows
        are_new = np.append(items.are_new, np.False_)  # the last is NO_ROW's
        self.new.append(are_new[rows[:, :K]].mean(axis=1))
        ranked = np.full((len(users), scores.shape[1] + 1), -np.inf, np.float32)
        np.put_along_axis(ranked, rows, -np.arange(rows.shape[1], dtype=np.float32)[None], axis=1)
        return ranked[:, :-1]

    def seconds(self, past: Interactions, users: NDArray[np.int32], day: int) -> float:
        """Of making the lists of users whose scores are there."""
        scores, items = self.shared.scores(past, users, day), self.shared.items(past, day)
        start = perf_counter()
        self.make(Scores(scores), self.policy, items)
        return perf_counter() - start


def ways(history: History, scorer: InterestScorer) -> Iterator[Way]:
    """By score alone; both methods, by strength; a share of new items."""
    vectors, n_items = history.catalogue.vectors, len(history.catalogue)
    nothing = np.full(n_items, NO_ROW, np.int32), np.zeros(n_items, np.bool_)
    shared = Shared(scorer, ListedItems.of(vectors, *nothing).directions)
    yield Way(BY_SCORE, shared, ListPolicy(LENGTH))
    for strength in STRENGTHS:
        policy = ListPolicy(LENGTH, diversity=strength)
        yield Way(f"determinants {strength}", shared, policy)
        yield Way(f"marginal relevance {strength}", shared, policy, by_marginal_relevance)
    for share in SHARES:
        yield Way(f"new items {share}", shared, ListPolicy(LENGTH, new_item_share=share))


def measured(history: History, scorer: InterestScorer, max_user_days: int) -> Table:
    """A row a way; target `new`, all users."""
    since, until = last_fifth(history.interactions)
    compared = list(ways(history, scorer))
    met = replay(
        history.interactions,
        history.catalogue,
        len(history.user_keys),
        compared,
        since,
        until,
        ks=(K,),
        targets=("new",),
        max_user_days=max_user_days,
    )
    headings = ("beside by score", f"diversity@{K}", f"coverage@{K}", f"new@{K}", "s per 1,000")
    table = Table("way", f"ndcg@{K}", *headings)
    users = np.arange(min(TIMED, len(history.user_keys)), dtype=np.int32)
    for way in compared:
        seconds = way.seconds(history.interactions, users, until) * 1_000 / len(users)
        table.add_row(way.name, *_cells(met, way), f"{seconds:.2f}")
    return table


def _cells(met: Replay, way: Way) -> Iterator[str]:
    """NDCG, its paired difference with an interval, diversity, coverage, share of new items."""
    judged = judge(met, "new", way.name, "all")
    ndcg = METRICS["ndcg"].measure(judged)
    by_score = METRICS["ndcg"].measure(judge(met, "new", BY_SCORE, "all"))
    users = met.user_days.users[in_segment(met, "new", "all")]
    paired = difference(ndcg, by_score, users)
    yield f"{ndcg.mean():.4f}"
    yield f"{paired.mean:+.4f} [{paired.low:+.4f}, {paired.high:+.4f}]"
    for name in ("diversity", "coverage"):
        yield f"{np.nanmean(METRICS[name].measure(judged)):.3f}"
    yield f"{np.concatenate(way.new).mean():.3f}"


def main(folder: Path, preset: str = "shop", sample: int = 2_000) -> None:
    """Replay a SAMPLE of FOLDER's last user-days."""
    with taken_folder(folder, preset) as (_, settings, history):
        scorer = InterestScorer("content", ZeroShot.of(preset_of(settings)), history.vectors)
        Console(width=120).print(measured(history, scorer, sample))


if __name__ == "__main__":
    typer.run(main)
