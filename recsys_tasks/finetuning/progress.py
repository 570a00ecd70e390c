"""What a fine-tuning that was cut off goes on from."""

from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import torch

if TYPE_CHECKING:
    from accelerate import Accelerator

EVERY: Final = 60.0  # seconds between two files


class Done(NamedTuple):
    """How far a training is.

    Attributes:
        losses: Of each step.
        seconds: That they took.
    """

    losses: list[float]
    seconds: float


class Keeper:
    """Weights, optimizer and losses in a file, which is written whole or not at all."""

    def __init__(
        self,
        path: Path | None,
        accelerator: "Accelerator",
        network: torch.nn.Module,
        optimizer: Any,  # noqa: ANN401  accelerate wraps it
        digest: str,
    ) -> None:
        """Of a training whose digest says what is trained on; without a path nothing is kept."""
        self._path, self._accelerator, self._digest = path, accelerator, digest
        self._network, self._optimizer = network, optimizer
        self._kept_at = monotonic()

    def resumed(self) -> Done:
        """Set weights and optimizer to where the same training was cut off, if it was."""
        if self._path is None or not self._path.exists():
            return Done([], 0.0)
        kept = torch.load(self._path, map_location="cpu", weights_only=True)
        if kept["digest"] != self._digest:
            return Done([], 0.0)
        inner = self._accelerator.unwrap_model(self._network)
        inner.load_state_dict(kept["weights"], strict=False)
        self._optimizer.load_state_dict(kept["optimizer"])
        return Done(kept["losses"], kept["seconds"])

    def keep(self, done: Done) -> None:
        """Write down how far it is, once in a while; the first process does."""
        late = monotonic() - self._kept_at >= EVERY
        if self._path is None or not late or not self._accelerator.is_main_process:
            return
        inner = self._accelerator.unwrap_model(self._network)
        trained = {name for name, weight in inner.named_parameters() if weight.requires_grad}
        weights = {name: value for name, value in inner.state_dict().items() if name in trained}
        part = self._path.with_name(f"{self._path.name}.part")
        torch.save(
            {
                "digest": self._digest,
                "weights": weights,
                "optimizer": self._optimizer.state_dict(),
                **done._asdict(),
            },
            part,
        )
        part.replace(self._path)
        self._kept_at = monotonic()
