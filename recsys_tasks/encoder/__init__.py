"""The encoder: cleaned texts of items and users become unit vectors of a language model."""

from recsys_tasks.encoder.loading import DEFAULT_ENCODER, load_encoder
from recsys_tasks.encoder.model import Encoder
from recsys_tasks.encoder.recipe import DEFAULT_MAX_TOKENS, Recipe
from recsys_tasks.encoder.specification import Specification, loaded
from recsys_tasks.encoder.stance import direction_of, stances
from recsys_tasks.encoder.suitability import Suitability, suitability

__all__ = [
    "DEFAULT_ENCODER",
    "DEFAULT_MAX_TOKENS",
    "Encoder",
    "Recipe",
    "Specification",
    "Suitability",
    "direction_of",
    "load_encoder",
    "loaded",
    "stances",
    "suitability",
]
