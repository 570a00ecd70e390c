"""How an encoder reads, where that is not as the model's makers had it."""

from dataclasses import dataclass
from typing import Final, Literal

from recsys_tasks.settings import Settings

# MiniLM was trained on 128 tokens. Questions cut there find as good neighbours as at its limit of
# 256, in half the time.
DEFAULT_MAX_TOKENS: Final = 128


@dataclass(frozen=True)
class Recipe:
    """What may be chosen beside the model; the defaults are the model's own ways.

    Attributes:
        pooling: What becomes of token vectors: their mean, the first token's (cls), the last
            one's, or what the model's makers chose; the mean where they chose nothing.
        item_prompt: Words before each item's text, or the name of one of the model's prompts; None
            for the model's default.
        user_prompt: The same before what users wrote.
        dim: First so many dimensions, scaled to length 1 again (Kusupati et al., "Matryoshka
            representation learning", 2022); None for all.
        precision: Of weights and computation; int8 on the CPU only, with the extra `onnx`.
        long_texts: Whether a text beyond the model's tokens is cut or pooled from parts.
    """

    pooling: Literal["auto", "mean", "cls", "last"] = "auto"
    item_prompt: str | None = None
    user_prompt: str | None = None
    dim: int | None = None
    precision: Literal["float32", "bfloat16", "float16", "int8"] = "float32"
    long_texts: Literal["cut", "pool"] = "cut"

    @classmethod
    def of(cls, settings: Settings) -> "Recipe":
        """What the settings say."""
        return cls(
            pooling=settings.encoder_pooling,
            item_prompt=settings.item_prompt,
            user_prompt=settings.user_prompt,
            dim=settings.encoder_dim,
            precision=settings.encoder_precision,
            long_texts=settings.long_texts,
        )

    def changes(self, default_prompt: str | None) -> dict[str, str | int | None]:
        """What is not by default, but for what the weights and the modules tell by themselves."""
        facts: dict[str, tuple[str | int | None, str | int | None]] = {
            "item_prompt": (self.item_prompt, default_prompt),
            "user_prompt": (self.user_prompt, default_prompt),
            "dim": (self.dim, None),
            "long_texts": (self.long_texts, "cut"),
            # It is made of float32's weights, which do not tell.
            "int8": (self.precision == "int8", False),
        }
        return {name: value for name, (value, default) in facts.items() if value != default}
