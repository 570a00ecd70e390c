"""How commands end: the exit status, and one line where something went wrong."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from recsys_tasks.settings import Settings
from recsys_tasks.warehouse.queries import migrations

from .shop import Ebbtide, assert_one_line


def test_the_program_ends_with_0_1_or_2(settings: Settings, tmp_path: Path) -> None:
    """As it is started by people: python -m recsys_tasks."""
    del settings

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        program = [sys.executable, "-m", "recsys_tasks", *arguments]
        return subprocess.run(program, capture_output=True, text=True, check=False, env=os.environ)

    well, failed, misused = run("migrate"), run("load", str(tmp_path / "nowhere")), run("nigth")

    assert [run.returncode for run in (well, failed, misused)] == [0, 1, 2]
    assert well.stdout == f"Schema recsys is at version {max(migrations())}.\n"
    assert well.stderr == ""
    assert failed.stdout == ""
    assert_one_line(failed.stderr)
    assert "Traceback" not in misused.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("night",),
        ("night", "yesterday"),
        ("night", "2024-02-30"),
        ("replay", "--since", "2024-03-01"),
        ("recommend", "u1", "-n", "0"),
        ("backtest", "--what"),
        ("--frobnicate",),
    ],
)
def test_wrong_usage_ends_with_2(ebbtide: Ebbtide, arguments: tuple[str, ...]) -> None:
    answer = ebbtide(*arguments)

    assert answer.status == 2
    assert "Usage:" in answer.err
    assert "Traceback" not in answer.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("migrate", "--dsn", "host=/nowhere"), "The database cannot be used: "),
        (("migrate", "--schema", "app"), "'app' belongs to someone else"),
        (("similar", "nothing"), "Item 'nothing' is not in the catalogue of recsys"),
        (("night", "2024-03-01", "--preset", "shpo"), "did you mean shop?"),
        (("replay", "--since", "2024-03-01", "--until", "2024-03-01"), "There is no night from"),
        (("sql", "select nothing"), 'The statement cannot be run: column "nothing"'),
    ],
)
def test_an_error_is_one_line_that_says_what_to_mend(
    ebbtide: Ebbtide, arguments: tuple[str, ...], said: str
) -> None:
    answer = ebbtide(*arguments)

    assert answer.status == 1
    assert said in answer.err
    assert_one_line(answer.err)


def test_a_bug_is_one_line_too_and_debug_shows_where(
    ebbtide: Ebbtide, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("recsys_tasks.cli.nights.connect", broken)

    assert_one_line(ebbtide("migrate").err)
    assert "ZeroDivisionError" in ebbtide("migrate").err
    assert "Traceback" in ebbtide("--debug", "migrate").err


# Commands about files alone: a partner who scores has no database of ours.
OFFLINE = {"sealed keys", "sealed score", "sealed open"}


def test_every_command_about_a_tenant_says_which(ebbtide: Ebbtide) -> None:
    from typer.main import get_command

    from recsys_tasks.cli import app

    def options(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, set[str]]]:  # noqa: ANN401  a class of typer's own
        for name, inner in getattr(command, "commands", {}).items():
            yield from options(inner, (*path, name))
        if not hasattr(command, "commands"):
            yield " ".join(path), {option for told in command.params for option in told.opts}

    found = dict(options(get_command(app)))
    assert {"migrate", "load", "night", "replay", "encoders add", "sealed items"} <= set(found)
    for name, told in found.items():
        expected = set() if name in OFFLINE else {"--dsn", "--schema"}
        assert told & {"--dsn", "--schema"} == expected, name
    assert "--schema" in ebbtide("night", "--help").out


def test_options_win_over_the_environment(ebbtide: Ebbtide, settings: Settings) -> None:
    version = max(migrations())
    answer = ebbtide("migrate", "--schema", "other")
    assert answer.out == f"Schema other is at version {version}.\n"
    assert (
        ebbtide("sql", "--dsn", settings.dsn, "--schema", "other", "select current_schema").out
    ).split() == ["current_schema", "other"]
