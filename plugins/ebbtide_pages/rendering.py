"""Pages into HTML."""

import hashlib
from collections.abc import Callable, Mapping
from datetime import date, datetime
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup, escape

from ebbtide_pages import wording
from ebbtide_pages.content import Cell, Chart, Form, Link, Page, Reasons, State, Table
from ebbtide_pages.views import PLACES

HERE: Final = Path(__file__).parent
STATIC: Final = HERE / "static"

_WRITTEN: Final[Mapping[Form, Callable[[float], str]]] = {
    "count": "{:,.0f}".format,
    "number": "{:,.4g}".format,
    "score": "{:.4f}".format,
    "signed": "{:+.4f}".format,
    "share": "{:.1%}".format,
    "seconds": wording.seconds,
}


class Frame(NamedTuple):
    """What stands around every page.

    Attributes:
        tenant: Whose tables it shows.
        default: The tenant that needs no mention in an address.
        tenants: All.
        startable: By base id, the ids of the DAGs that this user may start.
    """

    tenant: str = ""
    default: str = ""
    tenants: tuple[str, ...] = ()
    startable: Mapping[str, str] = {}

    def address(self, page: str, query: Mapping[str, str]) -> str:
        """The address of a page, relative to any other, of the same tenant."""
        own = {"tenant": self.tenant} if self.tenant != self.default else {}
        parameters = urlencode({**query, **own})
        return f"{page}?{parameters}" if parameters else page


def html_of(page: Page, frame: Frame) -> str:
    """The whole document."""

    def link(target: Link) -> Markup:
        address = frame.address(target.page, target.query)
        return Markup('<a href="{}">{}</a>').format(address, target.text)

    def show(cell: Cell, form: Form = "text") -> Markup:
        return link(cell) if isinstance(cell, Link) else _shown(cell, form)

    return (
        _environment()
        .get_template("page.html")
        .render(
            page=page,
            frame=frame,
            places=PLACES,
            place={"night": "nights", "why": "user"}.get(page.name, page.name),
            address=frame.address,
            link=link,
            show=show,
            chosen=_chosen,
            drawn=_drawn,
            version=version(),
            plotly=_plotly_version(),
            is_ended=page.status in {401, 403},
        )
    )


def _chosen(page: Page, table: Table) -> dict[str, str]:
    """The parameters that give the same page, and name one of its tables."""
    choices = {chooser.name: chooser.chosen for chooser in page.choosers}
    return {**page.query, **choices, "table": table.name}


def _drawn(chart: Chart) -> dict[str, object]:
    """A chart as the browser reads it."""
    return {**chart._asdict(), "series": [series._asdict() for series in chart.series]}


@cache
def version() -> str:
    """Changes when a static file does."""
    digest = hashlib.sha256()
    for path in sorted(STATIC.iterdir()):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


@cache
def _plotly_version() -> str:
    try:
        return metadata.version("plotly")
    except metadata.PackageNotFoundError:
        return "missing"


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _shown(cell: Cell, form: Form) -> Markup:
    match cell:
        case None | "":
            shown = Markup('<span class="none" aria-label="none">&ndash;</span>')
        case State():
            shown = Markup('<span class="state {}">{}</span>').format(cell.tone, cell.word)
        case Reasons():
            shown = _reasons(cell)
        case datetime() | date():
            text = wording.moment(cell) if isinstance(cell, datetime) else cell
            shown = Markup('<time datetime="{}">{}</time>').format(cell.isoformat(), text)
        case int() | float() if form in _WRITTEN:
            shown = escape(_WRITTEN[form](cell))
        case _:
            shown = escape(cell)
    return shown


def _reasons(reasons: Reasons) -> Markup:
    """What is told, which opens to all parts."""
    if not reasons.parts:
        return escape(reasons.told)
    line = Markup('<li><span class="bar" style="--share:{:.1f}%"></span><b>{:+.0%}</b> {}</li>')
    parts = Markup("").join(
        line.format(100 * abs(part.share), part.share, part.text) for part in reasons.parts
    )
    return Markup("<details><summary>{}</summary><ul class=parts>{}</ul></details>").format(
        reasons.told, parts
    )
