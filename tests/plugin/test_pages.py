"""Pages: what each shows of a filled, an empty, a foreign and an unreachable database."""

import csv
import io
import re
from html import unescape
from html.parser import HTMLParser
from urllib.parse import parse_qs, urlsplit

import pytest
from starlette.testclient import TestClient

from recsys_tasks.settings import Settings
from recsys_tasks.warehouse import Warehouse

from .conftest import Open
from .filling import DAYS, HOSTILE, REFUSED

PAGES = ("", "nights", "night", "user", "why", "item", "model", "experiments")
FULL = {
    "nights": "nights?metric=recall&target=all",
    "night": f"night?day={DAYS[2]}",
    "user": "user?id=u0",
    "why": "why?id=u0&item=i06",
    "item": "item?id=i00",
    "model": "model",
    "experiments": "experiments",
}


def text_of(html: str) -> str:
    """What is read, in one line."""
    return " ".join(
        unescape(re.sub(r"<script.*?</script>|<[^>]*>", " ", html, flags=re.DOTALL)).split()
    )


def csv_links(html: str) -> list[str]:
    return [unescape(link) for link in re.findall(r'href="(\w+\.csv\?[^"]*)"', html)]


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("nights", ["Lists that are served: night " + str(DAYS[-1]), "failed at check"]),
        ("nights", [f"check of {REFUSED} failed", "Users keep the lists that they had."]),
        ("nights?until=2024-03-02", ["2024-03-02"]),
        ("night", [f"Night {DAYS[-1]}", "Run this night again", "NDCG@10", "50.0%"]),
        (f"night?day={DAYS[2]}", ["borrow", "=2+3", "2"]),
        (f"night?day={REFUSED}", ["check failed", "were not published"]),
        ("user?id=u0", ["Ada Lovelace", "country", "The last 2 days", "Alpha over time"]),
        ("user?id=u0", ["red cup", "because you bought", "why in full"]),
        ("item?id=i00", ["may be listed", "Whom it reaches", "hold it", "Similar by"]),
        ("model", ["zero-shot", "serving", "purchase", "this season", "beside what served then"]),
        ("model", ["What each part is worth", "Not measured while this model served"]),
        ("experiments", ["bold", "Nights to see a difference", "diversity 0.5"]),
        ("why?id=u0&item=i06", ["Parts that add up to the score", "of the score"]),
        ("why?id=u0&item=i00", ["No list of this user holds it", "the repeat policy"]),
    ],
)
def test_a_page_tells_what_is_there(pages: TestClient, address: str, said: list[str]) -> None:
    answer = pages.get(address)

    assert answer.status_code == 200
    text = text_of(answer.text)
    assert [part for part in said if part not in text] == []


def test_a_learned_model_tells_its_parameters(pages: TestClient) -> None:
    chooser = pages.get("model").text
    (learned,) = re.findall(r'value="(interest-\w+)"', chooser)

    text = text_of(pages.get(f"model?model={learned}").text)

    assert "kept" in text
    assert "2.5" in text
    assert "new, half-life 7 days" in text
    assert "on 40 user-days of 2024-02-20 until 2024-03-01" in text
    assert "-0.0230" in text.replace("\N{MINUS SIGN}", "-")


def test_every_table_is_a_file_too(pages: TestClient) -> None:
    """With the same number of rows, and its figures in full."""
    for address in FULL.values():
        links = csv_links(pages.get(address).text)
        assert links
        for link in links:
            answer = pages.get(link)
            name = parse_qs(urlsplit(link).query)["table"][0]
            assert answer.status_code == 200
            assert f"{name}.csv" in answer.headers["content-disposition"]
            rows = list(csv.reader(io.StringIO(answer.text)))
            assert len(rows) > 1
            assert {len(row) for row in rows} == {len(rows[0])}


