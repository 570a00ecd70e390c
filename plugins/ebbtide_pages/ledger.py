"""The ledger as pages tell it: how nights stand, how long they took, what needs attention."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from typing import Final, NamedTuple

from ebbtide_pages import wording
from ebbtide_pages.content import Link, Notice, State

STEPS: Final = (
    *("extract", "embed_items", "accumulate", "merge", "rank", "check", "publish", "topics"),
    "evaluate",
)
REFRESH: Final = "refresh"
_STUCK_AFTER = timedelta(hours=6)


class Line(NamedTuple):
    """A row of page_steps."""

    day: date
    step: str
    state: str
    counts: Mapping[str, object]
    started_at: datetime
    finished_at: datetime | None
    error: str | None
    note: str | None

    @property
    def seconds(self) -> float | None:
        """How long it took; None while it runs."""
        return (
            None
            if self.finished_at is None
            else (self.finished_at - self.started_at).total_seconds()
        )


class Night(NamedTuple):
    """A row of page_nights, with the night's lines."""

    day: date
    n_lists: int | None
    published_at: datetime | None
    model_id: str | None
    n_interactions: int | None
    n_rejected: int | None
    n_provisional: int | None
    made_at: datetime | None
    lines: tuple[Line, ...] = ()

    @property
    def state(self) -> State:
        """How it stands, by its steps."""
        steps = {line.step: line.state for line in self.lines}
        if failed := next((step for step, state in steps.items() if state == "failed"), None):
            return State(f"failed at {failed}", "bad")
        if running := next((step for step, state in steps.items() if state == "running"), None):
            return State(f"running {running}", "waiting")
        if all(steps.get(step) == "done" for step in STEPS):
            return State("done", "good")
        if self.n_provisional is not None:
            return State("provisional", "waiting")
        last = next((step for step in reversed(STEPS) if step in steps), None)
        return State(f"done up to {last}", "waiting") if last else State("refreshed", "plain")

    @property
    def seconds(self) -> float | None:
        """Its steps together; None where none has ended."""
        ended = [
            line.seconds for line in self.lines if line.step in STEPS and line.seconds is not None
        ]
        return sum(ended) if ended else None


def with_lines(nights: Iterable[Night], lines: Iterable[Line]) -> list[Night]:
    """Each night with its lines; both newest day first."""
    by_day = {day: tuple(own) for day, own in groupby(lines, key=lambda line: line.day)}
    return [night._replace(lines=by_day.get(night.day, ())) for night in nights]


def alerts(nights: Iterable[Night], newest: date | None, now: datetime) -> Iterator[Notice]:
    """What somebody should look at, the most pressing first."""
    lines = [line for night in nights for line in night.lines]
    yield from (_failed(line) for line in lines if line.state == "failed")
    for line in lines:
        if line.state == "running" and now - line.started_at > _STUCK_AFTER:
            since = wording.moment(line.started_at)
            text = f"It began {since} and never said how it ended. Run the night again."
            yield Notice(f"{line.step} of {line.day} never ended", text, "bad", (_to(line.day),))
    expected = now.astimezone(UTC).date() - timedelta(days=1)
    if newest is not None and newest < expected:
        text = (
            f"Users are served the lists of night {newest}. The night of {expected} has not been"
            " published: look at the runs of its DAG, or run it."
        )
        yield Notice("Last night's lists are not there", text, "waiting")
    yield from (
        Notice(f"{line.step} of {line.day} says", line.note, "waiting", (_to(line.day),))
        for line in lines
        if line.note
    )


def _failed(line: Line) -> Notice:
    consequence = (
        "Users keep the lists that they had."
        if line.step != "evaluate"
        else "The lists are served; only their measurement is missing."
    )
    text = f"{line.error or 'It left no message.'} {consequence}"
    return Notice(f"{line.step} of {line.day} failed", text, "bad", (_to(line.day),))


def _to(day: date) -> Link:
    return Link(f"Night {day}", "night", {"day": str(day)})
