"""docs/trust.md: each promise names tests, and each test that it names is there."""

import ast
import re
from pathlib import Path

import pytest

HOME = Path(__file__).parents[1]
PROMISES = re.findall(
    r"^\| (?:\*\*.+?) \| (.+) \|$", (HOME / "docs/trust.md").read_text("utf-8"), re.MULTILINE
)
NAMED = sorted({name for held_by in PROMISES for name in re.findall(r"`(\S+::\S+)`", held_by)})


def test_each_promise_names_a_test() -> None:
    assert len(PROMISES) > 15
    assert [held_by for held_by in PROMISES if "::test_" not in held_by] == []


@pytest.mark.parametrize("name", NAMED)
def test_a_test_that_is_named_is_there(name: str) -> None:
    file, test = name.split("::")
    tree = ast.parse((HOME / file).read_text("utf-8"))
    assert test in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_what_tries_the_product_is_told_of() -> None:
    """A file of faults or of bad input that no promise names would be tried for nothing."""
    tried = {
        str(path.relative_to(HOME))
        for room in ("faults", "fuzzing")
        for path in (HOME / "tests" / room).glob("test_*.py")
    }
    assert tried <= {name.split("::")[0] for name in NAMED}
