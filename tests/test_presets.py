"""Presets: what they say of every type, and how settings change them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsys_tasks.settings import (
    KNOWN_TYPES,
    EventType,
    Repeat,
    preset_names,
    preset_of,
    read_settings,
)


@pytest.mark.parametrize("name", preset_names())
def test_a_preset_gives_every_known_type_a_weight_that_says_something(name: str) -> None:
    preset = preset_of(read_settings(preset=name))
    assert set(preset.event_types) == set(KNOWN_TYPES)
    for kind in preset.event_types.values():
        assert kind.weight != 0
        assert abs(kind.weight) <= 5
        assert kind.verb != "chose"


@pytest.mark.parametrize("name", preset_names())
def test_a_preset_agrees_with_what_words_mean(name: str) -> None:
    """Signs and orders that hold in every kind of application."""
    weight = {
        kind: event_type.weight
        for kind, event_type in preset_of(read_settings(preset=name)).event_types.items()
    }
    assert {kind for kind in weight if weight[kind] < 0} == {"dislike", "return", "skip"}
    assert weight["purchase"] > weight["cart"] > weight["view"]
    assert weight["purchase"] > -weight["return"]
    assert weight["dislike"] < weight["skip"]


@pytest.mark.parametrize("name", preset_names())
def test_only_a_search_stands_without_an_item_and_its_words_count_whole(name: str) -> None:
    kinds = preset_of(read_settings(preset=name)).event_types
    assert [kind for kind in KNOWN_TYPES if not kinds[kind].needs_item] == ["search"]
    assert kinds["search"].text_weight == 1


@pytest.mark.parametrize("name", preset_names())
def test_a_preset_explains_each_choice(name: str) -> None:
    """A comment stands above every number and every weight."""
    lines = _preset_lines(name)
    choices = [row for row, line in enumerate(lines) if "=" in line and line[0] != "#"]
    assert len(choices) == 6 + len(KNOWN_TYPES)
    assert [lines[row] for row in choices if lines[row - 1][0] != "#"] == []


def test_a_declared_type_stands_beside_the_presets_types() -> None:
    preset = preset_of(read_settings(event_types={"wave": {"weight": 2, "verb": "waved at"}}))
    assert preset.event_types["wave"] == EventType(weight=2, verb="waved at")
    assert set(preset.event_types) == {*KNOWN_TYPES, "wave"}


def test_a_changed_type_keeps_what_is_not_mentioned() -> None:
    before = preset_of(read_settings()).event_types["purchase"]
    after = preset_of(read_settings(event_types={"purchase": {"weight": 9}})).event_types[
        "purchase"
    ]
    assert after == before.model_copy(update={"weight": 9.0})


def test_other_half_lives_keep_the_sum_of_the_scales() -> None:
    preset = preset_of(read_settings(half_lives="1,30"))
    assert preset.half_lives == (1.0, 30.0)
    assert preset.scales == (10.5, 10.5)  # three times 7, shared by two
    assert preset_of(read_settings(half_lives="1,7,30")).scales == (7.0, 7.0, 7.0)


@pytest.mark.parametrize("text", ["exclude", "allow", "after 30 days"])
def test_a_repeat_policy_reads_back_as_it_is_written(text: str) -> None:
    assert str(Repeat.parse(text)) == text
    assert str(preset_of(read_settings(repeat=text)).repeat) == text


@given(night=st.integers(0, 40_000), touched=st.integers(0, 40_000), days=st.integers(1, 9999))
def test_a_repeat_policy_says_what_a_list_leaves_out(night: int, touched: int, days: int) -> None:
    left_out = {
        text: touched > Repeat.parse(text).excludes_after(night) for text in ("exclude", "allow")
    }
    assert left_out == {"exclude": True, "allow": False}
    waits = Repeat.parse(f"after {days} days")
    assert (touched > waits.excludes_after(night)) == (night - touched < days)


@pytest.mark.parametrize("text", ["exclude", "allow"])
def test_a_repeat_policy_fits_the_days_that_interactions_have(text: str) -> None:
    day = Repeat.parse(text).excludes_after(20_000)
    assert int(np.array([day], np.int32)[0]) == day


def _preset_lines(name: str) -> list[str]:
    from importlib.resources import files

    text = (files("recsys_tasks.presets") / f"{name}.toml").read_text("utf-8")
    return [line for line in text.splitlines() if line]
