"""What was put in at which entrance, and what became of it."""

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from hypothesis import HealthCheck, settings

Refusal = Exception | None


class Entrances(NamedTuple):
    """Inputs by entrance.

    Attributes:
        answered: Those that were taken, or answered.
        refused: Those that were refused in one line.
    """

    answered: Counter[str]
    refused: Counter[str]

    def tell(self, entrance: str, refusal: Refusal = None) -> None:
        """Count an input, and look at the refusal: one line, and none of a library's."""
        if refusal is None:
            self.answered[entrance] += 1
        else:
            assert_one_line(refusal)
            self.refused[entrance] += 1

    def lines(self) -> Iterator[str]:
        """A table, and its sum."""
        entrances = sorted({*self.answered, *self.refused})
        width = max(map(len, entrances), default=0)
        for entrance in entrances:
            yield _line(entrance, width, self.answered[entrance], self.refused[entrance])
        yield _line("together", width, self.answered.total(), self.refused.total())


def assert_one_line(refusal: Exception) -> None:
    said = str(refusal)
    assert said
    assert "\n" not in said
    assert "pydantic" not in said


def some(share: float) -> settings:
    """So many examples, of those that the profile asks for; they share a test's fixtures."""
    return settings(
        max_examples=max(1, int(share * settings().max_examples)),
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )


def _line(entrance: str, width: int, answered: int, refused: int) -> str:
    tried = answered + refused
    return f"{entrance:{width}}  {tried:6} tried  {answered:6} answered  {refused:6} refused"
