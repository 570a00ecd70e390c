"""What noise costs: lists and trends of a folder for several epsilons, beside exact ones.

    python -m benchmarks.noise FOLDER --preset shop [--sample 10000] [--most 5]

takes a folder in the source contract as a night takes it, makes the counts of every day as the step
accumulate does with RECSYS_PRIVACY (clipped, noised once, by the same functions), and replays a
sample of the last 20% of interactions with the zero-shot model on them. Told for each epsilon:
NDCG@10 of its lists and of decayed popularity alone (target `all`, every user), the paired
difference of the lists to those with exact counts, and how many of the 20 items that trend are
those that trend exactly, a day of the window on average. Then the same at epsilon 1 for other
bounds on what a person counts in a day. Similar items are made of texts: no noise changes them.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import typer
from numpy.typing import NDArray
from rich.console import Console

from benchmarks.folders import taken_folder
from recsys_tasks.decay import retention
from recsys_tasks.evaluation import Scorer, last_fifth, replay
from recsys_tasks.evaluation.intervals import difference
from recsys_tasks.evaluation.judging import in_segment, judge
from recsys_tasks.evaluation.metrics import METRICS
from recsys_tasks.evaluation.replays import Replay
from recsys_tasks.histories import once_a_day
from recsys_tasks.interactions import Catalogue, Interactions, date_of
from recsys_tasks.interest_model import ItemFacts, ZeroShot
from recsys_tasks.interest_scorer import InterestScorer
from recsys_tasks.noise import (
    GRID,
    NoiseKey,
    Release,
    clipped_counts,
    noise,
    noise_in_sums,
    scale_for,
    shrunk,
    variance,
)
from recsys_tasks.settings import preset_of, read_settings
from recsys_tasks.terminal import table
from recsys_tasks.warehouse.history import History

EPSILONS = (8.0, 4.0, 2.0, 1.0, 0.5, 0.1)
BOUNDS = (1, 2, 10)
POPULAR = 7.0  # days, half-life of the baseline
TRENDING = 20
HORIZONS = (7.0, 30.0)
KEY = NoiseKey(b"of no importance: a benchmark")


class Daily(NamedTuple):
    """Counts of every day.

    Attributes:
        name: What they are called.
        first: The first day.
        counts: In users, shape (n_days, n_items).
        noise: Variance of the noise of each; 0 for none.
    """

    name: str
    first: int
    counts: NDArray[np.float32]
    noise: float

    def before(self, day: int, half_lives: tuple[float, ...]) -> NDArray[np.float32]:
        """Decayed counts as the night before a day reads them, shape (n_items, K)."""
        known = self.counts[: day - self.first]
        ages = day - 1 - np.arange(self.first, day)
        doubt = noise_in_sums(np.full(len(ages), self.noise), ages, half_lives)
        return shrunk(known.T @ retention(ages, half_lives), doubt).astype(np.float32)


def exact(history: History) -> Daily:
    """As nights count without noise."""
    taken = once_a_day(history.interactions)
    first, n_items = int(taken.days[0]), len(history.catalogue)
    counts = np.zeros((int(taken.days[-1]) - first + 1, n_items), np.float32)
    np.add.at(counts, (taken.days - first, taken.items), 1)
    return Daily("none", first, counts, 0)


def noised(history: History, exactly: Daily, epsilon: float, most: int) -> Daily:
    """As nights count with noise."""
    taken = once_a_day(history.interactions)
    scale = scale_for(epsilon, most * GRID)
    ids = list(history.catalogue.item_ids)
    counts = np.zeros_like(exactly.counts)
    for row in range(len(counts)):
        day = exactly.first + row
        chosen = taken.days == day
        steps = clipped_counts(taken.users[chosen], taken.items[chosen], len(ids), most)
        release = Release("trends", date_of(day), f"{epsilon} {most}")
        steps += noise(*KEY.words(release, KEY.content(ids, steps), ids), scale)
        counts[row] = steps / GRID
    name = f"{epsilon:g}, {most} items"
    return Daily(name, exactly.first, counts, variance(scale) / GRID**2)


@dataclass
class Noised:
    """The zero-shot model with trends out of counts of days."""

    daily: Daily
    base: InterestScorer
    shared: dict[int, tuple[bytes, NDArray[np.float32]]] = field(repr=False)

    @property
    def name(self) -> str:
        """In the replay."""
        return f"content {self.daily.name}"

    def fit(self, past: Interactions, catalogue: Catalogue, day: int) -> None:
        """As the model itself."""
        self.base.fit(past, catalogue, day)

    def scores(self, past: Interactions, users: NDArray[np.int32], day: int) -> NDArray[np.float32]:
        """The model's; users' sides are the same whatever the noise, and made once."""
        asked = users.tobytes()
        if self.shared.get(0, (b"",))[0] != asked + day.to_bytes(8):
            self.shared[0] = (asked + day.to_bytes(8), self.base.user_side(past, users, day))
        counts = self.daily.before(day, self.base.model.trend_half_lives)
        ages = np.full(len(counts), np.inf, np.float32)
        vectors = self.base.vectors[: len(counts)]  # the catalogue's stand first
        facts = ItemFacts(vectors, counts, ages)
        return self.shared[0][1] @ self.base.item_side(facts).T


@dataclass
class NoisedPopular:
    """Decayed popularity out of counts of days."""

    daily: Daily

    @property
    def name(self) -> str:
        """In the replay."""
        return f"popular {self.daily.name}"

    def fit(self, past: Interactions, catalogue: Catalogue, day: int) -> None:
        """Nothing is learned."""

    def shared_scores(self, past: Interactions, day: int) -> NDArray[np.float32]:
        """Of every user."""
        del past
        return self.daily.before(day, (POPULAR,))[:, 0]

    def scores(self, past: Interactions, users: NDArray[np.int32], day: int) -> NDArray[np.float32]:
        """The same row for each user."""
        counts = self.shared_scores(past, day)
        return np.broadcast_to(counts, (len(users), len(counts)))


def overlap(daily: Daily, exactly: Daily, days: range, horizon: float) -> float:
    """How many of the items that trend are those that trend exactly, as a share."""
    shares = []
    for day in days:
        best, truly = (
            set(np.argsort(-one.before(day, (horizon,))[:, 0], kind="stable")[:TRENDING].tolist())
            for one in (daily, exactly)
        )
        shares.append(len(best & truly) / TRENDING)
    return float(np.mean(shares))


def ndcg(met: Replay, name: str) -> NDArray[np.float64]:
    """Of every user-day."""
    return METRICS["ndcg"].measure(judge(met, "all", name, "all"))


def cells(met: Replay, daily: Daily, exactly: Daily, days: range) -> Iterator[str]:
    """A row of the table."""
    found, truly = (ndcg(met, f"content {one.name}") for one in (daily, exactly))
    users = met.user_days.users[in_segment(met, "all", "all")]
    gap = difference(found, truly, users)
    yield daily.name
    yield f"{found.mean():.4f}"
    yield "" if daily is exactly else f"{gap.mean:+.4f} ({gap.low:+.4f} to {gap.high:+.4f})"
    yield f"{ndcg(met, f'popular {daily.name}').mean():.4f}"
    for horizon in HORIZONS:
        yield f"{overlap(daily, exactly, days, horizon):.2f}"


def main(
    folder: Path,
    preset: str = "shop",
    sample: int = 10_000,
    most: Annotated[int, typer.Option(help="What a person counts in a day at most.")] = 5,
) -> None:
    """Replay a SAMPLE of FOLDER's last user-days with counts of several epsilons."""
    with taken_folder(folder, preset) as (_, _, history):
        show(history, preset, sample, most)


