"""Pages: any question is answered, or refused; a file that is downloaded holds no formula."""

import csv
import io
import re
from pathlib import Path
from urllib.parse import quote

from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from .entrances import Entrances, some
from .hostile import anything

PAGES = ("nights", "night", "user", "item", "model", "experiments", "find", "dag", "state")
FIELDS = ("id", "item", "day", "until", "metric", "model", "tenant", "table", "q", "kind", "dag")
FORMULA = re.compile(r"[=+\-@\t\r\n]")


@some(0.8)
@given(
    page=st.sampled_from([*PAGES, *(f"{page}.csv" for page in PAGES[:6]), "static/x"]),
    asked=st.dictionaries(st.sampled_from(FIELDS) | anything, anything, max_size=4),
)
def test_a_page_that_is_asked_anything(
    entrances: Entrances, pages: TestClient, page: str, asked: dict[str, str]
) -> None:
    answer = pages.get(page, params=asked, follow_redirects=False)
    assert answer.status_code < 500, answer.text[-500:]
    assert "Traceback" not in answer.text
    if "<html" in answer.text:
        assert "<script>alert" not in answer.text
    entrances.tell("pages")


@some(0.3)
@given(path=st.one_of(anything, st.text(max_size=40)))
def test_an_address_that_is_anything(entrances: Entrances, pages: TestClient, path: str) -> None:
    answer = pages.get(quote(f"static/{path}", safe="", errors="replace"))
    assert answer.status_code in (200, 307, 404, 405)
    entrances.tell("addresses")


@some(1)
@given(drawn=st.lists(st.tuples(anything, anything), max_size=5))
def test_no_cell_of_a_file_is_a_formula(
    entrances: Entrances, airflow_home: Path, drawn: list[tuple[str, str]]
) -> None:
    del airflow_home  # before the pages are imported
    from ebbtide_pages.content import Column, Link, Table
    from ebbtide_pages.csv_files import csv_of

    rows = [(one, Link(other, "user", {"id": one})) for one, other in drawn]
    columns = (Column("one"), Column("other"))
    table = Table("made", "Made", columns, [*rows], "nothing")
    read = [*csv.reader(io.StringIO(csv_of(table), newline=""))]
    assert len(read) == len(rows) + 1
    for cells in read[1:]:
        for cell in cells:
            assert not FORMULA.match(cell), cell
    entrances.tell("tables to download")
