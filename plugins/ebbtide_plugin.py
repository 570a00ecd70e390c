"""Ebbtide in Airflow's web UI: pages, a tab on each DAG, and a card on the home page.

Airflow runs this file in every process, each task's among them: it imports nothing that is heavy,
and makes the pages only where Airflow asks for them, in the API server.
"""

from typing import Any, Final

from airflow.plugins_manager import AirflowPlugin

ICONS: Final = {
    "icon": "/ebbtide/static/icon.svg",
    "icon_dark_mode": "/ebbtide/static/icon-dark.svg",
}
# A destination that Airflow does not know makes the whole plugin vanish without an error.
VIEWS: Final[list[dict[str, Any]]] = [
    {
        "name": "Ebbtide",
        "href": "ebbtide/",
        "destination": "nav",
        "url_route": "ebbtide",
        "nav_top_level": True,
        **ICONS,
    },
    {
        "name": "Ebbtide",
        "href": "ebbtide/dag?dag={DAG_ID}",
        "destination": "dag",
        "url_route": "ebbtide-dag",
        **ICONS,
    },
]
CARDS: Final[list[dict[str, Any]]] = [
    {
        "name": "EbbtideCard",
        "bundle_url": "ebbtide/static/card.js",
        "destination": "dashboard",
        "url_route": "ebbtide-card",
    }
]


class EbbtidePlugin(AirflowPlugin):
    """What Airflow shows of Ebbtide, and where."""

    name = "ebbtide"
    external_views = VIEWS
    react_apps = CARDS

    @property
    def fastapi_apps(self) -> list[dict[str, Any]]:  # type: ignore[override]
        """The pages, made when the API server asks for them."""
        from ebbtide_pages.app import make_app

        return [{"app": make_app(), "url_prefix": "/ebbtide", "name": "ebbtide"}]
