"""The pages in a browser, in a whole Airflow: what people see, click and are told.

EBBTIDE_SCREENSHOTS names a folder for the pictures; docs/screenshots has some of them.
"""

import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Final

import httpx
import pytest
from playwright.sync_api import Browser, Frame, Page, expect, sync_playwright

from recsys_tasks.settings import Settings
from recsys_tasks.standalone import Airflow, Place, running

from .filling import DAYS, REFUSED

pytestmark = pytest.mark.slow

CHROMIUM: Final = Path("/usr/bin/chromium")
SIZES: Final = {"desktop": (1280, 900), "phone": (390, 844)}
MODES: Final = ("light", "dark")
ADDRESSES: Final = {
    "nights": "nights",
    "night": f"night?day={DAYS[2]}",
    "night-failed": f"night?day={REFUSED}",
    "user": "user?id=u0",
    "why": "why?id=u0&item=i06",
    "item": "item?id=i00",
    "model": "model",
    "experiments": "experiments",
    "unknown": "user?id=nobody",
}
PATIENCE: Final = 60_000  # milliseconds, on a machine that has much else to do


@pytest.fixture(scope="module")
def airflow(filled: Settings) -> Iterator[Airflow]:
    """An Airflow with our DAGs and pages, over the filled database."""
    home = Path(tempfile.mkdtemp(prefix="ebbtide-pages-"))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    place = Place(
        home=home,
        port=port,
        parallelism=2,
        variables={
            "RECSYS_DSN": str(filled.dsn),
            "RECSYS_ENCODER": filled.encoder,
            "RECSYS_DEVICE": "cpu",
            "OMP_NUM_THREADS": "1",
        },
    )
    with running(place) as ready:
        yield ready
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's chromium; CI installs it."""
    if not CHROMIUM.is_file():
        pytest.skip(f"there is no {CHROMIUM}")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where screenshots go."""
    given = os.environ.get("EBBTIDE_SCREENSHOTS")
    folder = Path(given) if given else tmp_path_factory.mktemp("screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def log_in(browser: Browser, airflow: Airflow, user: str, size: str, mode: str) -> Page:
    """A window in which somebody is logged in."""
    width, height = SIZES[size]
    page = browser.new_page(
        viewport={"width": width, "height": height},
        color_scheme="dark" if mode == "dark" else "light",
        reduced_motion="reduce",
    )
    page.set_default_timeout(PATIENCE)
    token = httpx.post(
        f"{airflow.place.url}/auth/token",
        json={"username": user, "password": airflow.passwords[user]},
        timeout=60,
    ).json()["access_token"]
    page.context.add_cookies([{"name": "_token", "value": token, "url": airflow.place.url}])
    page.add_init_script(f"localStorage.setItem('theme', '{mode}')")
    return page


def draw_charts(frame: Page | Frame) -> None:
    """Scroll through the page until every chart has been drawn."""
    for chart in frame.locator(".chart").all():
        chart.scroll_into_view_if_needed()
    expect(frame.locator(".chart:not([data-drawn]):not(.empty)")).to_have_count(0, timeout=PATIENCE)
    frame.evaluate("scrollTo(0, 0)")


def inside(page: Page) -> Frame:
    """Our page in Airflow's frame."""
    found = page.locator("iframe").element_handle().content_frame()
    assert found
    return found


@pytest.mark.parametrize(("size", "mode"), [*product(SIZES, MODES)])
def test_pages_fit_their_screen_and_say_no_error(
    browser: Browser, airflow: Airflow, pictures: Path, size: str, mode: str
) -> None:
    page = log_in(browser, airflow, "viewer", size, mode)
    said: list[str] = []
    page.on("console", lambda message: said.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: said.append(f"error: {error}"))
    for name, address in ADDRESSES.items():
        page.goto(f"{airflow.place.url}/ebbtide/{address}")
        draw_charts(page)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
        assert page.locator(".chart.empty").count() == 0
        assert page.evaluate("document.documentElement.dataset.mode") == mode
        page.screenshot(path=pictures / f"{name}-{size}-{mode}.png", full_page=True)
    # The address of somebody who is not known is a 404, which browsers call an error.
    errors = [text for text in said if text.startswith("error") and "404" not in text]
    assert errors == []
    page.context.close()


def test_the_keyboard_reaches_everything(browser: Browser, airflow: Airflow) -> None:
    """The way past the navigation comes first, a reason opens by a key, focus is seen."""
    page = log_in(browser, airflow, "viewer", "desktop", "light")
    page.goto(f"{airflow.place.url}/ebbtide/user?id=u0")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the page"
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
    reason = page.locator("td summary").first
    reason.focus()
    page.keyboard.press("Enter")
    assert reason.evaluate("node => node.parentElement.open")
    assert reason.evaluate("node => getComputedStyle(node).outlineStyle") == "solid"
    page.context.close()


