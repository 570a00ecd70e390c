"""What was injected, and what became of it."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager


class Tally:
    """Injections by fault: how many were tried, and how many were survived."""

    def __init__(self) -> None:
        """Nothing was tried yet."""
        self.tried: Counter[str] = Counter()
        self.survived: Counter[str] = Counter()

    @contextmanager
    def injection(self, fault: str) -> Iterator[None]:
        """Count what is done inside: survived where it ends well, else lost."""
        self.tried[fault] += 1
        yield
        self.survived[fault] += 1

    def lines(self) -> Iterator[str]:
        """A table, and its sum."""
        width = max(map(len, self.tried), default=0)
        for fault, tried in [*self.tried.items(), ("together", self.tried.total())]:
            survived = self.survived[fault] if fault in self.tried else self.survived.total()
            lost = tried - survived
            yield f"{fault:{width}}  {tried:6} tried  {survived:6} survived  {lost:6} lost"
