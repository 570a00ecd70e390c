"""The encoder: texts of items and users, cleaned, become unit vectors of a language model."""

from recsys_tasks.encoder.model import DEFAULT_ENCODER, DEFAULT_MAX_TOKENS, Encoder, load_encoder
from recsys_tasks.encoder.texts import clean, content_hash, item_text

__all__ = [
    "DEFAULT_ENCODER",
    "DEFAULT_MAX_TOKENS",
    "Encoder",
    "clean",
    "content_hash",
    "item_text",
    "load_encoder",
]
