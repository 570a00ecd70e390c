"""How a fine-tuning goes about it."""

from dataclasses import asdict, dataclass
from typing import Any, Final

LORA_RANK: Final = 16  # where adapters are wanted and nobody says how large


@dataclass(frozen=True)
class TuningOptions:
    """Its time and memory are bounded by these, not by the history.

    Attributes:
        window: Days between two deeds of a user that are joined; 0 for deeds of one day.
        seed: Equal seeds, data and machine give equal weights, unless the time runs out.
        minutes: Training ends there, with what it has learned.
        max_passes: Over the pairs.
        batch_size: Pairs learned from at once, a process.
        learning_rate: Of AdamW at its height; adapters take LORA_PACE times as much.
        scale: Cosines times this are the logits: the inverse of the temperature.
        pull: How strongly texts are held to where the base has them: this times their mean distance
            in cosine is added to the loss. Without it all texts crowd together, and the scales of
            the zero-shot model are made for texts that lie as the base has them.
        pairs_of_user: Most pairs of one user, so that the busiest do not speak for all.
        hard_pool: Nearest items among which an anchor's hard negative is drawn; 0 for none.
        near: Cosine from which an item is no negative of another: a near-duplicate.
        layers: Last layers of the transformer whose weights are trained; 0 for all weights. The
            layers below cost no way back, on a CPU the larger part of a step.
        lora: Rank of low-rank adapters in place of the weights (Hu et al., "LoRA", 2021); 0 for
            none.
    """

    window: int = 7
    seed: int = 0
    minutes: float = 60.0
    max_passes: int = 2
    batch_size: int = 64
    learning_rate: float = 5e-5
    scale: float = 20.0
    pull: float = 5.0
    pairs_of_user: int = 20
    hard_pool: int = 50
    near: float = 0.98
    layers: int = 0
    lora: int = 0

    @property
    def facts(self) -> dict[str, Any]:
        """Its fields, as JSON holds them."""
        return asdict(self)
