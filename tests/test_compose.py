"""The containers: what docker-compose.yml says, as the client reads it, and what it is made of."""

import json
import re
import runpy
import shutil
import subprocess
from functools import cache
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pytest
import yaml

HOME = Path(__file__).parents[1]
ALWAYS = {
    "warehouse",
    "metadata",
    "init",
    "api-server",
    "scheduler",
    "dag-processor",
    "triggerer",
}
PROFILES = {
    "": ALWAYS,
    "scale": {*ALWAYS, "redis", "worker"},
    "gpu": {*ALWAYS, "redis", "worker-gpu"},
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as a user has it after `make .env`."""
    folder = tmp_path_factory.mktemp("project")
    for name in ("Makefile", "docker-compose.yml", ".env.example"):
        shutil.copy(HOME / name, folder)
    subprocess.run(["make", ".env"], cwd=folder, check=True)
    return folder


def client() -> list[str]:
    """The compose client of this machine: to read a file it needs no engine."""
    for command in (["docker", "compose"], ["docker-compose"]):
        if shutil.which(command[0]):
            found = subprocess.run([*command, "version"], capture_output=True, check=False)
            if found.returncode == 0:
                return command
    pytest.skip("no compose client: apt-get install docker-compose")


@cache
def services(folder: Path, profile: str) -> dict[str, dict[str, Any]]:
    """The services of a profile, as the client resolves them."""
    arguments = ["--profile", profile] if profile else []
    done = subprocess.run(
        [*client(), *arguments, "config"], cwd=folder, capture_output=True, text=True, check=True
    )
    resolved: dict[str, dict[str, Any]] = yaml.safe_load(done.stdout)["services"]
    # The first client of all lists the services of every profile.
    return {
        name: service
        for name, service in resolved.items()
        if profile in service.get("profiles", [profile])
    }


@pytest.mark.parametrize("profile", PROFILES)
def test_a_profile_is_its_services(project: Path, profile: str) -> None:
    assert services(project, profile).keys() == PROFILES[profile]


@pytest.mark.parametrize("profile", PROFILES)
def test_every_service_is_watched_bounded_and_started_again(project: Path, profile: str) -> None:
    for name, service in services(project, profile).items():
        assert service["mem_limit"], name
        if name == "init":
            assert service["restart"] == "no"
            continue
        assert service["healthcheck"]["test"], name
        assert service["restart"] == "unless-stopped", name


def test_services_share_their_keys(project: Path) -> None:
    """Tasks whose signature the web server does not know would die."""
    airflows = [service for name, service in services(project, "scale").items() if is_ours(name)]

    for name in ("JWT_SECRET", "FERNET_KEY", "SECRET_KEY"):
        found = {
            value
            for service in airflows
            for key, value in service["environment"].items()
            if key.endswith(name)
        }
        assert len(found) == 1, name
        assert len(found.pop()) > 40


def is_ours(name: str) -> bool:
    return name not in {"warehouse", "metadata", "redis"}


def test_nothing_waits_for_what_its_profile_does_not_start(project: Path) -> None:
    for profile, names in PROFILES.items():
        for service in services(project, profile).values():
            assert set(service.get("depends_on", {})) <= names


def test_ports_are_open_to_this_machine_only(project: Path) -> None:
    published = [
        json.dumps(port)
        for service in services(project, "scale").values()
        for port in service.get("ports", [])
    ]

    assert len(published) == 2
    assert all("127.0.0.1" in port for port in published)


def test_without_secrets_nothing_starts(project: Path, tmp_path: Path) -> None:
    shutil.copy(project / "docker-compose.yml", tmp_path)
    (tmp_path / ".env").touch()

    done = subprocess.run(
        [*client(), "config"], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert done.returncode != 0
    assert "run make docker, which writes .env" in done.stderr


def variables_of(text: str) -> dict[str, str]:
    """The lines NAME=VALUE, comments or not."""
    return dict(re.findall(r"^#?([A-Z_0-9]+)=(.*)$", text, re.MULTILINE))


def test_secrets_are_made_once_and_for_nobody_else(project: Path) -> None:
    from cryptography.fernet import Fernet

    path = project / ".env"
    written = path.read_text("utf-8")
    subprocess.run(["make", ".env"], cwd=project, check=True)
    example = variables_of((HOME / ".env.example").read_text("utf-8"))
    secrets = [
        variables_of(written)[name]
        for name, value in example.items()
        if value in {"SECRET", "FERNET"}
    ]

    assert path.read_text("utf-8") == written
    assert path.stat().st_mode & 0o077 == 0
    assert len(set(secrets)) == len(secrets) == 8
    Fernet(variables_of(written)["AIRFLOW__CORE__FERNET_KEY"])


def test_the_example_explains_every_variable() -> None:
    """But those with a default that few change."""
    asked = set(re.findall(r"\$\{([A-Z_0-9]+)", (HOME / "docker-compose.yml").read_text("utf-8")))

    assert asked - variables_of((HOME / ".env.example").read_text("utf-8")).keys() <= {"POOL_SLOTS"}


def test_settings_are_settings_of_airflow_and_ebbtide(project: Path) -> None:
    """A misspelt one would pass in silence."""
    from recsys_tasks.settings import Settings, variable_of

    ours = {variable_of(field) for field in Settings.model_fields}
    theirs = airflow_variables()

    for profile in PROFILES:
        for service in services(project, profile).values():
            for name in service.get("environment", {}):
                assert not name.startswith("AIRFLOW__") or name in theirs, name
                assert not name.startswith("RECSYS_") or name in ours, name


def airflow_variables() -> set[str]:
    """The variables of all options that Airflow and the Celery provider document."""
    core, celery = distribution("apache-airflow-core"), "apache-airflow-providers-celery"
    options = Path(str(core.locate_file("airflow/config_templates/config.yml")))
    of_celery = distribution(celery).locate_file("airflow/providers/celery/get_provider_info.py")
    provider = runpy.run_path(str(of_celery))["get_provider_info"]()  # importing it sets Airflow up
    sections = {**yaml.safe_load(options.read_text("utf-8")), **provider["config"]}
    return {
        f"AIRFLOW__{section}__{option}".upper()
        for section, description in sections.items()
        for option in description["options"]
    }


def test_the_image_is_made_of_files_that_it_may_see() -> None:
    recipe = (HOME / "Dockerfile").read_text("utf-8")
    copied = [
        source
        for line in re.findall(r"^COPY (.+)$", recipe, re.MULTILINE)
        for source in line.split()[:-1]
    ]
    visible = re.findall(r"^!(.+)$", (HOME / ".dockerignore").read_text("utf-8"), re.MULTILINE)

    assert sorted(copied) == sorted(visible)
    assert all((HOME / source).exists() for source in copied)
