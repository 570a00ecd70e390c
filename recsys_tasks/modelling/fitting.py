"""The one place where a warehouse's history meets the training of a model."""

import resource
from collections.abc import Callable, Mapping
from pathlib import Path
from time import perf_counter
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from recsys_tasks.interactions import Interactions
from recsys_tasks.interest_model import Learned, ZeroShot
from recsys_tasks.warehouse.history import History

if TYPE_CHECKING:
    from recsys_tasks.reranking import SecondStage
    from recsys_tasks.training import Choice


class Request(NamedTuple):
    """What is asked of a training.

    Attributes:
        seed: Of everything random in it.
        device: Where torch computes.
        checkpoint: File that a training which was cut off goes on from; None to start anew.
        second_stage: Whether a second stage is wanted.
        choice: What an earlier training decided; None to decide anew.
        options: The setting `training`.
    """

    seed: int
    device: str
    checkpoint: Path | None
    second_stage: bool = True
    choice: "Choice | None" = None
    options: Mapping[str, float] = MappingProxyType({})


class Fitted(NamedTuple):
    """What a training made.

    Attributes:
        model: The first stage.
        facts: What it was trained on, in numbers: the column trained_on.
        second: The second stage; None where it did not help, or was not wanted.
        choice: What validation decided; None of a model that was made otherwise.
    """

    model: Learned
    facts: dict[str, float]
    second: "SecondStage | None" = None
    choice: "Choice | None" = None


Fit = Callable[[History, ZeroShot, int, Request], Fitted]


def fit(history: History, zero_shot: ZeroShot, until: int, request: Request) -> Fitted:
    """Train on what precedes a day.

    Args:
        history: Of the warehouse; what happened from `until` on is not handed on.
        zero_shot: Where training starts from.
        until: The day after the last that is learned from.
        request: How.
    """
    from recsys_tasks.training import (  # noqa: PLC0415  seconds to import; only who trains pays
        TrainingData,
        TrainingOptions,
        options_of,
        train,
    )

    past = history.interactions.before(until)
    options = TrainingOptions(
        seed=request.seed,
        device=request.device,
        checkpoint=request.checkpoint,
        second_stage=request.second_stage,
    )
    begun = perf_counter()
    training = train(
        TrainingData(past, history.catalogue, history.item_keys, history.vectors, zero_shot),
        until,
        options_of(request.options, options),
        request.choice,
    )
    facts = {**training.facts._asdict(), **_facts_of(past), "seconds": perf_counter() - begun}
    return Fitted(training.model, facts, training.helpful_second_stage, training.choice)


def _facts_of(past: Interactions) -> dict[str, float]:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # KiB on Linux
    return {
        "days": len(np.unique(past.days)),
        "users": len(np.unique(past.users)),
        "interactions": len(past),
        "peak_memory_mb": peak // 1024,
    }
