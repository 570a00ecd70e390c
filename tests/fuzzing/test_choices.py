"""Settings, presets, tenants, gates: each choice is one that there is, or refused in one line."""

import json
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from recsys_tasks.errors import BadSettings, UnknownTenant
from recsys_tasks.presets import preset_names, read_preset
from recsys_tasks.settings import Settings, fingerprint_of, gate_called, read_settings, variable_of
from recsys_tasks.tenants import tenant_names

from .entrances import Entrances, some
from .hostile import anything

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
    ).map(json.dumps),
)


@some(2)
@given(field=st.sampled_from(FIELDS), value=values)
def test_a_variable_of_any_value(entrances: Entrances, field: str, value: str) -> None:
    refusal = None
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(variable_of(field), value)
        try:
            chosen = read_settings()
            fingerprint_of(chosen)
        except BadSettings as error:
            refusal = error
    entrances.tell("variables of the environment", refusal)


@some(0.5)
@given(name=anything)
@example(name="../shop")
@example(name="shop.toml")
def test_a_preset_of_any_name(entrances: Entrances, name: str) -> None:
    refusal = None
    try:
        read_preset(name)
    except BadSettings as error:
        refusal = error
    assert (refusal is None) == (name in preset_names())
    entrances.tell("presets", refusal)


@some(0.5)
@given(name=anything)
def test_a_gate_of_any_name(entrances: Entrances, name: str) -> None:
    refusal = None
    try:
        gate_called(name)
    except BadSettings as error:
        refusal = error
    entrances.tell("gates", refusal)


@some(1)
@given(name=anything)
@example(name="../acme")
@example(name="acme.env")
@example(name="acme/../acme")
@example(name="acme")
def test_a_tenant_of_any_name_reads_no_file_but_its_own(
    entrances: Entrances, tmp_path: Path, name: str
) -> None:
    (tmp_path / "tenants").mkdir(exist_ok=True)
    for folder, preset in ((tmp_path, "forum"), (tmp_path / "tenants", "media")):
        (folder / "acme.env").write_text(f"RECSYS_PRESET={preset}\n")
    refusal = None
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RECSYS_TENANTS", str(tmp_path / "tenants"))
        try:
            assert read_settings(tenant=name).preset == "media"
        except (BadSettings, UnknownTenant) as error:
            refusal = error
    assert (refusal is None) == (name == "acme")
    entrances.tell("tenants", refusal)


@some(1)
@given(content=st.binary(max_size=80) | anything.map(str.encode))
def test_a_tenants_file_of_any_bytes(entrances: Entrances, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "acme.env").write_bytes(content)
    refusal = None
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RECSYS_TENANTS", str(tmp_path))
        try:
            read_settings(tenant="acme")
        except BadSettings as error:
            refusal = error
    entrances.tell("tenants' files", refusal)


@some(1)
@given(name=anything.filter(lambda name: "/" not in name and name not in (".", "..", "")))
def test_a_folder_with_a_file_of_any_name(entrances: Entrances, tmp_path: Path, name: str) -> None:
    file, refusal = tmp_path / f"{name[:60]}.env", None
    file.touch()
    try:
        assert tenant_names(tmp_path) == [name[:60]]
    except BadSettings as error:
        refusal = error
    finally:
        file.unlink()
    entrances.tell("tenants' files", refusal)
