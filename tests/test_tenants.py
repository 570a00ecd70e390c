"""A tenant's settings: its own file, over what the environment says of all."""

from pathlib import Path

import pytest

from recsys_tasks.errors import BadSettings
from recsys_tasks.settings import Settings, read_settings
from recsys_tasks.tenants import tenant_names


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of tenants, named by the environment."""
    monkeypatch.setenv("RECSYS_TENANTS", str(tmp_path))
    return tmp_path


def settings_of(folder: Path, text: str, name: str = "acme") -> Settings:
    (folder / f"{name}.env").write_text(text, "utf-8")
    return read_settings(tenant=name)


def test_tenants_are_the_files_of_a_folder(folder: Path) -> None:
    for name in ("shop-2.env", "acme.env", "README.md", ".env"):
        (folder / name).touch()

    assert tenant_names(folder) == ["acme", "shop-2"]


@pytest.mark.parametrize("name", ["Acme", "1st", "a b", "x" * 41])
def test_a_name_that_no_schema_could_have_is_refused(folder: Path, name: str) -> None:
    (folder / f"{name}.env").touch()

    with pytest.raises(BadSettings, match="a tenant's name has"):
        tenant_names(folder)


def test_a_tenants_file_wins_over_the_environment(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECSYS_PRESET", "forum")
    monkeypatch.setenv("RECSYS_LIST_LENGTH", "20")
    settings = settings_of(folder, 'RECSYS_PRESET=media\nRECSYS_VARIANTS={"a": {"share": 0.1}}\n')

    assert settings.preset == "media"
    assert settings.list_length == 20
    assert settings.variants.keys() == {"a"}
    assert settings.tenant == "acme"


def test_an_option_wins_over_the_tenants_file(folder: Path) -> None:
    (folder / "acme.env").write_text("RECSYS_PRESET=media\nRECSYS_SCHEMA=theirs\n")
    settings = read_settings(tenant="acme", preset="forum", schema_name="mine")

    assert (settings.preset, settings.schema_name) == ("forum", "mine")


def test_a_tenants_schema_is_called_after_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment's would be another tenant's."""
    monkeypatch.setenv("RECSYS_SCHEMA", "shared")

    assert settings_of(folder, "", "other-shop").schema_name == "other_shop"
    assert settings_of(folder, "RECSYS_SCHEMA=own\n").schema_name == "own"
    assert read_settings().schema_name == "shared"


def test_the_environment_can_name_the_tenant(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "acme.env").write_text("RECSYS_PRESET=media\n")
    monkeypatch.setenv("RECSYS_TENANT", "acme")

    assert read_settings().preset == "media"


def test_a_file_can_leave_secrets_to_the_environment(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACME_PASSWORD", "s3cret")
    settings = settings_of(folder, "RECSYS_DSN=postgresql://acme:${ACME_PASSWORD}@host/db\n")

    assert settings.dsn == "postgresql://acme:s3cret@host/db"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("RECSYS_PRESETT=media\n", "RECSYS_PRESETT is not a setting .did you mean RECSYS_PRESET"),
        ("PRESET=media\n", "PRESET is not a setting"),
        ("\nRECSYS_PRESET\n", "line 2: it is not NAME=VALUE"),
        ("RECSYS_PRESET='media\n", "line 1: it is not NAME=VALUE"),
        ("RECSYS_DSN=${ACME_DSN}\n", "line 1: variable ACME_DSN is not set"),
        ("RECSYS_LIST_LENGTH=0\n", "acme.env: RECSYS_LIST_LENGTH"),
        ("RECSYS_VARIANTS={\n", "acme.env: RECSYS_VARIANTS is not JSON"),
    ],
)
def test_a_mistake_is_refused_with_its_place(folder: Path, text: str, message: str) -> None:
    with pytest.raises(BadSettings, match=message):
        settings_of(folder, text)


def test_a_file_that_is_no_text_is_refused(folder: Path) -> None:
    (folder / "acme.env").write_bytes(b"RECSYS_PRESET=\xff\n")

    with pytest.raises(BadSettings, match="cannot be read"):
        read_settings(tenant="acme")


def test_two_tenants_do_not_share_a_schema(folder: Path) -> None:
    (folder / "globex.env").write_text("RECSYS_SCHEMA=acme\n")
    with pytest.raises(BadSettings, match="tenant globex has schema acme"):
        settings_of(folder, "")

    elsewhere = settings_of(folder, "RECSYS_DSN=postgresql://host/other\n")
    assert elsewhere.schema_name == "acme"


def test_anothers_mistake_is_its_own(folder: Path) -> None:
    (folder / "globex.env").write_text("RECSYS_DSN=${MISSING}\n")

    assert settings_of(folder, "").schema_name == "acme"


def test_a_tenant_that_is_not_there_is_refused(folder: Path) -> None:
    (folder / "acme.env").touch()
    with pytest.raises(BadSettings, match=r"holds no acne.env .did you mean acme"):
        read_settings(tenant="acne")


def test_a_tenant_needs_a_folder() -> None:
    with pytest.raises(BadSettings, match="RECSYS_TENANTS no folder"):
        read_settings(tenant="acme")
