"""Tenants: a folder with a file of settings for each, NAME.env, with RECSYS_ lines as README's.

DAGs are parsed from it, so that small files are all that is read here and nothing heavy is
imported.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from dotenv import dotenv_values
from dotenv.parser import parse_stream

from recsys_tasks.errors import BadSettings, did_you_mean

SUFFIX: Final = ".env"
NAME: Final = re.compile(r"[a-z][a-z0-9_-]{0,39}")
PLACE: Final = ("RECSYS_DSN", "RECSYS_SCHEMA")


def tenant_names(folder: Path) -> list[str]:
    """The tenants of a folder, ascending.

    Raises:
        BadSettings: There is none, or a file is named as no tenant can be.
    """
    names = sorted(path.stem for path in folder.glob(f"[!.]*{SUFFIX}"))
    if not names:
        problem = f"RECSYS_TENANTS: {folder} holds no file NAME{SUFFIX}"
        raise BadSettings(problem=problem)
    for name in names:
        if not NAME.fullmatch(name):
            problem = (
                f"{folder / name}{SUFFIX}: a tenant's name has at most 40 small letters, digits,"
                " - and _, and begins with a letter"
            )
            raise BadSettings(problem=problem)
    return names


def tenant_file(folder: Path, name: str) -> Path:
    """The file of a tenant.

    Raises:
        BadSettings: It is not there, cannot be read, or shares its tables with another tenant.
    """
    names = tenant_names(folder)
    if name not in names:
        nearest = did_you_mean(name, names)
        raise BadSettings(problem=f"RECSYS_TENANT: {folder} holds no {name}{SUFFIX}{nearest}")
    file = folder / f"{name}{SUFFIX}"
    place = _place(file)
    for other in names:
        if other != name and _place(folder / f"{other}{SUFFIX}") == place:
            problem = f"{file}: tenant {other} has schema {place[1]} of the same database too"
            raise BadSettings(problem=problem)
    return file


def tenant_variables(file: Path) -> dict[str, str]:
    """The settings of a tenant's file by variable, as they stand there; ${NAME} is replaced.

    A tenant's own schema is called after it where the file names none: the environment's is
    another's.

    Raises:
        BadSettings: A line is not NAME=VALUE, or names a variable that is not set.
    """
    for place, problem in _mistakes(file):
        raise BadSettings(problem=f"{file}, line {place}: {problem}")
    own = {name: text for name, text in dotenv_values(file).items() if text}
    return {PLACE[1]: file.stem.replace("-", "_")} | own


def _mistakes(file: Path) -> Iterator[tuple[int, str]]:
    """Lines that dotenv would pass over in silence, and why they are wrong."""
    try:
        with file.open(encoding="utf-8") as stream:
            lines = list(parse_stream(stream))
    except (OSError, UnicodeDecodeError) as error:
        yield 1, f"it cannot be read ({error})"
        return
    known = os.environ.keys() | {line.key for line in lines}
    for line in lines:
        text = line.original.string
        place = line.original.line + text.count("\n", 0, len(text) - len(text.lstrip()))
        if line.error or (line.key and line.value is None):
            yield place, "it is not NAME=VALUE"
        for name in re.findall(r"\$\{(\w+)\}", line.value or ""):
            if name not in known:
                yield place, f"variable {name} is not set"


def _place(file: Path) -> tuple[str, str]:
    """Database and schema; of a file that cannot be read, its name: no other has it."""
    try:
        variables = tenant_variables(file)
    except BadSettings:
        return "", str(file)
    dsn, schema = PLACE
    return variables.get(dsn, os.environ.get(dsn, "")), variables[schema]
