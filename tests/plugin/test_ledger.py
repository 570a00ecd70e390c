"""The ledger as pages tell it, and words for figures."""

import doctest
from datetime import UTC, date, datetime, timedelta
from importlib import import_module
from typing import Any

import pytest

from ebbtide_pages import ledger
from ebbtide_pages.ledger import Line, Night, alerts
from recsys_tasks.interest_model.learned import FRESHNESS
from recsys_tasks.nightly import STEPS

DAY = date(2024, 3, 1)
NOW = datetime(2024, 3, 2, 7, tzinfo=UTC)


def line(step: str, state: str = "done", **changes: Any) -> Line:  # noqa: ANN401  whichever field
    begun = NOW - timedelta(hours=1)
    ended = None if state == "running" else begun + timedelta(seconds=30)
    return Line(DAY, step, state, {}, begun, ended, None, None)._replace(**changes)


def night(*lines: Line, **changes: Any) -> Night:  # noqa: ANN401  as above
    return Night(DAY, 10, NOW, "m", 5, 0, None, None, lines)._replace(**changes)


def test_the_steps_are_the_nights() -> None:
    assert ledger.STEPS == STEPS


def test_features_are_named_by_the_models_half_lives() -> None:
    from ebbtide_pages.parameters import FRESH

    assert FRESH == FRESHNESS


@pytest.mark.parametrize(
    ("lines", "word"),
    [
        ([line(step) for step in STEPS], "done"),
        ([line("extract"), line("rank", "failed")], "failed at rank"),
        ([line("extract"), line("embed_items", "running")], "running embed_items"),
        ([line("extract"), line("embed_items")], "done up to embed_items"),
        ([line("refresh")], "refreshed"),
        ([line("refresh", "failed"), *(line(step) for step in STEPS)], "failed at refresh"),
    ],
)
def test_a_night_stands_as_its_steps_do(lines: list[Line], word: str) -> None:
    assert night(*lines).state.word == word


def test_provisional_lists_are_told_as_such() -> None:
    assert night(line("refresh"), n_provisional=3).state.word == "provisional"


def test_a_night_takes_as_long_as_its_steps() -> None:
    running = line("rank", "running")

    assert night(line("extract"), line("merge"), running, line("refresh")).seconds == 60
    assert night(running).seconds is None


def told(*lines: Line, newest: date | None = DAY) -> list[str]:
    return [alert.title for alert in alerts([night(*lines)], newest, NOW)]


def test_all_well_is_no_alert() -> None:
    assert told(*(line(step) for step in STEPS)) == []


def test_what_failed_hangs_or_has_something_to_say_is_an_alert() -> None:
    hung = line("rank", "running", started_at=NOW - timedelta(hours=7))
    found = told(line("check", "failed", error="too short"), hung, line("merge", note="mended"))

    assert found == [
        f"check of {DAY} failed",
        f"rank of {DAY} never ended",
        f"merge of {DAY} says",
    ]


def test_a_step_that_began_just_now_is_no_alert() -> None:
    assert told(line("rank", "running")) == []


def test_lists_of_the_day_before_yesterday_are_an_alert() -> None:
    assert told(newest=DAY - timedelta(days=1)) == ["Last night's lists are not there"]
    assert told(newest=None) == []  # before the first night there is nothing to miss


@pytest.mark.parametrize("module", ["wording", "csv_files", "views.item", "views.night"])
def test_examples_in_docstrings_hold(module: str) -> None:
    found = doctest.testmod(import_module(f"ebbtide_pages.{module}"))

    assert found.attempted > 0
    assert found.failed == 0
