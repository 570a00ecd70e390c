"""Fine-tuning of the encoder on what users did: items that one user joined come to lie together.

What trains is in `fitting`, which takes seconds to import.
"""

from recsys_tasks.finetuning.card import Card, card_of, tuned_until
from recsys_tasks.finetuning.options import LORA_RANK, TuningOptions
from recsys_tasks.finetuning.pairs import Pairs, pairs_of

__all__ = ["LORA_RANK", "Card", "Pairs", "TuningOptions", "card_of", "pairs_of", "tuned_until"]
