"""Contrastive training of the encoder: both ends of a pair come together, others apart.

Softmax over a batch's items (van den Oord, Li and Vinyals, "Representation learning with
contrastive predictive coding", 2018; in sentence-transformers: MultipleNegativesRankingLoss), both
ways round, with hard negatives, and without what may belong to a pair. Texts are pulled towards
where the base has them. accelerate spreads a step over processes; each tells apart the items of its
own part of the batch.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, normalize

from recsys_tasks.finetuning.adapters import LORA_PACE, trainable
from recsys_tasks.finetuning.batching import Batch, Batches, Material
from recsys_tasks.finetuning.options import TuningOptions
from recsys_tasks.finetuning.progress import Done, Keeper

if TYPE_CHECKING:
    from accelerate import Accelerator
    from sentence_transformers import SentenceTransformer

WARM_UP: Final = 0.1  # of the steps, in which the learning rate rises
HEAD_START: Final = 0.1  # of the steps before the time
LONGEST_GRADIENT: Final = 1.0
Progress = Callable[[int, int], None]  # steps done, and planned


class Tuned(NamedTuple):
    """How a training went.

    Attributes:
        planned: Steps that there were to take.
        seconds: Of training, in all its runs.
        processes: That trained together.
        losses: Of each step that was taken, as the first process had it.
    """

    planned: int
    seconds: float
    processes: int
    losses: list[float]


def tune(
    model: "SentenceTransformer",
    dim: int,
    material: Material,
    options: TuningOptions,
    accelerator: "Accelerator",
    checkpoint: Path | None = None,
    on_progress: Progress | None = None,
) -> Tuned:
    """Train a model's weights in place.

    Args:
        model: The base, in float32.
        dim: First so many coordinates of its vectors count.
        material: What is learned from.
        options: How.
        accelerator: Of this process.
        checkpoint: File that a training which was cut off goes on from, as if it had not been;
            None for none.
        on_progress: Told the steps.
    """
    batches = Batches(material, options)
    planned = options.max_passes * batches.n_steps(accelerator.num_processes)
    height = options.learning_rate * (LORA_PACE if options.lora else 1.0)
    with trainable(model, options) as weights:
        network, optimizer = accelerator.prepare(
            _Reading(model, dim), torch.optim.AdamW(weights, lr=0.0)
        )
        keeper = Keeper(checkpoint, accelerator, network, optimizer, _digest(material, options))
        losses, seconds = keeper.resumed()
        begun = monotonic() - seconds
        network.train()
        while (share := _share(accelerator, len(losses) / planned, begun, options)) < 1:
            step = len(losses)
            for group in optimizer.param_groups:
                group["lr"] = _pace(share) * height
            _draw_anew(options.seed, step, accelerator.process_index)
            batch = batches.of(step, accelerator.process_index, accelerator.num_processes)
            losses.append(_learn(accelerator, network, optimizer, batch, options))
            keeper.keep(Done(losses, monotonic() - begun))
            if on_progress:
                on_progress(len(losses), planned)
    model.eval()
    return Tuned(planned, monotonic() - begun, accelerator.num_processes, losses)


class _Reading(nn.Module):
    """A model as a function of texts' tokens, which several processes can share."""

    def __init__(self, model: "SentenceTransformer", dim: int) -> None:
        super().__init__()
        self.model, self.dim = model, dim

    def forward(self, features: dict[str, Any]) -> Tensor:
        """Unit vectors, (n, dim)."""
        return normalize(self.model(features)["sentence_embedding"][:, : self.dim], dim=1)


def _learn(
    accelerator: "Accelerator",
    network: nn.Module,
    optimizer: Any,  # noqa: ANN401  accelerate wraps it
    batch: Batch,
    options: TuningOptions,
) -> float:
    """Take one step; its loss."""
    model = accelerator.unwrap_model(network).model
    features = {
        name: value.to(accelerator.device) if isinstance(value, Tensor) else value
        for name, value in model.preprocess(batch.texts).items()
    }
    vectors = network(features)
    loss = contrast(vectors, batch, options.scale) + options.pull * drift(vectors, batch)
    accelerator.backward(loss)
    accelerator.clip_grad_norm_(network.parameters(), LONGEST_GRADIENT)
    optimizer.step()
    optimizer.zero_grad()
    return float(loss.detach())


def contrast(vectors: Tensor, batch: Batch, scale: float) -> Tensor:
    """Mean cross-entropy of anchors finding their positives, and of positives their anchors.

    Args:
        vectors: Of the batch's texts, (n_texts, dim).
        batch: The pairs.
        scale: Of cosines.
    """
    n = len(batch.anchors)
    masked = torch.from_numpy(batch.masked).to(vectors.device)
    logits = vectors[batch.anchors] @ vectors[batch.candidates].T * scale
    logits = logits.masked_fill(masked, -torch.inf)
    answers = torch.arange(n, device=vectors.device)
    return (cross_entropy(logits, answers) + cross_entropy(logits[:, :n].T, answers)) / 2


def drift(vectors: Tensor, batch: Batch) -> Tensor:
    """Mean distance of texts from where the base has them: 1 less the cosine."""
    base = torch.from_numpy(batch.base).to(vectors.device)
    return 1 - (vectors * base).sum(dim=1).mean()


def _pace(share: float) -> float:
    """The learning rate's share of its height: it rises, and falls to 0, in straight lines."""
    return min((share + 1e-3) / WARM_UP, (1 - share) / (1 - WARM_UP))


def _share(
    accelerator: "Accelerator", of_steps: float, begun: float, options: TuningOptions
) -> float:
    """How much of the training is over, by steps or by time; 1 is its end.

    Time begins below 0, so that it counts only where it is to run out well before the steps do: a
    training that has enough of it does not depend on the machine's pace. Every process says what
    the first says.
    """
    of_time = (1 + HEAD_START) * (monotonic() - begun) / (60 * options.minutes) - HEAD_START
    over = max(of_steps, of_time) if accelerator.is_main_process else 0.0
    told = torch.tensor([over], dtype=torch.float64, device=accelerator.device)
    return float(accelerator.reduce(told).item())


def _draw_anew(seed: int, step: int, process: int) -> None:
    """Let what a step leaves out depend on nothing but the step."""
    torch.manual_seed(int(np.random.SeedSequence((seed, step, process)).generate_state(1)[0]))


def _digest(material: Material, options: TuningOptions) -> str:
    """Changes with whatever the weights depend on, but for the base."""
    digest = hashlib.sha256(repr((options, material.texts)).encode())
    digest.update(material.pairs.digest.encode())
    digest.update(np.ascontiguousarray(material.vectors).tobytes())
    return digest.hexdigest()