def test_typing_suggests_and_a_picture_has_its_figures(browser: Browser, airflow: Airflow) -> None:
    page = log_in(browser, airflow, "viewer", "desktop", "light")
    page.goto(f"{airflow.place.url}/ebbtide/user")
    page.get_by_label("User: id or name").press_sequentially("ada")
    found = page.locator("datalist option").first
    expect(found).to_have_attribute("value", "u0", timeout=PATIENCE)
    page.goto(f"{airflow.place.url}/ebbtide/nights")
    figures = page.locator("#metrics details.figures")
    figures.locator("summary").click()
    assert figures.get_by_role("row").count() > 1
    page.context.close()


def test_airflow_shows_the_pages_in_their_places(
    browser: Browser, airflow: Airflow, pictures: Path
) -> None:
    """The navigation, a DAG's tab, and the card on the home page, in Airflow's colours."""
    url = airflow.place.url
    page = log_in(browser, airflow, "admin", "desktop", "dark")
    page.goto(f"{url}/")
    card = page.get_by_label("Ebbtide", exact=True).filter(has_text=str(REFUSED))
    card.wait_for()
    assert f"Night {REFUSED}: failed at check" in card.inner_text()
    page.screenshot(path=pictures / "home-desktop-dark.png")
    card.get_by_role("link", name="Ebbtide").click()
    frame = page.frame_locator("iframe").first
    frame.get_by_role("heading", name="Nights", level=1).wait_for()
    expect(frame.locator("html")).to_have_attribute("data-mode", "dark")
    frame.get_by_role("link", name=str(DAYS[2])).first.click()
    frame.get_by_role("heading", name=f"Night {DAYS[2]}").wait_for()
    draw_charts(inside(page))
    page.screenshot(path=pictures / "airflow-desktop-dark.png")
    page.goto(f"{url}/dags/train_interest_model/plugin/ebbtide-dag")
    frame.get_by_role("heading", name="Model zero-shot").wait_for()
    draw_charts(inside(page))
    page.screenshot(path=pictures / "dag-desktop-dark.png")
    page.context.close()


def test_who_may_starts_a_night_again_from_its_page(
    browser: Browser, airflow: Airflow, pictures: Path
) -> None:
    page = log_in(browser, airflow, "admin", "desktop", "light")
    page.goto(f"{airflow.place.url}/plugin/ebbtide")
    frame = page.frame_locator("iframe").first
    frame.get_by_role("link", name=str(DAYS[2])).first.click()
    frame.get_by_role("heading", name=f"Night {DAYS[2]}").wait_for()
    draw_charts(inside(page))
    frame.get_by_role("button", name="Run this night again").click()
    dialog = frame.get_by_role("dialog")
    assert f"for {DAYS[2]}" in dialog.inner_text()
    page.screenshot(path=pictures / "start-desktop-light.png")
    dialog.get_by_role("button", name="Start").click()
    follow = frame.get_by_role("button", name="Follow it in Airflow")
    follow.wait_for()
    follow.click()
    page.wait_for_url("**/dags/nightly_recommendations/runs/**")
    page.context.close()


def test_the_trigger_form_of_the_night_has_its_fields(
    browser: Browser, airflow: Airflow, pictures: Path
) -> None:
    page = log_in(browser, airflow, "admin", "desktop", "light")
    page.goto(f"{airflow.place.url}/dags/nightly_recommendations")
    page.get_by_role("button", name="Trigger").first.click()
    form = page.get_by_role("dialog")
    form.locator("input[type=date]").first.wait_for()
    page.screenshot(path=pictures / "trigger-form-desktop-light.png")
    page.context.close()


def test_a_viewer_looks_and_starts_nothing(browser: Browser, airflow: Airflow) -> None:
    page = log_in(browser, airflow, "viewer", "desktop", "light")
    page.goto(f"{airflow.place.url}/ebbtide/night?day={DAYS[2]}")

    assert page.get_by_role("heading", name=f"Night {DAYS[2]}").count() == 1
    assert page.get_by_role("button", name="Run this night again").count() == 0
    answer = page.request.post(
        f"{airflow.place.url}/api/v2/dags/nightly_recommendations/dagRuns",
        data={"logical_date": None, "conf": {"day": str(DAYS[2])}},
    )
    assert answer.status == 403
    page.context.close()


def test_without_login_nothing_is_shown(airflow: Airflow) -> None:
    """As Airflow itself mounts the pages."""
    for address in [*ADDRESSES.values(), "", "state", "find?q=u", "static/app.css", "plotly-1.js"]:
        answer = httpx.get(f"{airflow.place.url}/ebbtide/{address}", timeout=60)
        assert answer.status_code == 401, address
        assert "u0" not in answer.text.replace(address, "")


def test_airflow_lists_the_plugin(airflow: Airflow) -> None:
    """One with an unknown destination is left out of this list without an error."""
    token = httpx.post(
        f"{airflow.place.url}/auth/token",
        json={"username": "admin", "password": airflow.passwords["admin"]},
        timeout=60,
    ).json()["access_token"]
    answer = httpx.get(
        f"{airflow.place.url}/api/v2/plugins",
        headers={"Authorization": f"Bearer {token}"},
        timeout=60,
    )

    assert "ebbtide" in [plugin["name"] for plugin in answer.json()["plugins"]]
