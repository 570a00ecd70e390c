"""The plugin: what Airflow reads of it in every process."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PLUGINS = Path(__file__).parents[2] / "plugins"
HEAVY = ("fastapi", "jinja2", "numpy", "pandas", "psycopg2", "plotly", "torch")


def run(code: str, home: Path) -> str:
    environment = os.environ | {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(PLUGINS),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    }
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    return done.stdout.splitlines()[-1]


@pytest.mark.slow
def test_airflow_finds_the_plugin_and_runs_nothing_else(tmp_path: Path) -> None:
    """Every file in the folder that is not ignored is run, in every process."""
    code = f"""
import json, sys
from airflow import plugins_manager
before = set(sys.modules)
plugins, errors = plugins_manager._get_plugins()
new = {{name.split(".")[0] for name in set(sys.modules) - before}}
found = [plugin.name for plugin in plugins if "ebbtide" in (plugin.name or "")]
print(json.dumps([found, errors, sorted(new & {{"ebbtide_pages", *{HEAVY!r}}})]))
"""
    assert json.loads(run(code, tmp_path)) == [["ebbtide"], {}, []]


@pytest.mark.slow
def test_airflow_knows_every_destination(tmp_path: Path) -> None:
    """One that it does not know makes the whole plugin vanish, without an error."""
    code = """
import sys
from airflow import plugins_manager
from airflow.api_fastapi.core_api.datamodels.plugins import PluginResponse
(info,) = [found for found in plugins_manager.get_plugin_info() if found["name"] == "ebbtide"]
shown = PluginResponse.model_validate(info)
print(len(shown.external_views), len(shown.react_apps), len(shown.fastapi_apps))
"""
    assert run(code, tmp_path) == "2 1 1"


def test_addresses_hold_wherever_airflow_is_mounted() -> None:
    """A frame's address has no leading slash: Airflow may live under a path."""
    from ebbtide_plugin import CARDS, VIEWS

    assert not any(view["href"].startswith("/") for view in VIEWS)
    assert not any(card["bundle_url"].startswith("/") for card in CARDS)


def test_no_page_asks_another_site() -> None:
    for path in (PLUGINS / "ebbtide_pages").rglob("*"):
        if path.suffix in {".html", ".js", ".css"}:
            text = path.read_text("utf-8")
            assert "http" not in text.replace("http://www.w3.org", ""), path.name
