"""Places in a text: where something begins, and where it has ended."""

from collections.abc import Iterable, Iterator

Span = tuple[int, int]  # half-open, in characters


def merged(spans: Iterable[Span]) -> Iterator[Span]:
    """The same places in ascending order, those that overlap or touch as one."""
    last: Span | None = None
    for start, end in sorted(spans):
        if last is None:
            last = (start, end)
        elif start <= last[1]:
            last = (last[0], max(last[1], end))
        else:
            yield last
            last = (start, end)
    if last is not None:
        yield last


def replaced(text: str, spans: Iterable[Span], mark: str) -> str:
    """The text with a mark in each of the places."""
    parts, done = [], 0
    for start, end in merged(spans):
        parts += [text[done:start], mark]
        done = end
    return "".join([*parts, text[done:]])
