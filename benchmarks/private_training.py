"""What a training with differential privacy is worth, by epsilon, beside the zero-shot model.

    python -m benchmarks.private_training FOLDER --preset shop [--trends 8] [--draws 3]

takes a folder in the source contract as a night takes it, tells the counts of its days with noise
of epsilon TRENDS a user-day, and trains on what precedes the last four weeks, as `ebbtide train`
does with `model_epsilon`: by the same functions, with several keys for each epsilon. What is the
same whatever the epsilon is read and judged once; of a folder of more users than a training draws,
all draw the same. Told on the last four weeks, for target `new`, without noise: NDCG@10, a user as
much as another, and its gain on the zero-shot model with the 95% interval over users; and how often
of the draws the training itself, which judges with noise too, let its model serve.

Above them, on the same days, what a shop without RECSYS_PRIVACY has: the zero-shot model, the
learned one and that with its second stage (where validation likes them better, as in a backtest),
trained by the ordinary training with seed 0 on the same days, on trends that nobody noised.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray
from rich.console import Console

from benchmarks.folders import taken_folder
from benchmarks.noise import Daily, exact, noised
from recsys_tasks.evaluation import Replay, replay
from recsys_tasks.evaluation.judging import in_segment
from recsys_tasks.evaluation.judging import judge as judge_lists
from recsys_tasks.evaluation.metrics import METRICS
from recsys_tasks.interactions import date_of
from recsys_tasks.interest_model import ZeroShot
from recsys_tasks.interest_scorer import InterestScorer
from recsys_tasks.noise import NoiseKey, Release, concentrated
from recsys_tasks.settings import preset_of, read_settings
from recsys_tasks.terminal import table
from recsys_tasks.training import (
    INTEREST,
    RERANKED,
    SharedTraining,
    TrainedScorer,
    TrainingData,
    TrainingOptions,
)
from recsys_tasks.training.private import Lesson
from recsys_tasks.training.private.judging import judge
from recsys_tasks.training.private.learning import COUNTED, DELTA, JUDGED, drawn, judged_days
from recsys_tasks.training.private.releasing import Telling
from recsys_tasks.trends import ToldDays
from recsys_tasks.warehouse.history import History

EPSILONS = (100.0, 8.0, 4.0, 2.0, 1.0, 0.5)  # the first is as good as no noise
MOST = 5  # items that a person counts in a day at most
EXACT = {
    "content": "zero-shot, exact trends",
    INTEREST: "learned without noise",
    RERANKED: "and its second stage",
}


def told_of(daily: Daily) -> ToldDays:
    """Counts of days as a training reads them."""
    days, items = np.nonzero(daily.counts)
    n_days = len(daily.counts)
    return ToldDays(
        (days + daily.first).astype(np.int32),
        items.astype(np.int32),
        daily.counts[days, items],
        np.arange(daily.first, daily.first + n_days, dtype=np.int32),
        np.full(n_days, daily.noise),
    )


def lesson_of(history: History, zero_shot: ZeroShot, trends: float) -> Lesson:
    """What every training learns from and is judged on."""
    told = told_of(noised(history, exact(history), trends, MOST))
    data = data_of(history, zero_shot)
    until = int(history.interactions.days[-1]) + 1
    names = [str(row) for row in range(len(history.user_keys))]
    key, release = key_of(0), release_of(until, EPSILONS[0])
    rho = concentrated(EPSILONS[0], DELTA) * COUNTED / 2
    theirs = drawn(data, names, key, release, Telling(key, release), rho)
    return Lesson.of(theirs, told, judged_days(told, until))


def data_of(history: History, zero_shot: ZeroShot) -> TrainingData:
    """All that happened."""
    return TrainingData(
        history.interactions, history.catalogue, history.item_keys, history.vectors, zero_shot
    )


def without_noise(
    history: History, zero_shot: ZeroShot, days: range
) -> Iterator[tuple[str, NDArray[np.float64]]]:
    """NDCG@10 of users by each model of a shop that noises nothing; the zero-shot one first."""
    data = data_of(history, zero_shot)
    shared = SharedTraining(data, TrainingOptions(device="cpu"))
    met = replay(
        data.interactions,
        data.catalogue,
        len(history.user_keys),
        [
            InterestScorer("content", zero_shot, data.vectors),
            TrainedScorer(INTEREST, shared),
            TrainedScorer(RERANKED, shared),
        ],
        days.start,
        days.stop,
        ks=(10,),
        targets=("new",),
    )
    for name, shown in EXACT.items():
        yield shown, of_users(met, name)


def of_users(met: Replay, name: str) -> NDArray[np.float64]:
    """NDCG@10 of each user, the mean over their days."""
    values = METRICS["ndcg"].measure(judge_lists(met, "new", name, "all"))
    users = met.user_days.users[in_segment(met, "new", "all")]
    _, rows, sizes = np.unique(users, return_inverse=True, return_counts=True)
    return np.bincount(rows, values, len(sizes)) / sizes


def key_of(draw: int) -> NoiseKey:
    """What the noise of a draw is made of."""
    return NoiseKey(f"draw {draw}".encode())


def release_of(until: int, epsilon: float) -> Release:
    """What a training is told as."""
    return Release("models", date_of(until - 1), f"{epsilon:g}")


def trained(
    lesson: Lesson, start: NDArray[np.float64], epsilon: float, draw: int
) -> tuple[NDArray[np.float64], bool]:
    """NDCG@10 of users, and whether the model would serve, as the command finds it."""
    telling = Telling(key_of(draw), release_of(lesson.days.stop, epsilon))
    rho = concentrated(epsilon, DELTA)
    model, _ = lesson.learned(telling, rho)
    found = lesson.ndcg(model)
    verdict = judge(found, start, telling, rho * JUDGED)
    return found, verdict is not None and verdict.ci_low > 0


def gain(found: NDArray[np.float64], start: NDArray[np.float64]) -> str:
    """The mean difference over users, with its interval."""
    gaps = found - start
    width = 1.96 * gaps.std() / np.sqrt(len(gaps))
    return f"{gaps.mean():+.4f} ({gaps.mean() - width:+.4f} to {gaps.mean() + width:+.4f})"


def main(
    folder: Path,
    preset: str = "shop",
    trends: Annotated[float, typer.Option(help="Epsilon of trends, a user-day.")] = 8.0,
    draws: Annotated[int, typer.Option(help="Keys for each epsilon.")] = 3,
) -> None:
    """Train on FOLDER with several epsilons, and judge on its last weeks."""
    with taken_folder(folder, preset) as (_, _, history):
        show(history, preset, trends, draws)


def show(history: History, preset: str, trends: float, draws: int) -> None:
    """A row a model; how far it is, on the way."""
    console, zero_shot = Console(width=120), ZeroShot.of(preset_of(read_settings(preset=preset)))
    lesson = lesson_of(history, zero_shot, trends)
    shown = table("epsilon a user", "users ", "NDCG@10 ", "beside zero-shot ", "served ")
    days = lesson.days
    shown.title = (
        f"{date_of(days.start)} until {date_of(days.stop)}, learned from"
        f" {len(lesson.read.starts):,} users, trends of epsilon {trends:g}"
    )
    for row in rows_of(lesson, history, zero_shot, draws):
        console.print(*row, highlight=False)
        shown.add_row(*row)
    console.print(shown)


def rows_of(
    lesson: Lesson, history: History, zero_shot: ZeroShot, draws: int
) -> Iterator[tuple[str, ...]]:
    """Models without noise, each beside the first of them; then a row an epsilon."""
    exactly = [*without_noise(history, zero_shot, lesson.days)]
    for name, found in exactly:
        gained = "" if found is exactly[0][1] else gain(found, exactly[0][1])
        yield name, f"{len(found):,}", f"{found.mean():.4f}", gained, ""
    start = lesson.ndcg(zero_shot)
    yield "zero-shot", f"{len(start):,}", f"{start.mean():.4f}", "", ""
    for epsilon in EPSILONS:
        drawn = [trained(lesson, start, epsilon, draw) for draw in range(draws)]
        mean = np.mean([values for values, _ in drawn], axis=0)
        served = f"{sum(serves for _, serves in drawn)} of {draws}"
        yield f"{epsilon:g}", f"{len(mean):,}", f"{mean.mean():.4f}", gain(mean, start), served


if __name__ == "__main__":
    typer.run(main)