def test_no_cell_of_a_file_is_a_formula(pages: TestClient) -> None:
    rejected = pages.get(f"night.csv?day={DAYS[2]}&table=rejected").text
    places = [pages.get(link).text for a in FULL.values() for link in csv_links(pages.get(a).text)]

    assert "'=2+3" in rejected
    for text in places:
        for row in csv.reader(io.StringIO(text)):
            for cell in row:
                assert not re.match(r"[=@\t\r]|[+-](?!\d+(\.\d+)?(e-\d+)?$)", cell), cell


@pytest.mark.parametrize("hostile", HOSTILE)
def test_an_id_is_text_whatever_it_looks_like(
    pages: TestClient, filled: Settings, hostile: str
) -> None:
    shown = {
        page: pages.get(page, params={"id": hostile, "item": hostile}) for page in ("user", "item")
    }

    assert {page: answer.status_code for page, answer in shown.items()} == {
        "user": 200,
        "item": 200,
    }
    for answer in shown.values():
        assert hostile in text_of(answer.text)
        assert "<script>alert" not in answer.text
    for page in ("night", "nights", "model", "experiments"):
        odd = pages.get(page, params=dict.fromkeys(("day", "until", "metric", "model"), hostile))
        assert odd.status_code == 200
    found = pages.get("find", params={"kind": "user", "q": hostile[:3]}).json()
    assert hostile in [one["id"] for one in found]
    with Warehouse(str(filled.dsn), "recsys").transaction() as session:
        assert session.value("user_to_explain", user_id="u0") is not None


@pytest.mark.parametrize(
    ("kind", "typed", "found"),
    [
        ("user", "u", "u0"),
        ("user", "ada l", "u0"),
        ("user", "100%", "100%_\\"),
        ("item", "i0", "i03"),
        ("item", "RED passwd", "../../etc/passwd"),
        ("item", "script", "<script>alert(1)</script>"),
    ],
)
def test_suggestions_begin_as_typed(pages: TestClient, kind: str, typed: str, found: str) -> None:
    ids = [one["id"] for one in pages.get("find", params={"kind": kind, "q": typed}).json()]

    assert found in ids
    assert len(ids) <= 12


@pytest.mark.parametrize("typed", ["", "zzz", "%", "_", "\0", "x" * 5000, "&|!:*()"])
def test_suggestions_for_what_nobody_is_called(pages: TestClient, typed: str) -> None:
    answer = pages.get("find", params={"kind": "item", "q": typed})

    assert (answer.status_code, answer.json()) == (200, [])


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("user?id=nobody", "User nobody is not known"),
        ("user?id=u", "u0"),
        ("item?id=zzz", "Item zzz is not known"),
        ("item?id=red", "Did you mean one of these?"),
        ("night?day=1999-01-01", "The ledger has no night 1999-01-01"),
        ("why?id=nobody&item=i00", "'nobody' is not known"),
        ("why?id=u0&item=zzz", "'zzz' is not in the catalogue"),
        ("nights.csv?table=none", "no such table"),
        ("static/none.js", "no such file"),
        ("static/..%2Fapp.py", "Not Found"),
        ("no-such-page", "Not Found"),
    ],
)
def test_what_is_not_there_is_said(pages: TestClient, address: str, said: str) -> None:
    answer = pages.get(address)

    assert answer.status_code == 404
    assert said in text_of(answer.text)


def test_whoever_is_not_known_is_shown_the_cold_start_list(pages: TestClient) -> None:
    text = text_of(pages.get("user?id=nobody").text)

    assert "popular" in text
    assert "The list" in text


@pytest.mark.parametrize("page", PAGES)
def test_before_the_first_night_a_page_says_what_to_do(
    open_pages: Open, dsn: str, page: str
) -> None:
    answer = open_pages(dsn).get(page)

    assert answer.status_code in {200, 404}
    assert re.search(r'class="(empty|notice[^"]*)"', answer.text)
    assert "None" not in text_of(answer.text).replace("None.", "")


@pytest.mark.parametrize("page", FULL.values())
def test_a_database_without_our_tables_is_said(open_pages: Open, empty_dsn: str, page: str) -> None:
    answer = open_pages(empty_dsn).get(page)

    assert answer.status_code == 503
    assert "ebbtide migrate" in answer.text
    assert "Traceback" not in answer.text


