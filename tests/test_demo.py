"""The demo: its data, its stretch of nights, and what it tells."""

import csv
from datetime import date, datetime
from io import StringIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from recsys_tasks.demo import movielens, run
from recsys_tasks.demo.nights import liveliest
from recsys_tasks.errors import BadSettings, BadSource
from recsys_tasks.loading import load_folder
from recsys_tasks.settings import Settings
from recsys_tasks.warehouse import Warehouse, connect


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo") / "movielens"
    movielens(folder)
    return folder


def test_movielens_is_whole(films: Path) -> None:
    """The figures that its authors give."""
    events = rows_of(films / "events.csv")

    assert len(events) == len({event["event_id"] for event in events}) == 100_004
    assert len({event["user_id"] for event in events}) == len(rows_of(films / "users.csv")) == 671
    assert len({event["item_id"] for event in events}) == len(rows_of(films / "items.csv")) == 9_066
    assert {float(event["value"]) for event in events} == {half / 2 for half in range(1, 11)}


def test_events_are_in_the_order_of_time(films: Path) -> None:
    times = [
        datetime.fromisoformat(event["occurred_at"]) for event in rows_of(films / "events.csv")
    ]

    assert times == sorted(times)
    assert all(time.tzname() == "UTC" for time in times)


def test_a_film_has_its_year_and_its_genres(films: Path) -> None:
    by_id = {film["item_id"]: film for film in rows_of(films / "items.csv")}

    assert by_id["1"] == {
        "item_id": "1",
        "title": "Toy Story (1995)",
        "category": "Adventure, Animation, Children, Comedy, Fantasy",
        "created_at": "1995-01-01T00:00:00Z",
    }


def test_a_film_exists_when_it_is_rated(films: Path) -> None:
    since = {film["item_id"]: film["created_at"] for film in rows_of(films / "items.csv")}

    assert all(
        since[event["item_id"]] <= event["occurred_at"] for event in rows_of(films / "events.csv")
    )


def test_movielens_fits_the_source_contract(films: Path, warehouse: Warehouse) -> None:
    reports = load_folder(warehouse, films)

    assert {report.file: report.kept for report in reports} == {
        "items.csv": 9_066,
        "users.csv": 671,
        "events.csv": 100_004,
    }
    assert all(not report.rejected and not report.ignored_columns for report in reports)


@given(st.lists(st.integers(0, 9), min_size=1), st.integers(1, 12))
def test_no_stretch_is_livelier_than_the_one_chosen(n_returning: list[int], length: int) -> None:
    start = liveliest(n_returning, length)

    sums = [sum(n_returning[at : at + length]) for at in range(len(n_returning))]
    assert sums[start] == max(sums)
    assert len(n_returning[start : start + length]) == min(length, len(n_returning))


def test_a_demo_without_two_days_says_what_is_missing(tmp_path: Path, settings: Settings) -> None:
    write_library(tmp_path / "library", n_days=1)

    with pytest.raises(BadSource, match="at least two days"):
        run(Console(quiet=True), settings, tmp_path / "library")


def test_a_demo_keeps_out_of_a_database_that_is_in_use(tmp_path: Path, settings: Settings) -> None:
    write_library(tmp_path / "library", n_days=1)
    load_folder(connect(settings), tmp_path / "library")

    with pytest.raises(BadSettings, match="unset RECSYS_DSN"):
        run(Console(quiet=True), settings, tmp_path / "library")


@pytest.mark.slow
def test_a_demo_on_an_own_folder_tells_a_users_list(tmp_path: Path, dsn: str) -> None:
    write_library(tmp_path / "library", n_days=4)
    console = Console(record=True, width=120, file=StringIO(), markup=False, emoji=False)
    settings = Settings(dsn=dsn, var=tmp_path / "var", preset="media")

    run(console, settings, tmp_path / "library")

    told = console.export_text()
    assert f"Replaying 3 nights, {date(2020, 1, 1)} to {date(2020, 1, 3)}" in told
    assert "Night 2020-01-04 through Airflow" in told
    assert "Recommended to user reader 0" in told
    assert "[Rec] book 1" in told
    assert "decayed_popular_7" in told
    assert "select * from recsys.recommend('reader 0', 10);" in told
    assert "RECSYS_PRESET=media .venv/bin/ebbtide recommend 'reader 0'" in told


def write_library(folder: Path, n_days: int) -> None:
    """Readers of a series: each day everybody reads on, and reader 0 reads twice as much."""
    folder.mkdir()
    books = [f"{n},[Rec] book {n} of the long series" for n in range(40)]
    (folder / "items.csv").write_text("\n".join(["item_id,title", *books, ""]))
    events = [
        f"{reader}-{day}-{part},reader {reader},{reader + 2 * day + part},like,2020-01-0{day + 1}"
        for reader in range(8)
        for day in range(n_days)
        for part in range(2 if reader == 0 else 1)
    ]
    header = "event_id,user_id,item_id,event_type,occurred_at"
    (folder / "events.csv").write_text("\n".join([header, *events, ""]))
