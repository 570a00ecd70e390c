"""What a training with differential privacy is worth, by epsilon, beside the zero-shot model.

    python -m benchmarks.private_training FOLDER --preset shop [--trends 8] [--draws 3]

takes a folder in the source contract as a night takes it, tells the counts of its days with noise
of epsilon TRENDS a user-day, and trains on what precedes the last four weeks, as `ebbtide train`
does with `model_epsilon`: by the same functions, with several keys for each epsilon. Told on the
last four weeks, for target `new`, without noise: NDCG@10, a user as much as another, and its gain
on the zero-shot model with the 95% interval over users; and how often of the draws the training
itself, which judges with noise too, let its model serve.
"""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray
from rich.console import Console

from benchmarks.noise import Daily, exact, noised, read
from recsys_tasks.interactions import date_of
from recsys_tasks.interest_model import InterestModel, ZeroShot
from recsys_tasks.noise import NoiseKey, Release
from recsys_tasks.settings import preset_of, read_settings
from recsys_tasks.terminal import table
from recsys_tasks.training import TrainingData
from recsys_tasks.training.private import PrivateTraining, learn
from recsys_tasks.training.private.judging import ndcg
from recsys_tasks.trends import ToldDays
from recsys_tasks.warehouse.history import History

EPSILONS = (100.0, 8.0, 4.0, 2.0, 1.0, 0.5)  # the first is as good as no noise
MOST = 5  # items that a person counts in a day at most


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


def trained(
    data: TrainingData, told: ToldDays, n_users: int, until: int, epsilon: float, draw: int
) -> PrivateTraining:
    """As the command does."""
    names = [str(row) for row in range(n_users)]
    release = Release("models", date_of(until - 1), f"{epsilon:g}")
    key = NoiseKey(f"draw {draw}".encode())
    rival = data.zero_shot
    return learn(
        data, told, names, until, rival, key, release, epsilon=epsilon, on_stage=lambda _: None
    )


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
    show(read(folder, preset), preset, trends, draws)


def show(history: History, preset: str, trends: float, draws: int) -> None:
    """A row an epsilon."""
    zero_shot = ZeroShot.of(preset_of(read_settings(preset=preset)))
    told = told_of(noised(history, exact(history), trends, MOST))
    data = TrainingData(
        history.interactions, history.catalogue, history.item_keys, history.vectors, zero_shot
    )
    until = int(history.interactions.days[-1]) + 1
    shown = table("epsilon a user", "NDCG@10 ", "beside zero-shot ", "served ")
    start: NDArray[np.float64] | None = None
    for epsilon in EPSILONS:
        found = [
            trained(data, told, len(history.user_keys), until, epsilon, draw)
            for draw in range(draws)
        ]
        days = range(found[0].trained_until, until)

        def values(model: InterestModel, days: range = days) -> NDArray[np.float64]:
            return ndcg(data, told, model, days)

        if start is None:
            start = values(zero_shot)
            shown.add_row("zero-shot", f"{start.mean():.4f}", "", "")
            title = f"{date_of(days.start)} until {date_of(until)}: {len(start):,} users"
            shown.title = f"{title}, trends of epsilon {trends:g}"
        mean = np.mean([values(one.model) for one in found], axis=0)
        served = sum(one.verdict is not None and one.verdict.ci_low > 0 for one in found)
        shown.add_row(
            f"{epsilon:g}", f"{mean.mean():.4f}", gain(mean, start), f"{served} of {len(found)}"
        )
    Console(width=120).print(shown)


if __name__ == "__main__":
    typer.run(main)
