"""The learned model as a network: all user-days of a batch at once, with gradients.

It computes what `Learned` computes (tested), for every parameter that is learned.
"""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from recsys_tasks.interest_model import Learned


class Shape(NamedTuple):
    """Sizes of a network.

    Attributes:
        n_items: Of the catalogue.
        n_types: Of event types.
        n_features: F of `features_of`.
        dim: Coordinates of an interest a half-life: d.
        half_lives: In days, at the start.
        trend_half_lives: In days.
    """

    n_items: int
    n_types: int
    n_features: int
    dim: int
    half_lives: tuple[float, ...]
    trend_half_lives: tuple[float, ...]


class Batch(NamedTuple):
    """B user-days.

    Attributes:
        rows: Of the vectors of their histories, one after the other, shape (n,).
        weights: As the preset gives them, shape (n,).
        gains: Place in the flattened (T, 3) table of gains, shape (n,).
        ages: In days, at the end of the night before, shape (n,).
        offsets: Where each history begins, shape (B,).
        owners: The user-day of each row, shape (n,).
    """

    rows: Tensor
    weights: Tensor
    gains: Tensor
    ages: Tensor
    offsets: Tensor
    owners: Tensor


class Network(nn.Module):
    """The score of every item for every user-day, but for what belongs to the day."""

    vectors: Tensor
    basis: Tensor

    def __init__(
        self,
        shape: Shape,
        vectors: Tensor,
        basis: Tensor,
        dropout: float,
        generator: torch.Generator,
    ) -> None:
        """Start from the zero-shot model.

        Args:
            shape: Sizes.
            vectors: Of texts, centred, in the coordinates of `basis`: items, then what users wrote,
                shape (n_vectors, r); zero rows where there is none.
            basis: Orthonormal, of the text vectors' principal components, shape (dim_text, r).
            dropout: Share of an interest's coordinates, and of the history, left out in training.
            generator: Of the first id vectors.
        """
        super().__init__()
        self.shape = shape
        n_half_lives, r = len(shape.half_lives), vectors.shape[1]
        self.register_buffer("vectors", vectors, persistent=False)
        self.register_buffer("basis", basis, persistent=False)
        start = torch.eye(r, shape.dim)
        self.p_in = nn.Parameter(start.clone())
        self.p_out = nn.Parameter(start.repeat(1, n_half_lives))
        self.in_ids = nn.Parameter(
            torch.randn(shape.n_items, shape.dim, generator=generator) * 0.02
        )
        self.out_ids = nn.Parameter(
            torch.randn(shape.n_items, n_half_lives * shape.dim, generator=generator) * 0.02
        )
        self.log_half_lives = nn.Parameter(torch.tensor(shape.half_lives).log())
        self.prior = nn.Parameter(torch.zeros(n_half_lives, shape.dim))
        self.log_prior_mass = nn.Parameter(torch.tensor(0.0))
        self.scales = nn.Parameter(torch.full((n_half_lives,), 3.0))
        self.tau = nn.Parameter(torch.zeros(shape.n_features))
        self.tau_by_mass = nn.Parameter(torch.zeros(shape.n_features))
        self.log_gains = nn.Parameter(torch.zeros(shape.n_types, 3))
        self.dropout = dropout

    def inputs(self) -> Tensor:
        """in() of every vector, shape (n_vectors, d)."""
        ids = functional.pad(self.in_ids, (0, 0, 0, len(self.vectors) - len(self.in_ids)))
        return self.vectors @ self.p_in + ids

    def users(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Interests of the user-days, (B, H * d), and their masses, (B, H)."""
        inputs = self.inputs()
        signed = batch.weights * self.log_gains.exp().flatten()[batch.gains]
        if self.training and self.dropout:
            signed = functional.dropout(signed, self.dropout)
        prior_mass = self.log_prior_mass.exp()
        interests, masses = [], []
        for h, log_half_life in enumerate(self.log_half_lives):
            aged = signed * torch.exp2(-batch.ages / log_half_life.exp())
            total = functional.embedding_bag(
                batch.rows, inputs, batch.offsets, mode="sum", per_sample_weights=aged
            )
            mass = aged.new_zeros(len(batch.offsets)).index_add(0, batch.owners, aged.abs())
            evidence = (mass + prior_mass)[:, None]
            interests.append(self.scales[h] * (total + prior_mass * self.prior[h]) / evidence)
            masses.append(mass)
        return torch.cat(interests, dim=1), torch.stack(masses, dim=1)

    def personal(self, interests: Tensor) -> tuple[Tensor, Tensor]:
        """What texts and what ids give to the scores, (B, n_items) each, from (B, H * d)."""
        texts = self.vectors[: self.shape.n_items] @ self.p_out
        kept = functional.dropout(interests, self.dropout, self.training)
        return kept @ texts.T, kept @ self.out_ids.T

    def taus(self, masses: Tensor) -> Tensor:
        """How much each feature of an item counts, shape (B, F)."""
        # While half-lives are learned, the longest need not stay the last: its mass is the largest.
        return self.tau + self.tau_by_mass * torch.log1p(masses.amax(dim=1, keepdim=True))

    def learned(
        self,
        centre: NDArray[np.float32],
        item_keys: NDArray[np.int32],
        type_keys: NDArray[np.int16],
        earned_at: float,
    ) -> Learned:
        """The parameters as the night applies them."""
        # Copies: training goes on, and the model stays.
        state = {name: value.cpu().numpy().copy() for name, value in self.state_dict().items()}
        half_lives = np.exp(state["log_half_lives"])
        order = np.argsort(half_lives, kind="stable")
        basis = self.basis.cpu().numpy()
        d = self.shape.dim

        def blocks(matrix: NDArray[np.float32]) -> NDArray[np.float32]:
            """The columns of each half-life, in ascending order of half-lives."""
            return matrix.reshape(len(matrix), -1, d)[:, order].reshape(len(matrix), -1)

        return Learned(
            half_lives=tuple(half_lives[order].tolist()),
            trend_half_lives=self.shape.trend_half_lives,
            scales=state["scales"][order],
            prior_mass=float(np.exp(state["log_prior_mass"])),
            prior=state["prior"][order],
            centre=centre,
            p_in=basis @ state["p_in"],
            p_out=basis @ blocks(state["p_out"]),
            item_keys=item_keys,
            in_ids=state["in_ids"],
            out_ids=blocks(state["out_ids"]),
            earned_at=earned_at,
            tau=state["tau"],
            tau_by_mass=state["tau_by_mass"],
            type_keys=type_keys,
            type_gains=np.exp(state["log_gains"]),
        )
