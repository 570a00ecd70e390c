"""Fits the network: passes over the examples in time order."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np
import torch
from torch import Tensor

from recsys_tasks.devices import torch_device
from recsys_tasks.interactions import NO_ROW
from recsys_tasks.interest_model import Learned, features_of, n_features_of
from recsys_tasks.training.checkpoints import Checkpoint
from recsys_tasks.training.head_loss import NEVER_LISTED, head_loss
from recsys_tasks.training.network import Batch, Network, Shape
from recsys_tasks.training.options import TrainingData, TrainingOptions
from recsys_tasks.training.prepared import Prepared, prepared
from recsys_tasks.trends import Trends

TREND_HALF_LIVES: Final = (0.5, 1.0, 3.0, 7.0, 30.0, 365.0)
FIRST_TAU: Final = 0.2  # of logarithms of trends, before anything is learned
PARTS: Final = {
    "ids": ("in_ids", "out_ids"),
    "trends": ("tau", "tau_by_mass"),
    "gains": ("log_gains",),
}
MOST_FACTS: Final = 1 << 28  # numbers kept of days that a pass will meet again


class _DayFacts(NamedTuple):
    """Of a day's items: features (n_items, F), what ids have earned, and which do not exist."""

    features: Tensor
    earned: Tensor
    absent: Tensor


