"""Airflow's own settings for one machine: airflow.cfg in its home, with secrets made once."""

import base64
import json
import secrets
from collections.abc import Mapping
from configparser import RawConfigParser
from importlib.util import find_spec
from typing import Final

from recsys_tasks.errors import BadSettings
from recsys_tasks.standalone.place import Place

ROLES: Final = {"admin": "admin", "viewer": "viewer"}  # by user
PASSWORDS: Final = "passwords.json"
PRIVATE: Final = 0o600


def configure(place: Place, metadata: str) -> None:
    """Write airflow.cfg, so that `AIRFLOW_HOME=... airflow ...` finds the same Airflow.

    What somebody else wrote into it stays, but for the options that are ours. Secrets and passwords
    are made at the first time, and kept.

    Args:
        place: Whose.
        metadata: SQLAlchemy URL of the metadata database.

    Raises:
        BadSettings: Airflow is not installed.
    """
    if find_spec("airflow") is None:
        problem = "Airflow is not installed here: run `make setup`"
        raise BadSettings(problem=problem)
    place.home.mkdir(parents=True, exist_ok=True)
    path = place.home / "airflow.cfg"
    parser = RawConfigParser()
    parser.read(path, encoding="utf-8")
    for (section, option), value in _secrets().items():
        if not parser.has_option(section, option):
            _set(parser, section, option, value)
    for (section, option), value in {**_options(place, metadata), **place.options}.items():
        _set(parser, section, option, value)
    path.touch(PRIVATE)
    with path.open("w", encoding="utf-8") as file:
        parser.write(file)


def passwords(place: Place) -> Mapping[str, str]:
    """Of the web interface, by user; made at the first time."""
    path = place.home / PASSWORDS
    if not path.exists():
        path.touch(PRIVATE)
        path.write_text(json.dumps({user: secrets.token_urlsafe(9) for user in ROLES}) + "\n")
    kept: dict[str, str] = json.loads(path.read_text("utf-8"))
    return kept


def _set(parser: RawConfigParser, section: str, option: str, value: str) -> None:
    if not parser.has_section(section):
        parser.add_section(section)
    parser.set(section, option, value.replace("%", "%%"))  # Airflow's reader interpolates


def _secrets() -> Mapping[tuple[str, str], str]:
    """What the processes know each other by."""
    fernet_key = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
    return {
        ("core", "fernet_key"): fernet_key,
        ("api", "secret_key"): secrets.token_urlsafe(32),
        ("api_auth", "jwt_secret"): secrets.token_urlsafe(64),
    }


def _options(place: Place, metadata: str) -> Mapping[tuple[str, str], str]:
    """What differs from Airflow's defaults on one small machine."""
    address = f"http://{place.near_host}:{place.port}"
    return {
        ("core", "executor"): "LocalExecutor",
        ("core", "parallelism"): str(place.parallelism),
        ("core", "load_examples"): "False",
        ("core", "dags_folder"): str(place.dags),
        ("core", "plugins_folder"): str(place.plugins),
        ("core", "execution_api_server_url"): f"{address}/execution/",
        ("core", "simple_auth_manager_users"): ",".join(map(":".join, ROLES.items())),
        ("core", "simple_auth_manager_passwords_file"): str(place.home / PASSWORDS),
        ("database", "sql_alchemy_conn"): metadata,
        ("api", "host"): place.host,
        ("api", "port"): str(place.port),
        ("api", "base_url"): place.url,
        ("api", "workers"): "1",
        # A browser's open connection must not hold up Ctrl-C.
        ("api", "worker_timeout"): "5",
        ("dag_processor", "parsing_processes"): "1",
        ("dag_processor", "refresh_interval"): "15",
        # A busy laptop's web server may take its time to answer a task.
        ("workers", "execution_api_timeout"): "30",
        ("logging", "base_log_folder"): str(place.home / "logs"),
    }


def metadata_url(dsn: str) -> str:
    """The SQLAlchemy URL of an embedded server, which speaks over a Unix socket.

    >>> metadata_url("postgresql://postgres:@/postgres?host=/run/x")
    'postgresql+psycopg2://postgres:@/postgres?host=/run/x'
    """
    return dsn.replace("postgresql://", "postgresql+psycopg2://", 1)
