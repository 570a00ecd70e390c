"""Presets: what behaviour means in one kind of application, as one TOML file each.

A file gives a weight to every known event type, the half-lives of interests and trends, and the
repeat policy, and says beside each why. `settings.preset_of` lays an operator's changes over it.
"""

import re
import tomllib
from collections.abc import Iterator
from importlib.resources import files
from itertools import pairwise
from typing import Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from recsys_tasks.errors import BadSettings, did_you_mean

KNOWN_TYPES = (
    *("view", "click", "play", "search", "share", "follow", "like", "dislike", "favourite", "cart"),
    *("purchase", "return", "rating", "comment", "review", "tag", "ask", "answer"),
    *("complete", "skip"),
)

_DAYS = np.iinfo(np.int32)
_REPEAT = re.compile(r"exclude|allow|after ([1-9]\d{0,3}) days?")


class EventType(BaseModel):
    """What an interaction of one type says about its user's interest in its item.

    Attributes:
        weight: How much; below 0 it says that the item is not wanted.
        value: What the event's value does. `ignore`: nothing. `rating`: from 0.6 of the scale
            upward it leaves 0.5 to 1 of the weight, below it turns 0 to 0.5 of it negative.
            `log`: the weight is multiplied by ln(e + value), so by 1 where the value is 0. An
            event without a value has the weight as it stands.
        text_weight: Weight of what the user wrote with it, relative to `weight`.
        stance: How far the stance of what the user wrote turns a positive weight, from 0 for not at
            all to 1: praise then makes it up to half as large again, a complaint takes it down to
            minus half of it. A rating given with the text has said it, and is not turned.
        needs_item: Whether an event of this type without an item is a broken row.
        uses_up: Whether the user has had the item after it, so that the repeat policy keeps it out
            of lists.
        minimum: Smallest value that is believed; None for any.
        maximum: Largest value that is believed; None for any.
        verb: Past tense for reasons: "because you {verb} ...".
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    weight: float
    value: Literal["ignore", "rating", "log"] = "ignore"
    text_weight: float = Field(0.0, ge=0)
    stance: float = Field(0.0, ge=0, le=1)
    needs_item: bool = True
    uses_up: bool = True
    minimum: float | None = None
    maximum: float | None = None
    verb: str = Field("chose", min_length=1)

    @model_validator(mode="after")
    def _range_makes_sense(self) -> Self:
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            message = f"minimum {self.minimum} is above maximum {self.maximum}"
            raise ValueError(message)
        if self.value == "log" and (self.minimum is None or self.minimum < 0):
            message = "value 'log' needs a minimum of at least 0"
            raise ValueError(message)
        return self

    def __repr_args__(self) -> Iterator[tuple[str | None, object]]:
        """Its fields, but for a stance that does nothing: what was weighed without it stays so."""
        return (part for part in super().__repr_args__() if part != ("stance", 0.0))


class Repeat(BaseModel):
    """When a list may show what its user had already: never, at once, or `after` some days."""

    model_config = ConfigDict(frozen=True)

    kind: Literal["exclude", "allow", "after"]
    days: int = 0

    @classmethod
    def parse(cls, text: str) -> "Repeat":
        """Read `exclude`, `allow` or `after N days`.

        Raises:
            ValueError: The text is none of them.
        """
        match = _REPEAT.fullmatch(text)
        if match is None:
            message = f"{text!r} is none of exclude, allow, after N days (N from 1 to 9999)"
            raise ValueError(message)
        if match[1] is None:
            return cls.model_validate({"kind": text})
        return cls(kind="after", days=int(match[1]))

    def excludes_after(self, night: int) -> int:
        """The list of `night` leaves out what its user touched on a later day than this one.

        >>> Repeat.parse("after 30 days").excludes_after(100)
        70
        """
        if self.kind == "after":
            return night - self.days
        return int(_DAYS.min) if self.kind == "exclude" else int(_DAYS.max)

    def __str__(self) -> str:
        return f"after {self.days} days" if self.kind == "after" else self.kind


class Preset(BaseModel):
    """What behaviour means in one kind of application.

    Attributes:
        name: Of the file.
        half_lives: Of interests, in days, ascending; H of them.
        scales: s_h of the score: how much the interest of each half-life counts, length H.
        prior_mass: m0 of the score: the decayed evidence that weighs as much as the prior.
        trend_half_lives: Of decayed counts, in days, ascending.
        trend_weights: tau_k of the score, one for each of them.
        repeat: When lists may show what the user had already.
        event_types: By name.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: str
    half_lives: tuple[float, ...] = Field(min_length=1)
    scales: tuple[float, ...]
    prior_mass: float = Field(ge=0)
    trend_half_lives: tuple[float, ...] = Field(min_length=1)
    trend_weights: tuple[float, ...]
    repeat: Repeat
    event_types: dict[str, EventType]

    @field_validator("half_lives", "trend_half_lives")
    @classmethod
    def _ascend_from_above_zero(cls, days: tuple[float, ...]) -> tuple[float, ...]:
        if days[0] <= 0 or any(after <= before for before, after in pairwise(days)):
            message = "days must be above 0 and ascending"
            raise ValueError(message)
        return days

    @field_validator("repeat", mode="before")
    @classmethod
    def _parse_repeat(cls, repeat: object) -> object:
        return Repeat.parse(repeat) if isinstance(repeat, str) else repeat

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        missing = [name for name in KNOWN_TYPES if name not in self.event_types]
        if missing:
            message = f"no weight for {', '.join(missing)}"
            raise ValueError(message)
        if len(self.scales) != len(self.half_lives):
            message = "scales need one number for each half-life"
            raise ValueError(message)
        if len(self.trend_weights) != len(self.trend_half_lives):
            message = "trend_weights need one number for each trend half-life"
            raise ValueError(message)
        return self


def preset_names() -> list[str]:
    """The presets that come with the package, in alphabetical order."""
    names = (entry.name for entry in files(__package__).iterdir())
    return sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml"))


def read_preset(name: str) -> Preset:
    """The preset of that name, as its file says it.

    Raises:
        BadSettings: There is no such preset.
    """
    names = preset_names()
    if name not in names:
        nearest = did_you_mean(name, names)
        raise BadSettings(problem=f"Preset {name!r} is none of {', '.join(names)}{nearest}")
    table = tomllib.loads((files(__package__) / f"{name}.toml").read_text("utf-8"))
    return Preset.model_validate({"name": name, **table})
