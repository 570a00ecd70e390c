"""Fits the network: passes over the examples in time order, each day predicted before it is learned.

The loss is softmax over the head of the list: a user-day's items against the `HEAD` items that the
model itself puts first. The whole catalogue's softmax spends its fit on the tail, where no list
ever reaches (measured: docs/model.md).
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from recsys_tasks.interactions import Catalogue, Interactions
from recsys_tasks.interest_model import (
    Learned,
    ZeroShot,
    centre_of,
    features_of,
    n_features_of,
)
from recsys_tasks.training.examples import Events, Examples, events_of, examples_of
from recsys_tasks.training.network import Batch, Network, Shape
from recsys_tasks.trends import Trends

HEAD: Final = 200  # items that compete for the head of a list
OUTSIDE: Final = 0.1  # how much an item counts that the head does not hold
SKIPPED: Final = 0.15  # of the interactions: too little lies before them to predict from
NEVER_LISTED: Final = -1e9
TREND_HALF_LIVES: Final = (0.5, 1.0, 3.0, 7.0, 30.0, 365.0)
FIRST_TAU: Final = 0.2  # of logarithms of trends, before anything is learned
MOST_FACTS: Final = 1 << 28  # numbers kept of days that a pass will meet again


@dataclass(frozen=True)
class TrainingOptions:
    """How training goes about it; its memory is bounded by these, not by the history.

    Attributes:
        seed: Equal seeds, data and machine give equal models.
        device: Where torch computes.
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
        checkpoint: File that a killed training resumes from; None for none.
    """

    seed: int = 0
    device: str = "cpu"
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
    checkpoint: Path | None = None


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


class _DayFacts(NamedTuple):
    """Of a day's items: features (n_items, F), what ids have earned, and which do not exist."""

    features: Tensor
    earned: Tensor
    absent: Tensor


class Fitting:
    """One fit: the network, and what it learns from."""

    def __init__(self, data: TrainingData, until: int, options: TrainingOptions) -> None:
        """Prepare to learn from what precedes `until`."""
        self.options = options
        self._data, self._until = data, until
        self._past = data.interactions.before(until)
        self._type_keys = np.unique(self._past.types)
        catalogue, n_items = data.catalogue, len(data.catalogue)
        self._centre = centre_of(catalogue.vectors[catalogue.since < until])
        has_text = data.vectors.any(axis=1)
        centred = np.where(has_text[:, None], data.vectors - self._centre, 0).astype(np.float32)
        basis = _principal_components(
            centred[:n_items][has_text[:n_items] & (catalogue.since < until)],
            options.n_components,
        )
        is_known = has_text.copy()
        is_known[:n_items] = True  # by its id
        n_users = int(self._past.users.max(initial=-1)) + 1
        self._events = events_of(self._past, self._type_keys, is_known, n_users)
        first = _quantile_day(self._past, SKIPPED)
        self._examples = examples_of(self._past, first, until)
        self._begins, self._ends = _histories_of(self._events, self._examples, options.most_history)
        generator = torch.Generator().manual_seed(options.seed)
        shape = Shape(
            n_items,
            len(self._type_keys),
            n_features_of(len(TREND_HALF_LIVES)),
            options.dim,
            data.zero_shot.half_lives,
            TREND_HALF_LIVES,
        )
        network = Network(
            shape,
            torch.from_numpy(centred @ basis),
            torch.from_numpy(basis),
            options.dropout,
            generator,
        )
        with torch.no_grad():
            network.tau[: len(TREND_HALF_LIVES)] = FIRST_TAU
        self._network = network.to(options.device)
        self._start = [parameter.detach().clone() for parameter in (network.p_in, network.p_out)]
        self._optimizer = torch.optim.AdamW(
            network.parameters(), lr=options.learning_rate, weight_decay=0
        )
        self._facts: dict[int, _DayFacts] = {}
        self._n_passes = 0

    @property
    def n_examples(self) -> int:
        """User-days that are learned from."""
        return len(self._examples)

    def passes(self, n: int) -> Iterator[Learned]:
        """Go through the examples up to `n` times; the model after each time.

        A checkpoint of the same data and options is resumed: passes that it holds are not yielded
        again.
        """
        self._resume()
        while self._n_passes < n and len(self._examples):
            self._pass()
            self._n_passes += 1
            self._save()
            yield self.model()

    def model(self) -> Learned:
        """The parameters now."""
        return self._network.learned(
            self._centre, self._data.item_keys, self._type_keys, self.options.earned_at
        )

    def _pass(self) -> None:
        """Learn from every example once, in time order."""
        torch.manual_seed(self.options.seed + self._n_passes)
        self._network.train()
        trends = Trends(self._data.catalogue, TREND_HALF_LIVES)
        for start in range(0, len(self._examples), self.options.batch_size):
            stop = min(start + self.options.batch_size, len(self._examples))
            loss = self._loss(start, stop, trends) + self._pull()
            self._optimizer.zero_grad()
            loss.backward()
            self._optimizer.step()
        self._network.eval()

    def _loss(self, start: int, stop: int, trends: Trends) -> Tensor:
        """Of the examples at the places [start, stop)."""
        examples, batch = self._examples.between(start, stop), self._batch(start, stop)
        interests, masses = self._network.users(batch)
        by_text, by_id = self._network.personal(interests)
        taus = self._network.taus(masses)
        days, firsts = np.unique(examples.days, return_index=True)
        scores = []
        for day, first, last in zip(days, firsts, [*firsts[1:], len(examples)], strict=True):
            facts, those = self._facts_of(int(day), trends), slice(first, last)
            of_day = by_text[those] + by_id[those] * facts.earned + taus[those] @ facts.features.T
            scores.append(of_day.masked_fill(facts.absent, NEVER_LISTED))
        listed = self._without_touched(torch.cat(scores), batch)
        return _head_loss(listed, examples)

    def _without_touched(self, scores: Tensor, batch: Batch) -> Tensor:
        """Lists leave out what their users touched, so it competes with nothing."""
        are_items = batch.rows < scores.shape[1]
        touched = torch.zeros_like(scores, dtype=torch.bool)
        touched[batch.owners[are_items], batch.rows[are_items]] = True
        return scores.masked_fill(touched, NEVER_LISTED)

    def _pull(self) -> Tensor:
        """What it costs that projections have left the zero-shot model."""
        now = (self._network.p_in, self._network.p_out)
        gone = sum(((p - start) ** 2).sum() for p, start in zip(now, self._start, strict=True))
        return torch.as_tensor(self.options.pull * gone)

    def _batch(self, start: int, stop: int) -> Batch:
        """The histories of the examples at the places [start, stop)."""
        begins, ends = self._begins[start:stop], self._ends[start:stop]
        offsets = np.concatenate([[0], np.cumsum(ends - begins)])
        owners = np.repeat(np.arange(stop - start), ends - begins)
        places = np.arange(offsets[-1]) + (begins - offsets[:-1])[owners]
        events, days = self._events, self._examples.days[start:stop]
        columns = (
            events.rows[places].astype(np.int64),
            events.weights[places],
            events.types[places].astype(np.int64) * 3 + events.kinds[places],
            (days[owners] - events.times[places]).astype(np.float32),
            offsets[:-1],
            owners,
        )
        return Batch(*(torch.from_numpy(column).to(self.options.device) for column in columns))

    def _facts_of(self, day: int, trends: Trends) -> _DayFacts:
        """Of a day's items; kept for the next pass while there is room."""
        if day in self._facts:
            return self._facts[day]
        items = trends.before(self._past.before(day), day)
        evidence = items.counts[:, -1]
        arrays = (
            features_of(items),
            evidence / (evidence + np.float32(self.options.earned_at)),
            self._data.catalogue.since > day,
        )
        facts = _DayFacts(*(torch.from_numpy(array).to(self.options.device) for array in arrays))
        if (len(self._facts) + 1) * facts.features.numel() <= MOST_FACTS:
            self._facts[day] = facts
        return facts

    def _save(self) -> None:
        """Write a checkpoint, whole or not at all."""
        path = self.options.checkpoint
        if path is None:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        state = {
            "what": self._what(),
            "n_passes": self._n_passes,
            "network": self._network.state_dict(),
            "optimizer": self._optimizer.state_dict(),
        }
        torch.save(state, part)
        part.replace(path)

    def _resume(self) -> None:
        """Go on from the checkpoint of a killed run, if it is of the same fit."""
        path = self.options.checkpoint
        if path is None or not path.exists() or self._n_passes:
            return
        state = torch.load(path, map_location=self.options.device, weights_only=True)
        if state["what"] == self._what():
            self._network.load_state_dict(state["network"])
            self._optimizer.load_state_dict(state["optimizer"])
            self._n_passes = state["n_passes"]

    def _what(self) -> str:
        """Names the fit: data, day and options that change what comes out."""
        return f"{self._data.digest(self._until)} {replace(self.options, checkpoint=None)}"


