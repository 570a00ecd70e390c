"""What an encoder is made from: which model, read how. Two that are equal make equal vectors."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from typing import Any

from recsys_tasks.encoder.loading import load_encoder
from recsys_tasks.encoder.model import Encoder
from recsys_tasks.encoder.recipe import DEFAULT_MAX_TOKENS, Recipe
from recsys_tasks.settings import Settings


@dataclass(frozen=True)
class Specification:
    """An encoder before it is loaded.

    Attributes:
        model: As `load_encoder` takes it: the default's name, a folder, or a Hugging Face id,
            with its revision or without.
        max_tokens: Texts are cut or parted there.
        recipe: What is not as the model's makers had it.
    """

    model: str
    max_tokens: int = DEFAULT_MAX_TOKENS
    recipe: Recipe = field(default_factory=Recipe)

    @classmethod
    def of(cls, settings: Settings) -> "Specification":
        """What the settings say."""
        return cls(settings.encoder, settings.encoder_tokens, Recipe.of(settings))

    @classmethod
    def parsed(cls, facts: Mapping[str, Any]) -> "Specification":
        """The one whose fields were written as JSON."""
        return cls(facts["model"], facts["max_tokens"], Recipe(**facts["recipe"]))

    @property
    def facts(self) -> dict[str, Any]:
        """Its fields, as JSON holds them."""
        return asdict(self)

    @property
    def fingerprint(self) -> str:
        """Twelve hex digits that name it."""
        written = json.dumps(self.facts, sort_keys=True)
        return hashlib.sha256(written.encode()).hexdigest()[:12]


@cache
def loaded(specification: Specification, device: str) -> Encoder:
    """The encoder, loaded once a process: a replay runs many nights.

    Raises:
        EncoderUnavailable: With the reason in one line.
    """
    return load_encoder(specification.model, device, specification.max_tokens, specification.recipe)
