"""Commands: what they answer, how they fail, and what they leave alone."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
import structlog
from encoders import save_tiny
from sources import NIGHT, add_events, add_items, create_source

from recsys_tasks.cli import main
from recsys_tasks.cli.output import ERRORS
from recsys_tasks.settings import Settings, read_settings
from recsys_tasks.warehouse import Warehouse

N_USERS, N_ITEMS, N_DAYS = 4, 12, 5
DAYS = [NIGHT + n * timedelta(days=1) for n in range(N_DAYS)]
STRETCH = ("--since", str(DAYS[0]), "--until", str(DAYS[-1] + timedelta(days=1)))


class Answer(NamedTuple):
    """What a command did: its exit status, and what it said where."""

    status: object
    out: str
    err: str


Ebbtide = Callable[..., Answer]


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture
def settings(dsn: str, tiny_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """As an operator has them: in the environment."""
    monkeypatch.setenv("RECSYS_DSN", dsn)
    monkeypatch.setenv("RECSYS_ENCODER", str(tiny_folder))
    monkeypatch.setenv("RECSYS_DEVICE", "cpu")
    return read_settings()


@pytest.fixture
def ebbtide(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Ebbtide]:
    """The command, in this process."""
    del settings

    def run(*arguments: object) -> Answer:
        monkeypatch.setattr(sys, "argv", ["ebbtide", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main()
        return Answer(end.value.code, *capsys.readouterr())

    yield run
    structlog.reset_defaults()
    ERRORS.show_tracebacks = False


@pytest.fixture
def shop(warehouse: Warehouse) -> Warehouse:
    """Everybody buys something every day."""
    create_source(warehouse)
    add_items(warehouse, *({"item_id": f"i{n:02}"} for n in range(N_ITEMS)))
    add_events(
        warehouse,
        *(
            {"user_id": f"u{user}", "item_id": f"i{(5 * user + 2 * n) % N_ITEMS:02}", "day": day}
            for n, day in enumerate(DAYS)
            for user in range(N_USERS)
        ),
    )
    return warehouse


def assert_one_line(said: str) -> None:
    assert said.startswith("ebbtide: ")
    assert said.count("\n") == 1
    assert "Traceback" not in said


# How commands end


def test_the_program_ends_with_0_1_or_2(settings: Settings, tmp_path: Path) -> None:
    """As it is started by people: python -m recsys_tasks."""
    del settings

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        program = [sys.executable, "-m", "recsys_tasks", *arguments]
        return subprocess.run(program, capture_output=True, text=True, check=False, env=os.environ)

    well, failed, misused = run("migrate"), run("load", str(tmp_path / "nowhere")), run("nigth")

    assert [run.returncode for run in (well, failed, misused)] == [0, 1, 2]
    assert well.stdout == "Schema recsys is at version 3.\n"
    assert well.stderr == ""
    assert failed.stdout == ""
    assert_one_line(failed.stderr)
    assert "Traceback" not in misused.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("night",),
        ("night", "yesterday"),
        ("night", "2024-02-30"),
        ("replay", "--since", "2024-03-01"),
        ("recommend", "u1", "-n", "0"),
        ("backtest", "--what"),
        ("--frobnicate",),
    ],
)
def test_wrong_usage_ends_with_2(ebbtide: Ebbtide, arguments: tuple[str, ...]) -> None:
    answer = ebbtide(*arguments)

    assert answer.status == 2
    assert "Usage:" in answer.err
    assert "Traceback" not in answer.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("migrate", "--dsn", "host=/nowhere"), "The database cannot be used: "),
        (("migrate", "--schema", "app"), "'app' belongs to someone else"),
        (("similar", "nothing"), "Item 'nothing' is not in the catalogue of recsys"),
        (("night", "2024-03-01", "--preset", "shpo"), "did you mean shop?"),
        (("replay", "--since", "2024-03-01", "--until", "2024-03-01"), "There is no night from"),
        (("sql", "select nothing"), 'The statement cannot be run: column "nothing"'),
    ],
)
def test_an_error_is_one_line_that_says_what_to_mend(
    ebbtide: Ebbtide, arguments: tuple[str, ...], said: str
) -> None:
    answer = ebbtide(*arguments)

    assert answer.status == 1
    assert said in answer.err
    assert_one_line(answer.err)


def test_a_bug_is_one_line_too_and_debug_shows_where(
    ebbtide: Ebbtide, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("recsys_tasks.cli.nights.connect", broken)

    assert_one_line(ebbtide("migrate").err)
    assert "ZeroDivisionError" in ebbtide("migrate").err
    assert "Traceback" in ebbtide("--debug", "migrate").err


def test_help_names_dsn_and_schema_for_every_command(ebbtide: Ebbtide) -> None:
    from typer.main import get_command

    from recsys_tasks.cli import app

    names = list(getattr(get_command(app), "commands"))  # noqa: B009  of a group of commands
    assert {"migrate", "load", "night", "replay", "backtest", "recommend", "similar"} <= set(names)
    for name in names:
        answer = ebbtide(name, "--help")
        assert answer.status == 0
        assert {"--dsn", "--schema"} <= set(answer.out.replace(",", " ").split()), name


def test_options_win_over_the_environment(ebbtide: Ebbtide, settings: Settings) -> None:
    assert ebbtide("migrate", "--schema", "other").out == "Schema other is at version 3.\n"
    assert (
        ebbtide("sql", "--dsn", settings.dsn, "--schema", "other", "select current_schema").out
    ).split() == ["current_schema", "other"]


# Loading


def test_a_cut_file_is_loaded_as_far_as_it_goes_and_said(
    ebbtide: Ebbtide, tmp_path: Path, warehouse: Warehouse
) -> None:
    header = "event_id,user_id,item_id,event_type,value,text,occurred_at"
    row = 'e{},u1,i1,purchase,,"a, b",2024-03-01'
    content = "\n".join([header, *(row.format(n) for n in range(10))])
    (tmp_path / "events.csv").write_text(content[: -len('b",2024-03-01')])
    answer = ebbtide("load", tmp_path)

    assert answer.status == 1
    assert_one_line(answer.err)
    assert "events.csv" in answer.err
    assert "events.csv" in answer.out
    with warehouse.transaction() as session:
        assert session.select("select count(*) from app.events") == [(9,)]
    assert " 9 " in answer.out


def test_loading_says_what_was_kept_and_why_the_rest_was_not(
    ebbtide: Ebbtide, tmp_path: Path
) -> None:
    (tmp_path / "items.csv").write_text("item_id,title,[/b]\ni1,lamp,x\n,cup,y\n")
    answer = ebbtide("load", tmp_path)

    assert answer.status == 0
    assert answer.err == ""
    assert "items.csv: 1 rejected: " in answer.out
    assert "rejected_interactions" in answer.out


# Nights


def test_a_night_says_what_each_step_did(ebbtide: Ebbtide, shop: Warehouse) -> None:
    from recsys_tasks.nightly import STEPS

    del shop
    answer = ebbtide("night", DAYS[0])

    assert (answer.status, answer.err) == (0, "")
    lines = answer.out.splitlines()
    assert [line.split()[0] for line in lines] == ["step", *STEPS]
    assert f"{N_USERS} interactions" in lines[1]


def test_a_night_that_fails_is_one_line_and_stands_in_the_ledger(
    ebbtide: Ebbtide, shop: Warehouse
) -> None:
    with shop.transaction() as session:
        session.select("delete from app.items")
    answer = ebbtide("night", DAYS[0])

    assert answer.status == 1
    assert "No item exists on 2024-03-01" in answer.err.splitlines()[-1]
    assert "Traceback" not in answer.err
    with shop.transaction() as session:
        assert session.select("select step from nights where state = 'failed'") == [("rank",)]


def test_a_replay_runs_every_night_and_says_how_good_they_were(
    ebbtide: Ebbtide, shop: Warehouse
) -> None:
    answer = ebbtide("replay", *STRETCH)

    assert (answer.status, answer.err) == (0, "")
    assert f"{N_DAYS} nights in " in answer.out
    assert f"{N_DAYS * N_USERS} interactions" in answer.out
    assert "NDCG@10" in answer.out
    with shop.transaction() as session:
        nights = session.select("select night from published_nights order by night")
    assert nights == [(day,) for day in DAYS]


def test_a_backtest_writes_rows_like_evaluations_and_changes_nothing_served(
    ebbtide: Ebbtide, shop: Warehouse, tmp_path: Path
) -> None:
    ebbtide("night", DAYS[0])
    served = "select * from recommend('u1', 50)"
    with shop.transaction() as session:
        columns = session.table("select * from evaluations limit 0")[0]
        before = session.select(served)
    file = tmp_path / "rows.json"

    answer = ebbtide("backtest", *STRETCH[:1], DAYS[2], *STRETCH[2:], "--json", file)

    assert (answer.status, answer.err) == (0, "")
    assert "content" in answer.out
    rows = json.loads(file.read_text())
    assert {tuple(row) for row in rows} == {columns}
    assert {"content"} < {row["variant"] for row in rows}
    assert {row["night"] for row in rows} == {str(DAYS[-1])}
    with shop.transaction() as session:
        assert session.select(served) == before
        assert session.select("select count(*) from published_nights") == [(1,)]


def test_a_backtest_of_nothing_says_so(ebbtide: Ebbtide, shop: Warehouse) -> None:
    with shop.transaction() as session:
        session.select("delete from app.events")
    answer = ebbtide("backtest")

    assert answer.status == 1
    assert_one_line(answer.err)


# Asking


def test_a_list_has_ranks_titles_and_reasons(ebbtide: Ebbtide, shop: Warehouse) -> None:
    """A title is text, whatever it looks like to a terminal."""
    add_items(shop, {"item_id": "i11", "title": "[/b] [red]cup[/red] :cat:"})
    ebbtide("night", DAYS[0])
    answer = ebbtide("recommend", "u1", "-n", "50")

    assert (answer.status, answer.err) == (0, "")
    assert "[/b] [red]cup[/red] :cat:" in answer.out
    assert "because you bought" in answer.out
    assert f"Night {DAYS[0]}, strategy personal." in answer.out
    assert len(ebbtide("recommend", "u1", "-n", "3").out.splitlines()) == 1 + 3 + 1


def test_a_user_never_seen_gets_the_cold_start_list(ebbtide: Ebbtide, shop: Warehouse) -> None:
    del shop
    ebbtide("night", DAYS[0])
    answer = ebbtide("recommend", "nobody")

    assert (answer.status, answer.err) == (0, "")
    assert "popular" in answer.out
    assert "strategy cold_start." in answer.out


def test_before_anything_is_known_nothing_is_recommended(ebbtide: Ebbtide) -> None:
    answer = ebbtide("recommend", "nobody")

    assert (answer.status, answer.err) == (0, "")
    assert "no item is known" in answer.out


def test_similar_items_have_titles_and_leave_the_item_out(
    ebbtide: Ebbtide, shop: Warehouse
) -> None:
    add_items(shop, {"item_id": "textless", "title": None})
    ebbtide("night", DAYS[0])
    answer = ebbtide("similar", "i01", "-n", "5")

    neighbours = [line.split()[1] for line in answer.out.splitlines()[1:]]
    assert len(neighbours) == 5
    assert "i01" not in neighbours
    assert "has no neighbours" in ebbtide("similar", "textless").out


def test_sql_shows_what_a_query_finds(ebbtide: Ebbtide) -> None:
    answer = ebbtide("sql", "select 1 as one, null as none, '$$ %(x)s [b]' as text")

    assert [line.split() for line in answer.out.splitlines()] == [
        ["one", "none", "text"],
        ["1", "$$", "%(x)s", "[b]"],
    ]
    for statement in ("explain select 1;", "show search_path", "values (1)", "table nights"):
        assert ebbtide("sql", statement).status == 0, statement


@pytest.mark.parametrize(
    "statement",
    [
        "delete from event_types",
        "insert into nights (day) values (current_date)",
        "with gone as (delete from variants returning *) select * from gone",
        "create table recsys.strays ()",
        "select create_draft('2024-03-01')",
        "commit; create table recsys.strays ()",
        "set transaction read write; create table recsys.strays ()",
        "select set_config('transaction_read_only', 'off', true); drop table nights",
        "vacuum",
    ],
)
def test_sql_only_reads(ebbtide: Ebbtide, warehouse: Warehouse, statement: str) -> None:
    relations = "select count(*) from pg_class"
    with warehouse.transaction() as session:
        before = session.select(relations)

    answer = ebbtide("sql", statement)

    assert answer.status == 1
    assert_one_line(answer.err)
    with warehouse.transaction() as session:
        assert session.select(relations) == before


# Doctor


def test_a_fresh_installation_lacks_a_source_and_is_told_how_to_get_one(ebbtide: Ebbtide) -> None:
    answer = ebbtide("doctor")

    assert answer.status == 1
    assert "WRONG  source app cannot be read" in answer.out
    assert "ebbtide load FOLDER" in answer.out
    assert "ok     encoder tiny@" in answer.out
    assert_one_line(answer.err)


def test_an_empty_source_is_said(ebbtide: Ebbtide, warehouse: Warehouse) -> None:
    create_source(warehouse)
    answer = ebbtide("doctor")

    assert answer.status == 1
    assert "WRONG  source app: 0 items, 0 users, 0 events\n" in answer.out


def test_a_step_that_failed_is_said_until_it_is_mended(ebbtide: Ebbtide, shop: Warehouse) -> None:
    with shop.transaction() as session:
        session.select("update app.items set available = false")
    ebbtide("night", DAYS[0])
    answer = ebbtide("doctor")

    assert answer.status == 1
    assert f"WRONG  1 steps stand failed, the latest rank of {DAYS[0]}: No item" in answer.out
    assert f"ebbtide night {DAYS[0]}" in answer.out

    with shop.transaction() as session:
        session.select("update app.items set available = true")
    ebbtide("night", DAYS[0])
    answer = ebbtide("doctor")

    assert (answer.status, answer.err) == (0, "")
    assert "WRONG" not in answer.out
    assert f"newest published night {DAYS[0]}" in answer.out


def test_rejected_rows_and_unlisted_items_are_told_without_alarm(
    ebbtide: Ebbtide, shop: Warehouse
) -> None:
    add_events(
        shop,
        {"event_type": "poke"},
        {"item_id": "unlisted"},
        {"occurred_at": "20000-01-01"},
    )
    ebbtide("night", DAYS[0])
    answer = ebbtide("doctor")

    assert answer.status == 0
    assert "2 rows of the source are rejected" in answer.out
    assert "1 items have interactions but are not listed" in answer.out
    assert f"until {DAYS[-1]}" in answer.out


def test_a_database_out_of_reach_is_a_finding(ebbtide: Ebbtide) -> None:
    answer = ebbtide("doctor", "--dsn", "host=/nowhere")

    assert answer.status == 1
    assert "WRONG  the database cannot be used" in answer.out
    assert "RECSYS_DSN" in answer.out


def test_a_database_that_refuses_is_a_finding(ebbtide: Ebbtide, dsn: str) -> None:
    """A role may connect and not create a schema."""
    from psycopg2.extensions import make_dsn

    role = "visitor"
    ebbtide("migrate")
    owner = Warehouse(dsn, "recsys")
    with owner.transaction() as session:
        session.select(f"create role {role} login")
    try:
        answer = ebbtide("doctor", "--dsn", make_dsn(dsn, user=role), "--schema", "visited")
    finally:
        with owner.transaction() as session:
            session.select(f"drop role {role}")
        owner.close()

    assert answer.status == 1
    assert "WRONG  the database refuses" in answer.out
    assert "permission denied" in answer.out


def test_an_encoder_that_cannot_be_loaded_is_a_finding(
    ebbtide: Ebbtide, monkeypatch: pytest.MonkeyPatch, shop: Warehouse
) -> None:
    del shop
    monkeypatch.setenv("RECSYS_ENCODER", "./nowhere")
    answer = ebbtide("doctor")

    assert answer.status == 1
    assert "WRONG  encoder ./nowhere" in answer.out
    assert "RECSYS_ENCODER" in answer.out
