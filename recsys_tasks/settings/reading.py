"""Settings are read once, at the edge: an option wins over a variable, that over a default."""

import os
from collections.abc import Iterable
from typing import Any, Final

from pydantic import ValidationError
from pydantic_settings import SettingsError

from recsys_tasks.errors import BadSettings, did_you_mean
from recsys_tasks.settings.behaviour import preset_of
from recsys_tasks.settings.options import PREFIX, Settings, variable_of
from recsys_tasks.settings.problems import problem_of

FOREIGN: Final = frozenset({"RECSYS_TEST_DSN"})  # the tests' own, no setting
JSON: Final = ("event_types", "training", "variants")


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
        field = next(name for name in JSON if f'"{name}"' in str(error))
        raise BadSettings(problem=f"{variable_of(field)} is not JSON") from error
    except ValidationError as error:
        raise BadSettings(problem=problem_of(error)) from error
    preset_of(settings)
    return settings


def _refuse_unknown(environment: Iterable[str]) -> None:
    """Stop at a RECSYS_ variable that no setting reads: misspelt, it would pass in silence."""
    known = {variable_of(field) for field in Settings.model_fields} | FOREIGN
    for name in sorted(environment):
        if name.upper().startswith(PREFIX) and name.upper() not in known:
            nearest = did_you_mean(name.upper(), known)
            raise BadSettings(problem=f"{name} is not a setting{nearest}")
