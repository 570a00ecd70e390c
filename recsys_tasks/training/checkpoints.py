"""What a killed training goes on from: the passes that its fits have done."""

from pathlib import Path
from typing import Any

import torch

State = dict[str, Any]  # as torch has it: names, tensors, numbers


class Checkpoint:
    """The passes of one fit, in a file that holds those of other fits beside it.

    Which pass is the best is decided again from all of them, so each is kept.
    """

    def __init__(self, path: Path | None, fit: str) -> None:
        """Look for a fit by its name in a file; without a file nothing is kept."""
        self._path, self._fit = path, fit

    def passes(self, device: str) -> tuple[list[State], State]:
        """Parameters after each pass that was done, and the optimizer's state after the last."""
        saved = self._read(device).get(self._fit, {})
        return saved.get("passes", []), saved.get("optimizer", {})

    def add(self, network: State, optimizer: State) -> None:
        """Keep one more pass; the file is written whole or not at all."""
        if self._path is None:
            return
        fits = self._read("cpu")
        before = fits.get(self._fit, {"passes": []})["passes"]
        fits[self._fit] = {"passes": [*before, network], "optimizer": optimizer}
        self._path.parent.mkdir(parents=True, exist_ok=True)
        part = self._path.with_name(f"{self._path.name}.part")
        torch.save(fits, part)
        part.replace(self._path)

    def _read(self, device: str) -> State:
        """What is kept of each fit, by its name."""
        if self._path is None or not self._path.exists():
            return {}
        kept: State = torch.load(self._path, map_location=device, weights_only=True)
        return kept
