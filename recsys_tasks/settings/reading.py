"""Settings are read once, at the edge: an option wins over a variable, that over a default."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError
from pydantic_settings import SettingsError

from recsys_tasks.errors import BadSettings, did_you_mean
from recsys_tasks.operation import PREFIX, Operation
from recsys_tasks.settings.behaviour import check_language, noise_secret, preset_of
from recsys_tasks.settings.options import Settings, variable_of
from recsys_tasks.settings.problems import problem_of
from recsys_tasks.tenants import tenant_file, tenant_variables

FOREIGN: Final = frozenset({"RECSYS_TEST_DSN"})  # the tests' own, no setting
JSON: Final = ("event_types", "gates", "training", "variants")


def read_settings(**overrides: object) -> Settings:
    """Settings from options, the tenant's file and the environment; the first that says it counts.

    An override of None counts as not given.

    Raises:
        BadSettings: A RECSYS_ variable or an option is unknown, or a value is not allowed.
    """
    _refuse_unknown(os.environ)
    given: dict[str, Any] = {name: value for name, value in overrides.items() if value is not None}
    file = _tenant_file(given)
    if file is not None:
        variables = tenant_variables(file)
        _refuse_unknown(variables, file)
        given.setdefault("schema_name", variables[variable_of("schema_name")])
    settings = _read(given, file)
    preset_of(settings)
    check_language(settings)
    if settings.privacy is not None:
        noise_secret(settings)
    return settings


def _read(given: dict[str, Any], file: Path | None) -> Settings:
    """Settings, or what is wrong with them and where."""
    place = f"{file}: " if file else ""
    try:
        return Settings(**given, _env_file=file)
    except SettingsError as error:
        field = next(name for name in JSON if f'"{name}"' in str(error))
        raise BadSettings(problem=f"{place}{variable_of(field)} is not JSON") from error
    except ValidationError as error:
        raise BadSettings(problem=place + problem_of(error)) from error


def _tenant_file(given: dict[str, Any]) -> Path | None:
    """The file of the tenant whose settings are asked for; None where none is."""
    asked = {name: given[name] for name in ("tenants", "tenant") if name in given}
    try:
        operation = Operation(**asked)
    except ValidationError as error:
        raise BadSettings(problem=problem_of(error)) from error
    if operation.tenant is None:
        return None
    if operation.tenants is None:
        raise BadSettings(problem="RECSYS_TENANT names a tenant, RECSYS_TENANTS no folder of them")
    return tenant_file(operation.tenants, operation.tenant)


def _refuse_unknown(names: Iterable[str], file: Path | None = None) -> None:
    """Stop at a RECSYS_ variable that no setting reads: misspelt, it would pass in silence.

    In a tenant's file every name has to be one of a setting.
    """
    known = {variable_of(field) for field in Settings.model_fields} | FOREIGN
    for name in sorted(names):
        if (file or name.upper().startswith(PREFIX)) and name.upper() not in known:
            nearest = did_you_mean(name.upper(), known)
            place = f"{file}: " if file else ""
            raise BadSettings(problem=f"{place}{name} is not a setting{nearest}")