def show(history: History, preset: str, sample: int, most: int) -> None:
    """A row a kind of counts."""
    exactly = exact(history)
    asked = [(epsilon, most) for epsilon in EPSILONS] + [(1.0, bound) for bound in BOUNDS]
    kinds = [exactly, *(noised(history, exactly, *one) for one in asked)]
    zero_shot = ZeroShot.of(preset_of(read_settings(preset=preset)))
    base = InterestScorer("content", zero_shot, history.vectors)
    shared: dict[int, tuple[bytes, NDArray[np.float32]]] = {}
    scorers: list[Scorer] = [
        *(Noised(one, base, shared) for one in kinds),
        *map(NoisedPopular, kinds),
    ]
    since, until = last_fifth(history.interactions)
    met = replay(
        history.interactions,
        history.catalogue,
        len(history.user_keys),
        scorers,
        since,
        until,
        ks=(10,),
        targets=("all",),
        max_user_days=sample,
    )
    title = (
        f"{date_of(since)} until {date_of(until)}: {len(met.user_days):,} user-days of"
        f" {len(met.user_days) + met.n_left_out:,}"
    )
    shown = table(
        *("epsilon, bound", "NDCG@10 ", "beside exact counts ", "popularity alone "),
        *(f"trending, {horizon:g} days " for horizon in HORIZONS),
        title=title,
    )
    for one in kinds:
        shown.add_row(*cells(met, one, exactly, range(since, until, 7)))
    Console(width=140).print(shown)


if __name__ == "__main__":
    typer.run(main)
