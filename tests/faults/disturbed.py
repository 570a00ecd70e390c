"""What has to hold of a step that was disturbed, and of its retry."""

import ast

from .contents import State, differences
from .places import LAST, Stage

# Written by the ledger before the step, and after it where it failed.
LEDGER = "nights"


def assert_told(stage: Stage, found: State) -> None:
    """All of the step is there or nothing, readers see the same, and the ledger says which."""
    is_done = not differences(found.rows, stage.after.rows, LEDGER)
    assert_same(found, stage.after if is_done else stage.before)
    lines = [dict(ast.literal_eval(line)) for line in found.rows[LEDGER]]
    ((state, error),) = [
        (line["state"], line["error"])
        for line in lines
        if (line["day"], line["step"]) == (str(LAST), stage.step)
    ] or [("not begun", None)]
    assert (error is not None) == (state == "failed")
    if differences(stage.before.rows, stage.after.rows, LEDGER):
        assert (state == "done") == is_done, (state, error)
    assert set(stage.before.rows[LEDGER]) <= set(found.rows[LEDGER])


def assert_whole(stage: Stage, found: State) -> None:
    """A retry has left what the step leaves that nobody disturbs."""
    assert_same(found, stage.after)
    assert {dict(ast.literal_eval(line))["state"] for line in found.rows[LEDGER]} == {"done"}
    assert len(found.rows[LEDGER]) == len(stage.after.rows[LEDGER])


def assert_same(found: State, expected: State) -> None:
    """To the bit, but for the ledger: it tells what was done, and a retry finds less to do."""
    differ = differences(found.rows, expected.rows, LEDGER)
    assert not differ, "\n".join(differ)
    assert found.shown == expected.shown
