"""Settings, presets, tenants and gates: each choice is one that there is, or refused in one line."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import strategies as st
from hypothesis import settings as examples

from recsys_tasks.errors import BadSettings
from recsys_tasks.presets import read_preset
from recsys_tasks.settings import Settings, fingerprint_of, gate_called, read_settings, variable_of
from recsys_tasks.tenants import tenant_names

from .hostile import anything

HERE = [HealthCheck.function_scoped_fixture]
FIELDS = sorted(Settings.model_fields)
# What an environment can hold: no NUL.
values = st.one_of(
    anything,
    st.integers().map(str),
    st.floats().map(str),
    st.recursive(
        st.none() | st.booleans() | st.floats() | anything,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(anything, inner, max_size=3),
        max_leaves=6,
    ).map(lambda value: __import__("json").dumps(value)),
)


def assert_one_line(error: BadSettings) -> None:
    assert "\n" not in str(error)
    assert "pydantic" not in str(error)


@examples(suppress_health_check=HERE, max_examples=300)
@given(st.sampled_from(FIELDS), values)
def test_a_variable_of_any_value(field: str, value: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(variable_of(field), value)
        try:
            chosen = read_settings()
            fingerprint_of(chosen)
        except BadSettings as error:
            assert_one_line(error)


@given(anything)
@example("../shop")
@example("shop.toml")
def test_a_preset_of_any_name(name: str) -> None:
    if name not in ("shop", "social", "media", "education", "forum"):
        with pytest.raises(BadSettings) as end:
            read_preset(name)
        assert_one_line(end.value)


@given(anything)
def test_a_gate_of_any_name(name: str) -> None:
    try:
        gate_called(name)
    except BadSettings as error:
        assert_one_line(error)


@examples(suppress_health_check=HERE)
@given(anything)
@example("../acme")
@example("acme.env")
@example("acme/../acme")
def test_a_tenant_of_any_name_reads_no_file_but_its_own(tmp_path: Path, name: str) -> None:
    (tmp_path / "tenants").mkdir(exist_ok=True)
    for folder, preset in ((tmp_path, "forum"), (tmp_path / "tenants", "media")):
        (folder / "acme.env").write_text(f"RECSYS_PRESET={preset}\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RECSYS_TENANTS", str(tmp_path / "tenants"))
        try:
            assert read_settings(tenant=name).preset == ("media" if name == "acme" else "shop")
        except BadSettings as error:
            assert_one_line(error)


@examples(suppress_health_check=HERE)
@given(st.binary(max_size=80) | anything.map(str.encode))
def test_a_tenants_file_of_any_bytes(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "acme.env").write_bytes(content)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RECSYS_TENANTS", str(tmp_path))
        try:
            read_settings(tenant="acme")
        except BadSettings as error:
            assert_one_line(error)


@examples(suppress_health_check=HERE)
@given(anything.filter(lambda name: "/" not in name and name not in (".", "..", "")))
def test_a_folder_with_a_file_of_any_name(tmp_path: Path, name: str) -> None:
    file = tmp_path / f"{name[:60]}.env"
    try:
        file.touch()
        found = tenant_names(tmp_path)
    except OSError:
        return  # a name that the file system refuses
    except BadSettings as error:
        assert_one_line(error)
    else:
        assert found == [name[:60]]
    finally:
        file.unlink(missing_ok=True)
