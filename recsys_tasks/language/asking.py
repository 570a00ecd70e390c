"""All questions of a night, or none: what the clock decides is whether lists change, not which."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from time import monotonic
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.language.likelihood import LanguageFailed, LanguageModel

Lifts = NDArray[np.float32]


class Question(NamedTuple):
    """How much likelier a prompt makes some titles.

    Attributes:
        prompt: As `prompt_of` makes it.
        titles: In an order that belongs to the question.
    """

    prompt: str
    titles: tuple[str, ...]

    def digest(self, fingerprint: str) -> bytes:
        """The 16 bytes that it is known by, asked of a model of that fingerprint (BLAKE2b)."""
        said = json.dumps([fingerprint, *self])
        return hashlib.blake2b(said.encode(), digest_size=16).digest()


def answers(
    model: LanguageModel,
    questions: Sequence[Question],
    seconds: float,
    known: Mapping[Question, Lifts],
) -> list[Lifts]:
    """What the model says to each question: what it said before, or asked now.

    Args:
        model: Asked only what is not known.
        questions: In any order.
        seconds: On the clock, for all of them.
        known: What this model said before.

    Raises:
        LanguageFailed: There is no answer to one of them, or not in time.
    """
    until = monotonic() + seconds
    found = []
    for question in questions:
        lifts = known.get(question)
        if lifts is None:
            if monotonic() >= until:
                message = f"{seconds:g} seconds were not enough for {len(questions)} users"
                raise LanguageFailed(message)
            lifts = model.lifts(*question)
        found.append(lifts)
    return found
