"""What a training is given: how to go about it, and what to read."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.errors import BadSettings, did_you_mean
from recsys_tasks.interactions import Catalogue, Interactions
from recsys_tasks.interest_model import ZeroShot


@dataclass(frozen=True)
class TrainingOptions:
    """How training goes about it; its memory is bounded by these, not by the history.

    Attributes:
        seed: Equal seeds, data and machine give equal models.
        device: Where torch computes: auto, or torch's name.
        dim: d, coordinates of an interest a half-life.
        n_components: Principal components of the texts' vectors that are read.
        learning_rate: Of AdamW.
        dropout: Share of the history, and of an interest's coordinates, left out in training.
        pull: How strongly projections are held to where they start, the zero-shot model.
        earned_at: g: the decayed count at which half of an item's id counts.
        batch_size: User-days learned from at once.
        most_history: The latest vectors of a user that are read.
        max_passes: Over the examples.
        patience: Passes without a better validation after which training stops.
        max_ranked_days: User-days that the second stage learns from.
        second_stage: Whether there is one.
        without: Parts of the model that are left out, to see what they are worth: `ids`, `trends`,
            `gains` (of event types).
        checkpoint: File that a killed training resumes from; None for none.
    """

    seed: int = 0
    device: str = "auto"
    dim: int = 48
    n_components: int = 128
    learning_rate: float = 3e-3
    dropout: float = 0.3
    pull: float = 0.0
    earned_at: float = 10.0
    batch_size: int = 256
    most_history: int = 300
    max_passes: int = 10
    patience: int = 2
    max_ranked_days: int = 12_000
    second_stage: bool = True
    without: frozenset[str] = frozenset()
    checkpoint: Path | None = None


def options_of(given: Mapping[str, float], options: TrainingOptions) -> TrainingOptions:
    """The options, with those that the setting `training` names.

    Raises:
        BadSettings: There is no such option, or its value cannot be used.
    """
    kinds: dict[str, type[int | float]] = {
        field.name: kind
        for field in fields(TrainingOptions)
        for kind in (int, float)
        if type(field.default) is kind and field.name != "seed"
    }
    for name, value in given.items():
        if name not in kinds:
            nearest = did_you_mean(name, kinds)
            problem = f"RECSYS_TRAINING: {name!r} is none of {', '.join(kinds)}{nearest}"
            raise BadSettings(problem=problem)
        if value < 0 or (kinds[name] is int and (value < 1 or value != int(value))):
            raise BadSettings(problem=f"RECSYS_TRAINING: {name} cannot be {value:g}")
    chosen: dict[str, Any] = {name: kinds[name](value) for name, value in given.items()}
    return replace(options, **chosen)


@dataclass(frozen=True)
class TrainingData:
    """What training reads.

    Attributes:
        interactions: In ascending order of time; items are rows of the catalogue, texts rows of
            `vectors`.
        catalogue: All items.
        item_keys: Names of the items in the model, by row of the catalogue.
        vectors: Of items, by row of the catalogue, then of what users wrote, (n_vectors, dim).
        zero_shot: Where the fit starts from.
    """

    interactions: Interactions
    catalogue: Catalogue
    item_keys: NDArray[np.int32]
    vectors: NDArray[np.float32]
    zero_shot: ZeroShot

    def digest(self, until: int) -> str:
        """Changes with anything before `until` that a fit reads."""
        past = self.interactions.before(until)
        digest = hashlib.sha256(f"{until} {tuple(self.zero_shot)}".encode())
        for array in (*vars(past).values(), self.vectors, self.catalogue.since, self.item_keys):
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()
