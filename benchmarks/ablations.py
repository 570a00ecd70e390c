"""What each part of the model is worth: trained without it, and replayed.

Both stages are trained on what precedes the last 20% of a folder's interactions, once whole and
once without each part, and replay the same sample of user-days.

    python benchmarks/ablations.py FOLDER --preset shop [--no-second-stage]

What `ebbtide models ablate` tells of the first stage on the days that candidates are
judged on. Also told: seconds of training, and the most memory that the process had until then.
"""

import resource
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from benchmarks.databases import made_anew
from recsys_tasks.ablating import WHOLE, Case, cases
from recsys_tasks.backtesting import read_everything, training_of
from recsys_tasks.evaluation import last_fifth, replay
from recsys_tasks.evaluation.intervals import difference
from recsys_tasks.evaluation.judging import in_segment, judge
from recsys_tasks.evaluation.metrics import METRICS
from recsys_tasks.evaluation.replays import Replay
from recsys_tasks.loading import load_folder
from recsys_tasks.modelling.comparing import Reading
from recsys_tasks.settings import Settings, read_settings
from recsys_tasks.training import (
    INTEREST,
    RERANKED,
    SharedTraining,
    TrainedScorer,
)
from recsys_tasks.warehouse import connect, embedded
from recsys_tasks.warehouse.history import History


class Measured(NamedTuple):
    """A case, replayed."""

    name: str
    met: Replay
    seconds: float
    megabytes: int


def measured(case: Case, history: History, max_user_days: int) -> Measured:
    """Train, and replay."""
    since, until = last_fifth(history.interactions)
    data = replace(case.data, interactions=case.seen(case.data.interactions))
    shared = SharedTraining(data, case.options)
    start = perf_counter()
    shared.on(data.interactions.before(since), since)
    seconds = perf_counter() - start
    scorers = [TrainedScorer(name, shared) for name in (INTEREST, RERANKED)]
    met = replay(
        history.interactions,
        history.catalogue,
        len(history.user_keys),
        [Reading(data.catalogue, scorer, case.seen) for scorer in scorers],
        since,
        until,
        ks=(10,),
        targets=("new",),
        max_user_days=max_user_days,
    )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024  # KiB on Linux
    return Measured(case.without, met, seconds, peak)


def cells(found: Measured, whole: Measured, stage: str) -> Iterator[str]:
    """NDCG@10 of all and of warm users, and the paired difference to the whole model."""
    values = {name: _ndcg(one.met, stage, "all") for name, one in (("", found), (WHOLE, whole))}
    yield f"{values[''].mean():.4f}"
    yield f"{_ndcg(found.met, stage, 'warm').mean():.4f}"
    if found.name == WHOLE:
        yield ""
        return
    users = found.met.user_days.users[in_segment(found.met, "new", "all")]
    gap = difference(values[""], values[WHOLE], users)
    yield f"{gap.mean:+.4f} ({gap.low:+.4f} to {gap.high:+.4f})"


def _ndcg(met: Replay, stage: str, segment: str) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    return METRICS["ndcg"].measure(judge(met, "new", stage, segment))  # type: ignore[arg-type]


def main(
    folder: Path, preset: str = "shop", sample: int = 3_000, *, second_stage: bool = True
) -> None:
    """Replay a SAMPLE of FOLDER's last user-days with each part left out."""
    server = embedded.start(Path("var") / "ablations")
    settings = read_settings(dsn=made_anew(server, "ablations"), preset=preset)
    warehouse = connect(settings)
    load_folder(warehouse, folder)
    history = read_everything(warehouse, settings)
    warehouse.close()
    show(history, settings, sample, second_stage=second_stage)


def show(history: History, settings: Settings, sample: int, *, second_stage: bool) -> None:
    """A row a case, as soon as it is measured."""
    data, options = training_of(history, settings)
    stage_headings = ("NDCG@10", "warm", "beside everything")
    stages = (INTEREST, RERANKED) if second_stage else (INTEREST,)
    table = Table("without", *(f"{stage}: {h}" for stage in stages for h in stage_headings))
    table.add_column("train s")
    table.add_column("MB")
    whole = None
    for case in cases(data, replace(options, second_stage=second_stage)):
        found = measured(case, history, sample)
        whole = whole or found
        row = [cell for stage in stages for cell in cells(found, whole, stage)]
        table.add_row(case.without, *row, f"{found.seconds:.0f}", str(found.megabytes))
    Console(width=160).print(table)


if __name__ == "__main__":
    typer.run(main)
