"""Settings: what is read, what is refused, and what the fingerprint follows."""

import pytest

from recsys_tasks.errors import BadSettings
from recsys_tasks.settings import (
    EventType,
    Settings,
    fingerprint_of,
    preset_of,
    read_settings,
    variable_of,
    with_variants,
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
        ("RECSYS_CATEGORY_CAP", "2", "category_cap", 2),
        ("RECSYS_LIST_FILTER", "category <> 'adult'", "list_filter", "category <> 'adult'"),
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
    assert_refused(r"RECSYS_LISTLENGTH is not a setting \(did you mean RECSYS_LIST_LENGTH\?\)")


def test_the_tests_own_variable_is_no_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECSYS_TEST_DSN", "dbname=x")
    assert read_settings().dsn is None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *[("schema_name", name) for name in ("app", "public", "pg_temp", "information_schema")],
        *[("schema_name", name) for name in ("Upper", "7th", "a-b", "a b", "a" * 41, "é")],
        ("list_length", 0),
        ("diversity", 1.1),
        ("category_cap", 0),
        ("new_item_share", 0.6),
        ("list_filter", ""),
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
        ("variants", {"b": {}}),
        ("variants", {"b": {"share": 0}}),
        ("variants", {"b": {"share": 0.1, "shares": 1}}),
        ("variants", {"b": {"share": 0.1, "decay": "alpha 1"}}),
        ("variants", {"b": {"share": 0.1, "decay": "half-life 0 days"}}),
        ("variants", {"b": {"share": 0.1, "stage": "third"}}),
        ("variants", {"b": {"share": 0.1, "diversity": 2}}),
        ("variants", {"b": {"share": 0.1, "model": ""}}),
        ("variants", {"B": {"share": 0.1}}),
        ("variants", {"content": {"share": 0.1}}),
        ("variants", {"decayed_popular_7": {"share": 0.1}}),
        ("variants", {"b": {"share": 0.6}, "c": {"share": 0.5}}),
        ("variant_salt", ""),
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


@pytest.mark.parametrize("variable", ["RECSYS_EVENT_TYPES", "RECSYS_VARIANTS"])
def test_what_should_be_json_and_is_not_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "{wave: 2}")
    assert_refused(f"{variable} is not JSON")


def test_an_unknown_preset_is_refused_with_the_known_ones() -> None:
    assert_refused(r"social \(did you mean shop\?\)", preset="shp")


def test_a_password_is_shown_nowhere() -> None:
    settings = read_settings(dsn="postgresql://me:secret@host/db")
    assert "secret" not in repr(settings)
    assert "secret" not in str(settings)
    with pytest.raises(BadSettings) as refusal:
        read_settings(dsn=["postgresql://me:secret@host/db"])
    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("preset", "media"),
        ("half_lives", "1,30"),
        ("repeat", "allow"),
        ("event_types", {"wave": {"weight": 2}}),
        ("encoder", "another"),
        ("list_length", 10),
        ("diversity", 0.1),
        ("category_cap", 2),
        ("new_item_share", 0.1),
        ("list_filter", "true"),
        ("variants", {"b": {"share": 0.1}}),
        ("variant_salt", "2"),
        ("text_limit", 100),
    ],
)
def test_the_fingerprint_follows_what_changes_the_lists(field: str, value: object) -> None:
    assert fingerprint_of(read_settings(**{field: value})) != fingerprint_of(read_settings())


@pytest.mark.parametrize(
    ("field", "value"),
    [("dsn", "dbname=x"), ("schema_name", "b"), ("device", "cpu"), ("batch_size", 1), ("var", "v")],
)
def test_the_fingerprint_ignores_where_and_how_fast(field: str, value: object) -> None:
    assert fingerprint_of(read_settings(**{field: value})) == fingerprint_of(read_settings())


