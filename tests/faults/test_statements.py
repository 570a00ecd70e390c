"""Every step, disturbed before any statement, before a commit and after it."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import pytest

from recsys_tasks import nightly
from recsys_tasks.errors import EbbtideError

from .disturbed import LEDGER, assert_same, assert_told, assert_whole
from .injecting import AFTER_COMMIT, COMMITTED, FAULTS, Script
from .places import Place, Stage
from .tally import Tally

ENDS = {"out of memory": MemoryError, "interrupted": KeyboardInterrupt}


class Point(NamedTuple):
    """Where a night is disturbed, and how."""

    fault: str
    step: str
    at: int


@pytest.mark.parametrize("fault", FAULTS)
def test_a_step_that_is_disturbed_leaves_all_or_nothing_and_is_made_up_for(
    stages: dict[str, Stage],
    some: Callable[[Sequence[Point], int], Sequence[Point]],
    tally: Tally,
    fault: str,
) -> None:
    for point in some(points_of(stages, fault), 3):
        with tally.injection(fault):
            disturb(stages[point.step], point)


def points_of(stages: dict[str, Stage], fault: str) -> list[Point]:
    """All that a night does where the fault can happen."""
    return [
        Point(fault, step, at)
        for step in nightly.STEPS
        for at, point in enumerate(stages[step].points)
        if point != COMMITTED or fault in AFTER_COMMIT
    ]


def disturb(stage: Stage, point: Point) -> None:
    with stage.place.copied() as place:
        script = Script(point.at, FAULTS[point.fault])
        end = end_of(place, stage.step, script)
        assert script.is_met
        if end is None:
            # No name of a topic is worth a night: the step is undone, and the ledger says why.
            assert stage.step == "topics"
            assert_same(place.state(), stage.before)
            assert any(
                "('step', 'topics')" in line and "('note', None)" not in line
                for line in place.state().rows[LEDGER]
            )
        else:
            assert isinstance(end, ENDS.get(point.fault, EbbtideError))
            assert "\n" not in str(end)
            assert_told(stage, place.state())
        place.run(stage.step)
        assert_whole(stage, place.state())


def end_of(place: Place, step: str, script: Script) -> BaseException | None:
    try:
        place.run(step, script=script)
    except (EbbtideError, MemoryError, KeyboardInterrupt) as error:
        return error
    return None
