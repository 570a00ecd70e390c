"""The application: a route for each page and for its CSV files, all behind Airflow's login."""

from collections.abc import Callable
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import structlog
from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import FileResponse, JSONResponse, RedirectResponse, Response

from ebbtide_pages import ledger
from ebbtide_pages.asking import Asked, View
from ebbtide_pages.content import Notice, Page
from ebbtide_pages.csv_files import csv_of
from ebbtide_pages.guarding import MAY_LOOK, SomeUser, may_start
from ebbtide_pages.reading import TIMEOUT, Reader
from ebbtide_pages.rendering import STATIC, Frame, html_of
from ebbtide_pages.tenants import settings_of, tenants, warehouse_of
from ebbtide_pages.views import VIEWS, item, user
from ebbtide_pages.views.nights import newest_published, read_nights
from recsys_tasks.errors import EbbtideError, UnknownTenant

log = structlog.get_logger()

DAGS: Final = {
    "nightly_recommendations": "nights",
    "refresh_today": "nights",
    "train_interest_model": "model",
    "erase_user": "user",
}
TYPES: Final = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
HEADERS: Final = {
    # Charts write style attributes; no script but our files runs, and only Airflow may frame us.
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; connect-src 'self';"
    " style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; form-action 'self';"
    " base-uri 'none'; frame-ancestors 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "private, no-store",
}
FOR_A_YEAR: Final = {"Cache-Control": "private, max-age=31536000, immutable"}  # by version


def make_app() -> FastAPI:
    """The pages, to be mounted under a path of Airflow's."""
    app = FastAPI(
        title="Ebbtide", docs_url=None, redoc_url=None, openapi_url=None, dependencies=[MAY_LOOK]
    )
    for name, view in VIEWS.items():
        app.get(f"/{name}", name=name)(_page_route(view))
        app.get(f"/{name}.csv", name=f"{name}.csv")(_csv_route(view))
    app.get("/")(_page_route(VIEWS["nights"]))
    app.get("/dag")(_of_dag)
    app.get("/find")(_find)
    app.get("/state")(_state)
    app.get("/static/{name}")(_static)
    app.get("/plotly-{version}.js")(_plotly)
    app.exception_handler(EbbtideError)(_say_error)
    app.exception_handler(HTTPException)(_say_refusal)
    app.exception_handler(Exception)(_say_bug)
    return app


def _page_route(view: View) -> Callable[..., Response]:
    def show(request: Request, user: SomeUser) -> Response:
        page = _answer(request, view)
        return _html(page, _frame(request, user, page))

    return show


def _csv_route(view: View) -> Callable[..., Response]:
    def give(request: Request) -> Response:
        page = _answer(request, view)
        table = page.table(request.query_params.get("table", ""))
        if table is None:
            raise HTTPException(404, "There is no such table on this page.")
        name = f"ebbtide-{page.name}-{table.name}.csv"
        headers = {**HEADERS, "Content-Disposition": f'attachment; filename="{name}"'}
        return Response(csv_of(table), media_type="text/csv; charset=utf-8", headers=headers)

    return give


def _answer(request: Request, view: View) -> Page:
    asked = Asked(request.query_params, settings_of(_tenant(request)))
    with warehouse_of(asked.settings, TIMEOUT).transaction() as session:
        return view(Reader(session), asked)


def _tenant(request: Request) -> str:
    return request.query_params.get("tenant") or tenants().default


def _frame(request: Request, user: SomeUser, page: Page) -> Frame:
    known, tenant = tenants(), _tenant(request)
    startable = {}
    # The DAGs of settings from the environment know no other schema than its own.
    if known.are_declared or tenant == known.default:
        ids = {
            action.dag: f"{action.dag}-{tenant}" if known.are_declared else action.dag
            for action in page.actions
        }
        startable = {dag: dag_id for dag, dag_id in ids.items() if may_start(user, dag_id)}
    return Frame(tenant, known.default, known.names, startable)


def _html(page: Page, frame: Frame) -> Response:
    return Response(html_of(page, frame), page.status, HEADERS, "text/html; charset=utf-8")