class Fitting:
    """One fit: the network, and what it learns from."""

    def __init__(self, data: TrainingData, until: int, options: TrainingOptions) -> None:
        """Prepare to learn from what precedes `until`."""
        self._options, self._data = options, data
        self._device = torch_device(options.device)
        self._read = prepared(data, until, options)
        network = _network(data, self._read, options)
        self._network = network.to(self._device)
        self._start = [parameter.detach().clone() for parameter in (network.p_in, network.p_out)]
        self._optimizer = torch.optim.AdamW(
            network.parameters(), lr=options.learning_rate, weight_decay=0
        )
        self._facts: dict[int, _DayFacts] = {}
        name = f"{data.digest(until)} {replace(options, checkpoint=None)}"
        self._checkpoint = Checkpoint(options.checkpoint, name)

    @property
    def n_examples(self) -> int:
        """User-days that are learned from."""
        return len(self._read.examples)

    def passes(self, n: int) -> Iterator[Learned]:
        """Go through the examples `n` times, if there are any; the model after each time.

        What a checkpoint of the same data and options holds is not learned again.
        """
        done, optimizer = self._checkpoint.passes(self._device)
        for number in range(n if self.n_examples else 0):
            if number < len(done):
                self._network.load_state_dict(done[number])
            else:
                if number == len(done) > 0:
                    self._optimizer.load_state_dict(optimizer)
                self._pass(number)
                self._checkpoint.add(self._network.state_dict(), self._optimizer.state_dict())
            yield self.model()

    def model(self) -> Learned:
        """The parameters now; an item that nobody had to do with yet has no id."""
        learned = self._network.learned(
            self._read.centre,
            self._data.item_keys,
            self._read.type_keys,
            self._options.earned_at,
        )
        past = self._read.past
        is_met = np.zeros((len(self._data.catalogue), 1), np.float32)
        is_met[past.items[past.items != NO_ROW]] = 1
        return replace(learned, in_ids=learned.in_ids * is_met, out_ids=learned.out_ids * is_met)

    def scores(self, start: int, stop: int, trends: Trends) -> Tensor:
        """Of all items, for the examples at the places [start, stop): (stop - start, n_items).

        Args:
            start: The first example.
            stop: The one after the last.
            trends: Read up to the day of the first example at most.
        """
        return self._scores(self._batch(start, stop), start, stop, trends)

    def _pass(self, number: int) -> None:
        """Learn from every example once, in time order."""
        torch.manual_seed(self._options.seed + number)
        self._network.train()
        trends = Trends(self._data.catalogue, TREND_HALF_LIVES)
        for start in range(0, self.n_examples, self._options.batch_size):
            stop = min(start + self._options.batch_size, self.n_examples)
            loss = self._loss(start, stop, trends) + self._pull()
            self._optimizer.zero_grad()
            torch.autograd.backward(loss)
            self._optimizer.step()
        self._network.eval()

    def _loss(self, start: int, stop: int, trends: Trends) -> Tensor:
        """Of the examples at the places [start, stop)."""
        batch = self._batch(start, stop)
        listed = self._without_touched(self._scores(batch, start, stop, trends), batch)
        return head_loss(listed, self._read.examples.between(start, stop))

    def _scores(self, batch: Batch, start: int, stop: int, trends: Trends) -> Tensor:
        """As `scores`, of a batch that is made already."""
        examples = self._read.examples.between(start, stop)
        interests, masses = self._network.users(batch)
        by_text, by_id = self._network.personal(interests)
        taus = self._network.taus(masses)
        days, sizes = np.unique(examples.days, return_counts=True)
        # Split, not sliced: the gradient of each slice would be as large as the whole.
        parts = (torch.split(part, sizes.tolist()) for part in (by_text, by_id, taus))
        scores = []
        for day, text, ids, tau in zip(days, *parts, strict=True):
            facts = self._facts_of(int(day), trends)
            of_day = text + ids * facts.earned + tau @ facts.features.T
            scores.append(of_day.masked_fill(facts.absent, NEVER_LISTED))
        return torch.cat(scores)

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
        return torch.as_tensor(self._options.pull * gone)

    def _batch(self, start: int, stop: int) -> Batch:
        """The histories of the examples at the places [start, stop)."""
        events, days = self._read.events, self._read.examples.days[start:stop]
        begins, ends = self._read.begins[start:stop], self._read.ends[start:stop]
        offsets = np.concatenate([[0], np.cumsum(ends - begins)])
        owners = np.repeat(np.arange(stop - start), ends - begins)
        places = np.arange(offsets[-1]) + (begins - offsets[:-1])[owners]
        columns = (
            events.rows[places].astype(np.int64),
            events.weights[places],
            events.types[places].astype(np.int64) * 3 + events.kinds[places],
            (days[owners] - events.times[places]).astype(np.float32),
            offsets[:-1],
            owners,
        )
        return Batch(*(torch.from_numpy(column).to(self._device) for column in columns))

    def _facts_of(self, day: int, trends: Trends) -> _DayFacts:
        """Of a day's items; kept for the next pass while there is room."""
        if day in self._facts:
            return self._facts[day]
        items = trends.before(self._read.past.before(day), day)
        evidence = items.counts[:, -1]
        arrays = (
            features_of(items),
            evidence / (evidence + np.float32(self._options.earned_at)),
            self._data.catalogue.since > day,
        )
        facts = _DayFacts(*(torch.from_numpy(array).to(self._device) for array in arrays))
        if (len(self._facts) + 1) * facts.features.numel() <= MOST_FACTS:
            self._facts[day] = facts
        return facts


def _network(data: TrainingData, read: Prepared, options: TrainingOptions) -> Network:
    """The network before anything is learned."""
    shape = Shape(
        n_items=len(data.catalogue),
        n_types=len(read.type_keys),
        n_features=n_features_of(len(TREND_HALF_LIVES)),
        dim=options.dim,
        half_lives=data.zero_shot.half_lives,
        trend_half_lives=TREND_HALF_LIVES,
    )
    network = Network(
        shape,
        torch.from_numpy(read.vectors),
        torch.from_numpy(read.basis),
        options.dropout,
        torch.Generator().manual_seed(options.seed),
    )
    with torch.no_grad():
        network.tau[: len(TREND_HALF_LIVES)] = FIRST_TAU
        for part in options.without:
            for name in PARTS[part]:
                # A parameter of 0 is as if it were not there.
                parameter = network.get_parameter(name)
                parameter.zero_()
                parameter.requires_grad = False
    return network