def test_the_fingerprint_tells_what_a_variant_says_from_what_it_leaves_open() -> None:
    """Where the default is diverse, a diversity of 0 is a difference, and none said is not."""
    said, open_ = (
        read_settings(diversity=0.3, variants={"b": {"share": 0.1, **given}})
        for given in ({"diversity": 0.0}, {})
    )
    assert fingerprint_of(said) != fingerprint_of(open_)


def test_the_fingerprint_is_of_what_is_meant_not_of_how_it_is_said() -> None:
    said = preset_of(read_settings())
    repeated = read_settings(
        repeat=str(said.repeat),
        half_lives=said.half_lives,
        event_types={"view": said.event_types["view"].model_dump()},
    )
    assert fingerprint_of(repeated) == fingerprint_of(read_settings())


def test_how_dags_run_changes_no_list() -> None:
    told = read_settings(publish_by="04:00", alert_webhook="https://x", pool="big", tenants="x")

    assert fingerprint_of(told) == fingerprint_of(read_settings())


def test_a_night_can_do_without_some_variants() -> None:
    settings = read_settings(variants={"a": {"share": 0.1}, "b": {"share": 0.2}})

    assert with_variants(settings, ["b"]).variants == {"b": settings.variants["b"]}
    assert with_variants(settings, []).variants == {}
    with pytest.raises(BadSettings, match=r"'bb' is no variant of RECSYS_VARIANTS .did you mean b"):
        with_variants(settings, ["a", "bb"])


@pytest.mark.parametrize(
    ("variable", "wrong"),
    [
        ("RECSYS_PUBLISH_BY", "6"),
        ("RECSYS_PUBLISH_BY", "24:00"),
        ("RECSYS_FIRST_DAY", "soon"),
        ("RECSYS_ALERT_WEBHOOK", "ftp://x"),
        ("RECSYS_ALERT_EMAIL", "a@x.example, nobody"),
        ("RECSYS_SMTP", "mail.x.example"),
    ],
)
def test_how_dags_run_is_checked(
    monkeypatch: pytest.MonkeyPatch, variable: str, wrong: str
) -> None:
    monkeypatch.setenv(variable, wrong)

    with pytest.raises(BadSettings, match=variable):
        read_settings()


def test_addresses_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECSYS_ALERT_EMAIL", "a@x.example, b@x.example")

    assert read_settings().alert_email == ("a@x.example", "b@x.example")


def test_a_language_model_matters_where_a_variant_asks_it_and_its_time_never() -> None:
    plain = fingerprint_of(read_settings())
    some: dict[str, object] = {"share": 0.1, "language": 0.2}
    asked = [
        read_settings(language={"model": "m", **changes}, variants={"a": some})
        for changes in ({}, {"seconds": 5}, {"events": 7}, {"users": 5})
    ]
    first, later, more, fewer = map(fingerprint_of, asked)

    assert fingerprint_of(read_settings(language={"model": "m"})) == plain
    assert first == later
    assert len({plain, first, more, fewer}) == 4


@pytest.mark.parametrize(
    ("variant", "others", "match"),
    [
        ({}, {"language": None}, "a needs RECSYS_LANGUAGE"),
        ({"diversity": 0.1}, {}, "a has language and diversity"),
        ({}, {"category_cap": 3}, "a has language and category_cap"),
        ({"new_item_share": 0.1}, {}, "a has language and new_item_share"),
        ({"language": 1.5}, {}, "RECSYS_VARIANTS.a.language"),
    ],
)
def test_a_variant_that_a_language_model_orders_needs_one_and_no_other_order(
    variant: dict[str, object], others: dict[str, object], match: str
) -> None:
    variants = {"a": {"share": 0.1, "language": 0.2, **variant}}
    assert_refused(match, **{"language": {"model": "m"}, "variants": variants, **others})


def test_a_variant_may_do_without_the_order_that_the_settings_have() -> None:
    variant = {"share": 0.1, "language": 0.2, "category_cap": None}
    read_settings(language={"model": "m"}, category_cap=3, variants={"a": variant})
