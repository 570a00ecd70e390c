"""Fixtures: those of the entrances that are tried, and what became of what was put in."""

from collections import Counter

import pytest
from cli.conftest import ebbtide, settings, shop, tiny_folder
from plugin.conftest import airflow_home, filled, open_pages, pages

from .entrances import Entrances

_ENTRANCES = pytest.StashKey[Entrances]()
# They are fixtures here too.
__all__ = ["airflow_home", "ebbtide", "filled", "open_pages", "pages"]
__all__ += ["settings", "shop", "tiny_folder"]


@pytest.fixture(scope="session")
def entrances(request: pytest.FixtureRequest) -> Entrances:
    return request.config.stash.setdefault(_ENTRANCES, Entrances(Counter(), Counter()))


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """What was put in: the figures of docs/trust.md."""
    if entrances := config.stash.get(_ENTRANCES, None):
        terminalreporter.section("inputs tried")
        for line in entrances.lines():
            terminalreporter.write_line(line)
