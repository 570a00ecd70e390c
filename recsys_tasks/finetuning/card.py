"""What a tuned encoder tells of itself, in a file beside its weights."""

import json
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

FILE: Final = "ebbtide.json"
LICENCE: Final = (
    "The licence of the base model goes on to hold. The weights have learned from what users did:"
    " they are personal data's kin, and leave with nothing but a decision to share them."
)


@dataclass(frozen=True)
class Card:
    """What an encoder was tuned on, and how.

    Attributes:
        base: The model that it was tuned from, as it was named.
        base_id: Id of that encoder.
        until: The cut: the day after the last that was learned from.
        pairs: How many.
        pairs_digest: Of all of them.
        users: Whose they are.
        items: That occur in them.
        options: TuningOptions, by name.
        steps: That were taken.
        planned: Steps that there were to take; more than `steps` where the time ran out.
        seconds: Of training.
        processes: That trained together.
        losses: Mean loss of the steps, in at most 50 stretches of equal length.
        licence: What holds for the weights.
    """

    base: str
    base_id: str
    until: date
    pairs: int
    pairs_digest: str
    users: int
    items: int
    options: dict[str, Any]
    steps: int
    planned: int
    seconds: float
    processes: int
    losses: tuple[float, ...]
    licence: str = LICENCE

    def write(self, folder: Path) -> None:
        """Beside the weights."""
        facts = {**asdict(self), "until": self.until.isoformat()}
        (folder / FILE).write_text(json.dumps(facts, indent=2) + "\n", "utf-8")

    def is_of(self, base_id: str, until: date, options: dict[str, Any]) -> bool:
        """Whether the same was asked for."""
        return (self.base_id, self.until, self.options) == (base_id, until, options)


def card_of(model: str) -> Card | None:
    """The card of a model, as `load_encoder` takes it; None where it was not tuned here."""
    file = Path(model).expanduser() / FILE
    if not file.is_file():
        return None
    facts = json.loads(file.read_text("utf-8"))
    facts["until"] = date.fromisoformat(facts["until"])
    return Card(**{**facts, "losses": tuple(facts["losses"])})


def tuned_until(model: str) -> date | None:
    """The day after the last that a model's weights have learned from; None where they did not."""
    card = card_of(model)
    return card.until if card else None