@pytest.mark.parametrize("page", [*PAGES, "nights.csv?table=nights", "find?q=a"])
def test_a_database_out_of_reach_is_said(open_pages: Open, page: str) -> None:
    answer = open_pages("postgresql://somebody:secret@127.0.0.1:1/none").get(page)

    assert answer.status_code == 503
    assert "The database cannot be used" in answer.text
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text


def test_wrong_settings_are_said(open_pages: Open, dsn: str) -> None:
    answer = open_pages(dsn, RECSYS_PRESET="shp").get("nights")

    assert answer.status_code == 503
    assert "did you mean shop?" in text_of(answer.text)


def test_a_bug_is_no_traceback(pages: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    from ebbtide_pages import app

    def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(app, "html_of", fail)
    monkeypatch.setattr(app, "_wants_html", lambda _: False)

    answer = pages.get("nights")

    assert answer.status_code == 500
    assert "mistake in the page" in answer.json()["detail"]


def test_the_card_is_told_last_night(pages: TestClient) -> None:
    state = pages.get("state").json()

    assert state["night"] == str(DAYS[-1])
    assert state["lists"] > 0
    assert state["newest"]["state"] == {"word": "failed at check", "tone": "bad"}
    assert state["alerts"][0] == {"title": f"check of {REFUSED} failed", "tone": "bad"}


class Outline(HTMLParser):
    """What a screen reader finds."""

    def __init__(self) -> None:
        """Read nothing yet."""
        super().__init__()
        self.headings: list[int] = []
        self.ids: list[str] = []
        self.landmarks: list[str] = []
        self.unnamed: list[str] = []
        self._labels = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element begins."""
        found = dict(attrs)
        if re.fullmatch(r"h\d", tag):
            self.headings.append(int(tag[1]))
        if "id" in found:
            self.ids.append(str(found["id"]))
        if tag in {"header", "nav", "main"}:
            self.landmarks.append(tag)
        self._labels += tag == "label"
        hidden = found.get("type") == "hidden"
        if tag in {"input", "select"} and not (self._labels or hidden or "id" in found):
            self.unnamed.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """An element ends."""
        self._labels -= tag == "label"


@pytest.mark.parametrize("address", FULL.values())
def test_a_page_has_an_outline(pages: TestClient, address: str) -> None:
    """One first heading, no level left out, landmarks, labels, and every id once."""
    found = Outline()
    found.feed(pages.get(address).text)

    assert found.headings[0] == 1
    assert found.headings.count(1) == 1
    levels = zip(found.headings, found.headings[1:], strict=False)
    assert all(after <= before + 1 for before, after in levels)
    assert found.landmarks == ["header", "nav", "main"]
    assert found.unnamed == []
    assert len(found.ids) == len(set(found.ids))


@pytest.mark.parametrize("address", FULL.values())
def test_every_link_leads_somewhere(pages: TestClient, address: str) -> None:
    html = pages.get(address).text
    links = {unescape(link) for link in re.findall(r'href="([^"#]+)"', html)}

    for link in sorted(links)[:60]:
        assert pages.get(link).status_code == 200, link


def test_pages_are_kept_from_other_sites_and_caches(pages: TestClient) -> None:
    headers = pages.get("user?id=u0").headers

    assert "script-src 'self'" in headers["content-security-policy"]
    assert "frame-ancestors 'self'" in headers["content-security-policy"]
    assert headers["cache-control"] == "private, no-store"
    assert "immutable" in pages.get("plotly-1.js").headers["cache-control"]


def test_without_javascript_and_colour_everything_is_there(pages: TestClient) -> None:
    """Each chart has its figures in the same section; a state is a word."""
    for address in FULL.values():
        html = pages.get(address).text
        for section in re.findall(r"<section.*?</section>", html, re.DOTALL):
            if 'class="chart"' in section:
                assert "<table" in section
        assert not re.search(r'class="state \w+"></span>', html)
