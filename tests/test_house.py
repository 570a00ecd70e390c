"""The house: README knows everything that can be used, and the code keeps its own rules."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from itertools import chain
from pathlib import Path
from statistics import median

import pytest
from packaging.requirements import Requirement

import recsys_tasks

HOME = Path(__file__).parents[1]
MODULES = sorted(
    path for room in ("recsys_tasks", "dags", "plugins") for path in (HOME / room).rglob("*.py")
)
# What applications may rely on: migrations keep it.
OUTPUT = (
    *("recommendations", "recommendation_lists", "recommend", "similar_items", "similar_users"),
    *("trending_items", "user_interests", "item_vectors", "evaluations", "nights"),
    "rejected_interactions",
)


@pytest.fixture(scope="module")
def readme() -> str:
    return (HOME / "README.md").read_text("utf-8")


def absent(names: list[str], text: str) -> list[str]:
    """The names that do not stand in the text as words of their own."""
    return [name for name in names if not re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text)]


def test_readme_names_every_setting(readme: str) -> None:
    from recsys_tasks.settings import Settings, variable_of

    assert absent([variable_of(field) for field in Settings.model_fields], readme) == []


def test_readme_names_every_step(readme: str) -> None:
    from recsys_tasks.nightly import STEPS

    assert absent([f"`{step}`" for step in STEPS], readme) == []


def test_readme_names_every_command(readme: str) -> None:
    from typer.main import get_command

    from recsys_tasks.cli import app

    commands = getattr(get_command(app), "commands")  # noqa: B009  of a group of commands

    assert absent([f"ebbtide {name}" for name in commands], readme) == []


def test_readme_names_every_make_target(readme: str) -> None:
    targets = re.findall(r"^([a-z-]+):.*##", (HOME / "Makefile").read_text("utf-8"), re.MULTILINE)

    assert targets
    assert absent([f"make {target}" for target in targets if target != "help"], readme) == []


def test_readme_names_every_relation_of_the_output(readme: str) -> None:
    assert absent([f"`{name}" for name in OUTPUT], readme) == []


def test_readme_names_every_preset(readme: str) -> None:
    from recsys_tasks.presets import preset_names

    assert absent([f"`{name}`" for name in preset_names()], readme) == []


def test_migrations_make_the_output() -> None:
    migrations = "".join(path.read_text("utf-8") for path in (HOME / "sql/migrations").glob("*"))
    made = re.findall(r"create (?:or replace )?(?:table|view|function) (\w+)", migrations)

    assert set(OUTPUT) <= set(made)


def canonical(name: str) -> str:
    return re.sub("[-_.]+", "-", name).lower()


def requirements() -> dict[str, Requirement]:
    """What the package and its extras ask for, by name."""
    project = tomllib.loads((HOME / "pyproject.toml").read_text("utf-8"))["project"]
    lines = chain(project["dependencies"], *project["optional-dependencies"].values())
    return {canonical(requirement.name): requirement for requirement in map(Requirement, lines)}


def test_the_lock_holds_what_the_package_asks_for() -> None:
    lines = (HOME / "requirements.lock").read_text("utf-8").splitlines()
    exact = dict(line.split("==") for line in lines if not line.startswith("#"))
    locked = {canonical(name): version for name, version in exact.items()}

    for name, requirement in requirements().items():
        assert requirement.specifier.contains(locked[name], prereleases=True), requirement


def test_the_package_asks_for_what_it_imports() -> None:
    ours = sys.stdlib_module_names | {"recsys_tasks"}
    imported = {
        name.split(".")[0]
        for path in (HOME / "recsys_tasks").rglob("*.py")
        for name in imports(path)
    }
    distributions = packages_distributions()

    undeclared = {
        module
        for module in imported - ours
        if requirements().keys().isdisjoint(map(canonical, distributions[module]))
    }
    assert undeclared == set()


def test_the_changelog_knows_this_version() -> None:
    assert f"## [{recsys_tasks.__version__}]" in (HOME / "CHANGELOG.md").read_text("utf-8")


def test_a_module_is_one_noun() -> None:
    lengths = {path: len(path.read_text("utf-8").splitlines()) for path in MODULES}

    assert {path: lines for path, lines in lengths.items() if lines > 250} == {}
    assert {"utils", "util", "helpers", "helper", "common", "misc"}.isdisjoint(
        part for path in MODULES for part in path.relative_to(HOME).with_suffix("").parts
    )


def test_functions_are_short() -> None:
    lengths = {
        f"{path.relative_to(HOME)}:{function.lineno}": length(function)
        for path in MODULES
        if path.is_relative_to(HOME / "recsys_tasks")
        for function in functions(path)
    }

    assert {place: lines for place, lines in lengths.items() if lines > 40} == {}
    assert median(lengths.values()) <= 8


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def functions(path: Path) -> Iterator[ast.FunctionDef]:
    tree = ast.parse(path.read_text("utf-8"))
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def length(function: ast.FunctionDef) -> int:
    """Lines of the body, from its first statement that is no docstring."""
    start = function.body[bool(ast.get_docstring(function)) :] or function.body
    return (function.end_lineno or 0) - start[0].lineno + 1
