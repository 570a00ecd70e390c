"""What every generator can do."""

from collections.abc import Sequence
from typing import Protocol

from recsys_tasks.generating.prompts import Prompt

MAX_TOKENS = 16  # of an answer: a name is a few words
MAX_PROMPT_TOKENS = 1024


class GeneratorFailed(Exception):
    """The generator cannot be had, or gives no answer; in one line, without any secret."""


class Generator(Protocol):
    """A language model that answers prompts."""

    @property
    def generator_id(self) -> str:
        """Names the model: answers of two of that name may stand for each other."""

    @property
    def batch_size(self) -> int:
        """Prompts that are best asked at once."""

    def answer(self, prompts: Sequence[Prompt], seconds: float) -> list[str | None]:
        """One answer a prompt, in order; None where there was none.

        Args:
            prompts: At most batch_size of them.
            seconds: What it may take.

        Raises:
            GeneratorFailed: There will be no answers to others either.
        """