def _head_loss(scores: Tensor, examples: Examples) -> Tensor:
    """Mean negative log likelihood of the targets against the head of each user-day's list.

    A user-day with t targets counts as sqrt(t): more than one with a single target, less than t.
    """
    device = scores.device
    n_targets = np.diff(examples.pointers)
    rows = torch.from_numpy(np.repeat(np.arange(len(examples)), n_targets)).to(device)
    items = torch.from_numpy(examples.targets.astype(np.int64)).to(device)
    head = scores.topk(min(HEAD, scores.shape[1]), dim=1).values
    everyone, reached = head.logsumexp(dim=1)[rows], scores[rows, items]
    is_inside = reached >= head[rows, -1]
    against = torch.where(is_inside, everyone, torch.logaddexp(everyone, reached))
    weights = torch.from_numpy(np.repeat(n_targets**-0.5, n_targets).astype(np.float32)).to(device)
    weights = weights * torch.where(is_inside, 1.0, OUTSIDE) * (reached > NEVER_LISTED / 2)
    return (weights * (against - reached)).sum() / weights.sum().clamp(min=1e-9)


def _principal_components(vectors: NDArray[np.float32], n: int) -> NDArray[np.float32]:
    """The first n, or as many as there are coordinates, as columns of shape (dim, n)."""
    _, components = np.linalg.eigh(vectors.T @ vectors)
    return np.ascontiguousarray(components[:, ::-1][:, :n], np.float32)


def _histories_of(
    events: Events, examples: Examples, most: int
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Where the events of each example's user before its day begin and end, at most `most`."""
    span = float(events.times.max(initial=0)) + 2
    owners = np.repeat(np.arange(len(events.starts) - 1), np.diff(events.starts))
    keys = owners * span + events.times
    ends = np.searchsorted(keys, examples.users * span + examples.days)
    return np.maximum(events.starts[examples.users], ends - most), ends


def _quantile_day(interactions: Interactions, share: float) -> int:
    """The day on which a share of the interactions lies behind."""
    return int(interactions.days[int(share * len(interactions))]) if len(interactions) else 0
