"""Fixtures: those of the entrances that are tried."""

from cli.conftest import ebbtide, settings, shop, tiny_folder
from plugin.conftest import airflow_home, filled, open_pages, pages

__all__ = [
    *("airflow_home", "ebbtide", "filled", "open_pages", "pages", "settings", "shop"),
    "tiny_folder",
]
