"""Asking within bounds: so many prompts, so many seconds, and no further where nothing comes."""

from collections.abc import Sequence
from time import monotonic
from typing import NamedTuple

from recsys_tasks.generating.generator import Generator, GeneratorFailed
from recsys_tasks.generating.prompts import Prompt


class Budget(NamedTuple):
    """What a night may spend on answers.

    Attributes:
        calls: Prompts.
        seconds: On the clock.
    """

    calls: int
    seconds: float


class Answer(NamedTuple):
    """What became of the prompts.

    Attributes:
        texts: One a prompt, in order; None where there was no answer, or it was not asked.
        problem: Why there are fewer than could be; None where all were answered.
    """

    texts: list[str | None]
    problem: str | None


def ask(generator: Generator, prompts: Sequence[Prompt], budget: Budget) -> Answer:
    """Ask in batches until the budget is spent.

    A batch without a single answer ends it: whoever is down stays so for this night. Nothing is
    raised.
    """
    until = monotonic() + budget.seconds
    texts: list[str | None] = [None] * len(prompts)
    problem = f"only {budget.calls} may be asked a night" if len(prompts) > budget.calls else None
    for first in range(0, min(len(prompts), budget.calls), generator.batch_size):
        left = until - monotonic()
        if left <= 0:
            return Answer(texts, f"{budget.seconds:g} seconds were not enough")
        batch = prompts[first : min(first + generator.batch_size, budget.calls)]
        try:
            answers = generator.answer(batch, left)
        except GeneratorFailed as failed:
            return Answer(texts, str(failed))
        texts[first : first + len(batch)] = answers
        if not any(answers):
            return Answer(texts, "it gave no answer")
        if None in answers:
            problem = "it did not answer everything"
    return Answer(texts, problem)
