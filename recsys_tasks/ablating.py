"""Ablations: what each part of the model is worth, by a model that was trained without it.

All are first stages trained on what precedes the days that candidates are judged on, read only what
they were trained on, and replay the same user-days: what differs is the part.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from recsys_tasks.backtesting import training_of
from recsys_tasks.comparing_decay import ONE_HALF_LIFE
from recsys_tasks.errors import NothingToEvaluate
from recsys_tasks.evaluation import differences
from recsys_tasks.interactions import Interactions, date_of, day_number
from recsys_tasks.interest_scorer import InterestScorer
from recsys_tasks.modelling.comparing import (
    Reading,
    everything,
    first_judged,
    mean_ndcg,
    replayed,
)
from recsys_tasks.presets import Preset
from recsys_tasks.settings import Settings, preset_of, refuse_exact
from recsys_tasks.warehouse import Warehouse
from recsys_tasks.warehouse.history import History, end_of_history, read_history
from recsys_tasks.warehouse.models import StoredModel, serving_model

if TYPE_CHECKING:
    from recsys_tasks.training import TrainingData, TrainingOptions

WHOLE: Final = "nothing"  # what the whole model goes without
SAMPLE: Final = 2_000  # user-days


class Ablation(NamedTuple):
    """A model without a part, beside the whole one.

    Attributes:
        without: The part.
        ndcg: Mean NDCG@10.
        difference: To the whole model's; below 0 where the part is worth something.
        ci_low: Lower end of its paired 95% bootstrap interval over users.
        ci_high: Its upper end.
    """

    without: str
    ndcg: float
    difference: float
    ci_low: float
    ci_high: float


class Ablations(NamedTuple):
    """What was found, as it stands in the serving model's `validation`.

    Attributes:
        since: First day of the replay, which is the first that nothing was learned from.
        until: The day after its last.
        target: `new`, or `all` where lists may repeat whatever the user had.
        n: User-days.
        rows: The whole model first.
    """

    since: date
    until: date
    target: str
    n: int
    rows: list[Ablation]

    @property
    def differences(self) -> dict[str, float]:
        """By part."""
        return {row.without: row.difference for row in self.rows}


def _silent(happened: Interactions) -> Interactions:
    return replace(happened, text_weights=np.zeros_like(happened.text_weights))


def _kind(happened: Interactions) -> Interactions:
    return happened.where(happened.weights >= 0)


@dataclass(frozen=True)
class Case:
    """A model without a part.

    Attributes:
        without: The part.
        data: What it is trained on, and its vectors.
        options: How.
        seen: What it reads of what happened, in training and later.
    """

    without: str
    data: "TrainingData"
    options: "TrainingOptions"
    seen: Callable[[Interactions], Interactions] = everything

    def trained(self, day: int) -> Reading:
        """The first stage, of what precedes a day."""
        from recsys_tasks.training import train  # noqa: PLC0415  seconds to import; only this pays

        data = self.data
        past = replace(data, interactions=self.seen(data.interactions.before(day)))
        model = train(past, day, replace(self.options, second_stage=False)).model
        scorer = InterestScorer(self.without, model, data.vectors)
        return Reading(data.catalogue, scorer, self.seen)


def cases(data: "TrainingData", options: "TrainingOptions") -> Iterator[Case]:
    """The whole model, and one without each part that the data has."""
    happened = data.interactions
    yield Case(WHOLE, data, options)
    blind = replace(data.catalogue, vectors=np.zeros_like(data.catalogue.vectors))
    yield Case("text", replace(data, catalogue=blind, vectors=np.zeros_like(data.vectors)), options)
    for part in ("ids", "trends", "gains"):
        yield Case(part, data, replace(options, without=frozenset({part})))
    one = data.zero_shot.with_half_life(ONE_HALF_LIFE)
    yield Case("several half-lives", replace(data, zero_shot=one), options)
    if happened.text_weights.any():
        yield Case("user texts", data, options, _silent)
    if (happened.weights < 0).any():
        yield Case("negatives", data, options, _kind)


def ablate(
    warehouse: Warehouse,
    settings: Settings,
    *,
    max_user_days: int = SAMPLE,
    on_stage: Callable[[str], None] | None = None,
) -> Ablations:
    """Train and replay without each part; keep what was found with the model that serves.

    Nights go on meanwhile.

    Args:
        warehouse: Of the tenant.
        settings: Its settings.
        max_user_days: Replay a seeded sample of so many.
        on_stage: Told what is being done.

    Raises:
        BadSettings: Noise is wanted for what users share, and exact models are not.
        NoModel: No night has run yet.
        NothingToEvaluate: There is nothing to learn from, or nobody took to anything since.
    """
    refuse_exact(settings, "ablations train")
    tell = on_stage or (lambda _: None)
    tell("reading the history")
    stored, history, until = _read(warehouse, settings)
    since = first_judged(history.interactions, until)
    data, options = training_of(history, settings)
    scorers = []
    for case in cases(data, options):
        tell(f"training without {case.without}")
        scorers.append(case.trained(since))
    tell(f"replaying {date_of(since)} until {date_of(until)}")
    found = _compared(history, scorers, since, until, preset_of(settings), max_user_days)
    rows = [row._asdict() for row in found.rows]
    kept = json.dumps({**found._asdict(), "rows": rows}, default=str)
    with warehouse.transaction(exclusive=True) as session:
        session.execute("keep_ablations", model_key=stored.model_key, ablations=kept)
    return found


def _read(warehouse: Warehouse, settings: Settings) -> tuple[StoredModel, History, int]:
    """The model that serves, what its vectors and the nights know, and the day after the last."""
    with warehouse.transaction(exclusive=True) as session:
        stored, end = serving_model(session), end_of_history(session)
        return stored, read_history(session, preset_of(settings), stored, end), day_number(end)


def _compared(
    history: History,
    scorers: list[Reading],
    since: int,
    until: int,
    preset: Preset,
    max_user_days: int,
) -> Ablations:
    met, target = replayed(history, scorers, since, until, preset, max_user_days)
    parts = [scorer.name for scorer in scorers if scorer.name != WHOLE]
    gaps = differences(met, parts, baselines=[WHOLE], metrics=["ndcg"], segments=["all"])
    if not gaps:
        raise NothingToEvaluate(since=date_of(since), until=date_of(until))
    rows = [
        Ablation(WHOLE, mean_ndcg(met, target, WHOLE), 0.0, 0.0, 0.0),
        *(
            Ablation(
                gap.variant,
                mean_ndcg(met, target, gap.variant),
                gap.difference,
                gap.ci_low,
                gap.ci_high,
            )
            for gap in gaps
        ),
    ]
    return Ablations(date_of(since), date_of(until), target, gaps[0].n, rows)