def _of_dag(dag: str = "") -> Response:
    """The page that belongs to a DAG: what its tab shows."""
    base = next((name for name in DAGS if dag == name or dag.startswith(f"{name}-")), "")
    tenant = dag[len(base) + 1 :] if base else ""
    address = Frame(tenant).address(DAGS.get(base, "nights"), {})
    return RedirectResponse(address, 307, HEADERS)


def _find(request: Request, kind: str = "user", q: str = "") -> Response:
    """Users or items that begin as typed."""
    asked = Asked({"q": q}, settings_of(_tenant(request)))
    look = item.suggestions if kind == "item" else user.suggestions
    with warehouse_of(asked.settings, TIMEOUT).transaction() as session:
        typed = asked.text("q")
        found = look(Reader(session), typed) if typed else []
    return JSONResponse([{"id": key, "name": name} for key, name in found], headers=HEADERS)


def _state(request: Request) -> Response:
    """Last night in short: for the card on Airflow's home page."""
    with warehouse_of(settings_of(_tenant(request)), TIMEOUT).transaction() as session:
        reader = Reader(session)
        nights = read_nights(reader, datetime.max.replace(tzinfo=UTC).date(), 7)
        newest = newest_published(reader)
    found = list(ledger.alerts(nights, newest, datetime.now(UTC)))
    served = next((night for night in nights if night.day == newest), None)
    state = {
        "tenant": _tenant(request),
        "night": str(newest) if newest else None,
        "lists": served.n_lists if served else None,
        "published": served.published_at.isoformat() if served and served.published_at else None,
        "seconds": served.seconds if served else None,
        "newest": {"night": str(nights[0].day), "state": nights[0].state._asdict()}
        if nights
        else None,
        "alerts": [{"title": alert.title, "tone": alert.tone} for alert in found[:3]],
    }
    return JSONResponse(state, headers=HEADERS)


def _static(name: str) -> Response:
    path = STATIC / name
    if path.parent != STATIC or path.suffix not in TYPES or not path.is_file():
        raise HTTPException(404, "There is no such file.")
    kept = {"Cache-Control": "private, max-age=300"}
    return FileResponse(path, media_type=TYPES[path.suffix], headers={**HEADERS, **kept})


def _plotly(version: str) -> Response:
    """The library that draws charts, out of its Python package."""
    del version  # in the address, so that a browser keeps it until another one comes
    package = find_spec("plotly")
    path = Path(package.origin or "").parent / "package_data" / "plotly.min.js" if package else None
    if path is None or not path.is_file():
        raise HTTPException(404, "Charts need the Python package plotly in Airflow's API server.")
    return FileResponse(path, media_type="text/javascript", headers={**HEADERS, **FOR_A_YEAR})


def _wants_html(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "")


def _said(request: Request, notice: Notice, status: int) -> Response:
    """An error where a page would stand, or as JSON for who asked for no page."""
    if not _wants_html(request):
        return JSONResponse({"detail": f"{notice.title}: {notice.text}"}, status, HEADERS)
    return _html(Page("error", notice.title, "", (notice,), status=status), Frame())


def _say_error(request: Request, error: Exception) -> Response:
    status = 404 if isinstance(error, UnknownTenant) else 503
    log.warning("a page could not be shown", path=request.url.path, error=str(error))
    title = "No such tenant" if status == 404 else "The pages cannot be shown just now"  # noqa: PLR2004
    return _said(request, Notice(title, str(error), "bad"), status)


def _say_refusal(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  Starlette gives no other here
    titles = {401: "You are not logged in", 403: "You may not see this", 404: "Nothing here"}
    title = titles.get(error.status_code, "That cannot be done")
    return _said(request, Notice(title, str(error.detail), "waiting"), error.status_code)


def _say_bug(request: Request, error: Exception) -> Response:
    log.error("a page failed", path=request.url.path, exc_info=error)
    text = (
        "That is a mistake in the page, not in your data; the log of the API server has the cause."
    )
    return _said(request, Notice("This page has failed", text, "bad"), 500)
