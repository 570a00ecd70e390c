"""A language model's word on lists: how likely titles are after what a user did. Off by default.

It reads, and writes nothing: no word of its own reaches a table.
"""

from recsys_tasks.language.asking import Question, answers
from recsys_tasks.language.likelihood import LanguageFailed, LanguageModel, language_model
from recsys_tasks.language.mixing import mixed_order
from recsys_tasks.language.prompts import prompt_of

__all__ = [
    "LanguageFailed",
    "LanguageModel",
    "Question",
    "answers",
    "language_model",
    "mixed_order",
    "prompt_of",
]
