"""Who may see the pages, and who is offered to start runs; tenants; what belongs to a DAG."""

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest
from starlette.routing import BaseRoute, Mount, Route
from starlette.testclient import TestClient

from recsys_tasks.settings import Settings

from .conftest import Open

FILLED_IN = {"name": "app.css", "version": "1"}


@pytest.fixture
def strangers(airflow_home: Path) -> Iterator[TestClient]:
    """The pages as Airflow mounts them, for somebody without a login."""
    del airflow_home
    from ebbtide_pages.app import make_app

    with TestClient(make_app()) as client:
        yield client


def routes(client: TestClient) -> list[BaseRoute]:
    return list(client.app.routes)  # type: ignore[attr-defined]


def test_without_login_every_route_refuses(strangers: TestClient) -> None:
    found = routes(strangers)

    assert len(found) > 15
    # A mounted application would inherit no login.
    assert not any(isinstance(route, Mount) for route in found)
    for route in found:
        assert isinstance(route, Route)
        assert route.methods
        for method in route.methods:
            address = route.path.format(**FILLED_IN)
            assert strangers.request(method, address).status_code == 401, (method, address)


def test_no_route_changes_anything(strangers: TestClient) -> None:
    methods = {method for route in routes(strangers) for method in route.methods}  # type: ignore[attr-defined]

    assert methods <= {"GET", "HEAD"}


def test_an_ended_login_is_said(strangers: TestClient) -> None:
    answer = strangers.get("nights", headers={"accept": "text/html"})

    assert answer.status_code == 401
    assert "You are not logged in" in answer.text
    assert "Go to Airflow and log in" in answer.text


@pytest.mark.parametrize("page", ["nights", "night"])
def test_a_run_is_offered_to_who_may_start_it(
    open_pages: Open, filled: Settings, page: str
) -> None:
    allowed = open_pages(filled.dsn).get(page).text
    refused = open_pages(filled.dsn, may_start=False).get(page).text

    assert 'data-start="' in allowed
    assert "data-start" not in refused
    assert "Run this night again" not in refused


@pytest.mark.parametrize(
    ("dag", "address"),
    [
        ("nightly_recommendations", "nights"),
        ("nightly_recommendations-acme", "nights?tenant=acme"),
        ("train_interest_model", "model"),
        ("erase_user-a-b", "user?tenant=a-b"),
        ("somebody_elses", "nights"),
        ("", "nights"),
    ],
)
def test_the_tab_of_a_dag_shows_what_belongs_to_it(
    open_pages: Open, filled: Settings, dag: str, address: str
) -> None:
    answer = open_pages(filled.dsn).get("dag", params={"dag": dag}, follow_redirects=False)

    assert (answer.status_code, answer.headers["location"]) == (307, address)


@pytest.fixture
def folder(tmp_path: Path, dsn: str, filled: Settings) -> str:
    """Two tenants: one whose tables are filled, one whose are empty."""
    (tmp_path / "acme.env").write_text(f"RECSYS_DSN={filled.dsn}\nRECSYS_SCHEMA=recsys\n")
    (tmp_path / "zenith.env").write_text(f"RECSYS_DSN={dsn}\nRECSYS_SCHEMA=recsys\n")
    return str(tmp_path)


def test_each_tenant_has_its_own_pages(open_pages: Open, folder: str) -> None:
    pages = open_pages(None, RECSYS_TENANTS=folder)
    first, other = pages.get("nights").text, pages.get("nights?tenant=zenith").text

    assert re.findall(r"<option( selected)?>(\w+)</option>", first) == [
        (" selected", "acme"),
        ("", "zenith"),
    ]
    assert "No night has run yet" in other
    assert "No night has run yet" not in first
    assert 'data-start="refresh_today-acme"' in first
    assert 'data-start="refresh_today-zenith"' in other
    # Whoever looks at one tenant stays with it.
    links = {unescape(link) for link in re.findall(r'href="(\w+(?:\?[^"]*)?)"', other)}
    assert links
    assert all("tenant=zenith" in link for link in links)


def test_a_tenant_that_is_not_there_is_said(open_pages: Open, folder: str) -> None:
    answer = open_pages(None, RECSYS_TENANTS=folder).get("nights?tenant=acne")

    assert answer.status_code == 404
    assert "did you mean acme?" in unescape(answer.text)


def test_without_declared_tenants_they_are_the_schemas(open_pages: Open, filled: Settings) -> None:
    pages = open_pages(filled.dsn)

    assert pages.get("nights?tenant=recsys").status_code == 200
    assert pages.get("nights?tenant=pg_catalog").status_code == 404
