"""Settings and presets: what is read, what is refused, and what a preset says."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsys_tasks.errors import BadSettings
from recsys_tasks.settings import (
    KNOWN_TYPES,
    EventType,
    Repeat,
    Settings,
    preset_names,
    preset_of,
    read_settings,
    variable_of,
)


def assert_refused(match: str, **overrides: object) -> None:
    """Refused in one line that says `match` and shows nothing of pydantic."""
    with pytest.raises(BadSettings, match=match) as refusal:
        read_settings(**overrides)
    assert "\n" not in str(refusal.value)
    assert "pydantic" not in str(refusal.value)


def test_defaults_need_no_environment() -> None:
    settings = read_settings()
    assert settings.dsn is None
    assert settings.schema_name == "recsys"
    assert preset_of(settings).name == "shop"


@pytest.mark.parametrize("field", sorted(Settings.model_fields))
def test_every_setting_is_described(field: str) -> None:
    """README's table is made of the descriptions."""
    assert Settings.model_fields[field].description


@pytest.mark.parametrize(
    ("variable", "text", "field", "value"),
    [
        ("RECSYS_SCHEMA", "tenant_7", "schema_name", "tenant_7"),
        ("RECSYS_LIST_LENGTH", "20", "list_length", 20),
        ("RECSYS_HALF_LIVES", "1, 7.5,30", "half_lives", (1.0, 7.5, 30.0)),
        ("RECSYS_HALF_LIVES", "[1, 7.5, 30]", "half_lives", (1.0, 7.5, 30.0)),
        ("RECSYS_REFRESH_DAYS", "30", "refresh_days", 30),
        ("RECSYS_DSN", "", "dsn", None),
        (
            "RECSYS_EVENT_TYPES",
            '{"wave": {"weight": 2}}',
            "event_types",
            {"wave": EventType(weight=2)},
        ),
    ],
)
def test_a_variable_sets_its_field(
    monkeypatch: pytest.MonkeyPatch, variable: str, text: str, field: str, value: object
) -> None:
    monkeypatch.setenv(variable, text)
    assert getattr(read_settings(), field) == value
    assert variable_of(field) == variable


def test_an_option_wins_over_a_variable_and_none_is_no_option(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RECSYS_PRESET", "media")
    assert read_settings(preset="forum").preset == "forum"
    assert read_settings(preset=None).preset == "media"


def test_an_unknown_variable_is_refused_with_the_nearest_known_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RECSYS_LISTLENGTH", "20")
    assert_refused("RECSYS_LISTLENGTH is not a setting; did you mean RECSYS_LIST_LENGTH?")


def test_the_tests_own_variable_is_no_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECSYS_TEST_DSN", "dbname=x")
    assert read_settings().dsn is None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *[("schema_name", name) for name in ("app", "public", "pg_temp", "information_schema")],
        *[("schema_name", name) for name in ("Upper", "7th", "a-b", "a b", "a" * 41, "é")],
        ("list_length", 0),
        ("late_days", -1),
        ("enough_users", 1.5),
        ("enough_overlap", "nan"),
        ("device", "gpu"),
        ("half_lives", "14,2"),
        ("half_lives", "0,2"),
        ("half_lives", "two"),
        ("half_lives", "inf"),
        ("repeat", "after 0 days"),
        ("repeat", "sometimes"),
        ("event_types", {"wave": {"weigth": 2}}),
        ("event_types", {"wave": {"weight": 1, "minimum": 5, "maximum": 1}}),
        ("event_types", {"wave": {"weight": 1, "value": "log"}}),
    ],
)
def test_a_value_that_is_not_allowed_is_refused_by_the_name_of_its_variable(
    field: str, value: object
) -> None:
    assert_refused(variable_of(field), **{field: value})


def test_an_unknown_option_is_refused_by_name() -> None:
    assert_refused("list_lenght", list_lenght=20)


def test_event_types_that_are_not_json_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECSYS_EVENT_TYPES", "{wave: 2}")
    assert_refused("RECSYS_EVENT_TYPES is not JSON")


def test_an_unknown_preset_is_refused_with_the_known_ones() -> None:
    assert_refused("education, forum, media, shop, social; did you mean shop?", preset="shp")


def test_a_password_is_shown_nowhere() -> None:
    settings = read_settings(dsn="postgresql://me:secret@host/db")
    assert "secret" not in repr(settings)
    assert "secret" not in str(settings)
    with pytest.raises(BadSettings) as refusal:
        read_settings(dsn=["postgresql://me:secret@host/db"])
    assert "secret" not in str(refusal.value)


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
    assert preset.scales == (6.0, 6.0)  # three times 4, shared by two
    assert preset_of(read_settings(half_lives="1,7,30")).scales == (4.0, 4.0, 4.0)


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


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("preset", "media"),
        ("half_lives", "1,30"),
        ("repeat", "allow"),
        ("event_types", {"wave": {"weight": 2}}),
        ("encoder", "another"),
        ("list_length", 10),
        ("text_limit", 100),
    ],
)
def test_the_fingerprint_follows_what_changes_the_lists(field: str, value: object) -> None:
    assert read_settings(**{field: value}).fingerprint() != read_settings().fingerprint()


@pytest.mark.parametrize(
    ("field", "value"),
    [("dsn", "dbname=x"), ("schema_name", "b"), ("device", "cpu"), ("batch_size", 1), ("var", "v")],
)
def test_the_fingerprint_ignores_where_and_how_fast(field: str, value: object) -> None:
    assert read_settings(**{field: value}).fingerprint() == read_settings().fingerprint()


def test_the_fingerprint_is_of_what_is_meant_not_of_how_it_is_said() -> None:
    said = preset_of(read_settings())
    repeated = read_settings(
        repeat=str(said.repeat),
        half_lives=said.half_lives,
        event_types={"view": said.event_types["view"].model_dump()},
    )
    assert repeated.fingerprint() == read_settings().fingerprint()


def _preset_lines(name: str) -> list[str]:
    from importlib.resources import files

    text = (files("recsys_tasks.presets") / f"{name}.toml").read_text("utf-8")
    return [line for line in text.splitlines() if line]
