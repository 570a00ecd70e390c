"""Every step, disturbed before any statement, before a commit and after it."""

from collections.abc import Callable, Sequence

import pytest

from recsys_tasks import nightly
from recsys_tasks.errors import EbbtideError

from .disturbed import assert_told, assert_whole
from .injecting import AFTER_COMMIT, COMMITTED, FAULTS, Script
from .places import Stage
from .tally import Tally

ENDS = {"out of memory": MemoryError, "interrupted": KeyboardInterrupt}


@pytest.mark.parametrize("step", nightly.STEPS)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_step_that_is_disturbed_leaves_all_or_nothing_and_is_made_up_for(
    stages: dict[str, Stage],
    some: Callable[[Sequence[int], int], Sequence[int]],
    tally: Tally,
    step: str,
    fault: str,
) -> None:
    stage = stages[step]
    for at in some(places_of(stage, fault), 1):
        with tally.injection(fault):
            disturb(stage, at, fault)


def places_of(stage: Stage, fault: str) -> list[int]:
    return [
        at for at, point in enumerate(stage.points) if point != COMMITTED or fault in AFTER_COMMIT
    ]


def disturb(stage: Stage, at: int, fault: str) -> None:
    with stage.place.copied() as place:
        script = Script(at, FAULTS[fault])
        with pytest.raises(ENDS.get(fault, EbbtideError)) as end:
            place.run(stage.step, script=script)
        assert script.is_met
        assert "\n" not in str(end.value)
        assert_told(stage, place.state())
        place.run(stage.step)
        assert_whole(stage, place.state())
