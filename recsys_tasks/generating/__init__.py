"""A language model that names topics: a local one, or one behind an address. Never needed.

What goes wrong with it costs a name its beauty and nothing else: topics are called by keywords.
"""

from recsys_tasks.generating.asking import Answer, Budget, ask
from recsys_tasks.generating.checking import Allowed, refusal, tidied, vocabulary_of
from recsys_tasks.generating.generator import Generator, GeneratorFailed
from recsys_tasks.generating.loading import load_causal
from recsys_tasks.generating.opening import open_generator
from recsys_tasks.generating.prompts import Prompt, prompt_for

__all__ = [
    "Allowed",
    "Answer",
    "Budget",
    "Generator",
    "GeneratorFailed",
    "Prompt",
    "ask",
    "load_causal",
    "open_generator",
    "prompt_for",
    "refusal",
    "tidied",
    "vocabulary_of",
]
