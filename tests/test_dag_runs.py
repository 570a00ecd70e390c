"""Runs of the DAGs, one after the other on one shop: each shows what it is for."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from itertools import starmap
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from test_alerting import Post, listening

from recsys_tasks.loading import load_folder
from recsys_tasks.nightly import STEPS
from recsys_tasks.settings import read_settings
from recsys_tasks.warehouse import Warehouse, connect

pytestmark = pytest.mark.slow

HOME = Path(__file__).parents[1]
DAY = "2011-12-02"
ITEMS = {
    "rose": "Red garden rose in a clay pot",
    "fern": "Green fern for a shady garden bed",
    "tulip": "Tulip bulbs for spring flowers",
    "hammer": "Steel claw hammer",
    "drill": "Cordless power drill with steel bits",
    "saw": "Hand saw for timber and boards",
}
KINDS = {"gardener": ("rose", "fern", "tulip"), "builder": ("hammer", "drill", "saw")}
RUNS = {
    "refresh_too_early": ("refresh_today", {}),
    "dry_night": ("nightly_recommendations", {"day": DAY, "dry_run": True}),
    "refresh_after_dry_night": ("refresh_today", {}),
    # As the trigger form sends it: every field, also those left empty.
    "night": (
        "nightly_recommendations",
        {
            "day": DAY,
            "refresh_days": None,
            "variants": None,
            "despite": ["enough users"],
            "dry_run": False,
        },
    ),
    "future_night": ("nightly_recommendations", {"day": "9999-01-01"}),
    "misspelt_night": ("nightly_recommendations", {"date": DAY}),
    "unknown_variant": ("nightly_recommendations", {"day": DAY, "variants": ["nobody"]}),
    "unknown_gate": ("nightly_recommendations", {"day": DAY, "despite": ["collapse", "colapse"]}),
    "dry_refresh": ("refresh_today", {"dry_run": True}),
    "refresh": ("refresh_today", {}),
    "training": ("train_interest_model", {"ablations": True}),
    "maintenance": ("maintain", {}),
    "misspelt_maintenance": ("maintain", {"day": DAY}),
    "erasure": ("erase_user", {"user_id": "gardener-1", "confirmation": "gardener-1"}),
}


def write_shop(folder: Path) -> None:
    """Gardeners and builders; each bought all of their kind but one, over two days."""
    folder.mkdir()
    items = list(starmap("{},{}".format, ITEMS.items()))
    (folder / "items.csv").write_text("\n".join(["item_id,title", *items, ""]))
    events = [
        f"{kind}{user}{item},{kind}-{user},{item},purchase,2011-12-0{1 + (user + row) % 2}T12:00Z"
        for kind, wares in KINDS.items()
        for user in range(6)
        for row, item in enumerate(wares)
        if row != user % 3
    ]
    header = "event_id,user_id,item_id,event_type,occurred_at"
    (folder / "events.csv").write_text("\n".join([header, *events, ""]))


class Course(NamedTuple):
    """What became of the runs.

    Attributes:
        runs: By the name that RUNS gives them.
        alerts: What the webhook got, in its order.
        warehouse: As they left it.
    """

    runs: dict[str, dict[str, Any]]
    alerts: list[dict[str, str]]
    warehouse: Warehouse


@pytest.fixture(scope="module")
def course(
    tmp_path_factory: pytest.TempPathFactory, server: str, template: str
) -> Iterator[Course]:
    """All runs, in one process of Airflow: to start one takes longest."""
    from conftest import _database, _with_database

    home = tmp_path_factory.mktemp("runs")
    write_shop(home / "shop")
    with _database(server, template) as name:
        dsn = _with_database(server, name)
        warehouse = connect(read_settings(dsn=dsn))
        load_folder(warehouse, home / "shop")
        with listening() as address:
            runs = run_all(home, RECSYS_DSN=dsn, RECSYS_ALERT_WEBHOOK=address)
        yield Course(runs, [body for body in Post.bodies if isinstance(body, dict)], warehouse)
        warehouse.close()


def run_all(home: Path, **variables: str) -> dict[str, dict[str, Any]]:
    """Run RUNS with a migrated metadata database."""
    environment = (
        {name: text for name, text in os.environ.items() if not name.startswith("RECSYS_")}
        | variables
        | {
            "AIRFLOW_HOME": str(home),
            "AIRFLOW__CORE__DAGS_FOLDER": str(HOME / "dags"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "PYTHONPATH": str(HOME),
            "RECSYS_VAR": str(home),
        }
    )
    runner = str(HOME / "tests" / "run_dags.py")
    for arguments in (["-m", "airflow", "db", "migrate"], [runner, json.dumps([*RUNS.values()])]):
        done = subprocess.run(
            [sys.executable, *arguments],
            capture_output=True,
            text=True,
            check=False,
            env=environment,
            timeout=300,
        )
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return dict(zip(RUNS, json.loads(done.stdout.splitlines()[-1]), strict=True))


def test_a_night_runs_from_events_to_lists(course: Course) -> None:
    """What each user has not bought of their kind is what they are shown first."""
    with course.warehouse.transaction() as session:
        lists = session.select(
            "select user_id, item_id from recommendations where rank = 1 and night = '2011-12-02'"
        )
        stranger = session.rows("recommendations_of", user_id="nobody", n=3)
    expected = {
        f"{kind}-{user}": wares[user % 3] for kind, wares in KINDS.items() for user in range(6)
    }
    del expected["gardener-1"]  # who was erased afterwards

    assert course.runs["night"]["state"] == "success"
    assert dict(lists) == expected
    assert len(stranger) == 3


def test_a_published_night_is_a_partition_with_its_figures(course: Course) -> None:
    ((name, key, extra),) = course.runs["night"]["assets"]

    assert (name, key) == ("ebbtide_lists", DAY)
    assert extra["day"] == DAY
    assert extra["nights"] == {DAY: {"lists": 12}}
    assert extra["model"].startswith("zero-shot-")


def test_tasks_hand_on_nothing_but_a_day_counts_and_shards(course: Course) -> None:
    results = course.runs["night"]["results"]

    assert results["resolve_day.return_value"] == DAY
    assert results["plan_shards.return_value"] == [0]
    assert results["rank.return_value"] == {"nights": 1, "lists": 12}
    assert len(json.dumps(results)) < 1000


def test_a_dry_night_tells_what_the_night_then_did(course: Course) -> None:
    dry, night = course.runs["dry_night"], course.runs["night"]
    report = dry["results"]["resolve_day.report"]
    done = {step: night["results"][f"{step}.return_value"] for step in STEPS}
    del done["publish"]

    assert report == {"counts": done, "refused": None, "notes": []}
    assert dry["tasks"].pop("resolve_day") == "success"
    assert set(dry["tasks"].values()) == {"skipped"}
    assert dry["assets"] == []


def test_before_a_night_is_published_a_refresh_is_skipped(course: Course) -> None:
    """A dry night publishes none."""
    for name in ("refresh_too_early", "refresh_after_dry_night"):
        assert course.runs[name]["tasks"] == {"refresh": "skipped"}


def test_a_refresh_tells_what_it_did(course: Course) -> None:
    ((name, key, extra),) = course.runs["refresh"]["assets"]
    counts = course.runs["refresh"]["results"]["refresh.return_value"]

    assert (name, key) == ("ebbtide_lists_today", None)
    assert extra.items() >= counts.items() == {"interactions": 0, "lists": 0, "new": 0}.items()


def test_a_dry_refresh_reports_and_emits_nothing(course: Course) -> None:
    run = course.runs["dry_refresh"]

    assert run["tasks"] == {"refresh": "skipped"}
    assert run["results"]["refresh.report"]["counts"]["refresh"]["lists"] == 0
    assert run["assets"] == []


@pytest.mark.parametrize(
    ("name", "task", "says"),
    [
        ("future_night", "resolve_day", "Day 9999-01-01 has not begun"),
        ("misspelt_night", "resolve_day", "no other key, not date"),
        ("unknown_variant", "resolve_day", "'nobody' is no variant"),
        ("unknown_gate", "resolve_day", "'colapse' is no gate"),
        ("misspelt_maintenance", "keep_house", "takes nothing and no other key, not day"),
    ],
)
def test_what_cannot_be_meant_fails_at_once_and_is_told(
    course: Course, name: str, task: str, says: str
) -> None:
    run = course.runs[name]
    told = [alert for alert in course.alerts if says in alert["happened"]]

    assert run["state"] == "failed"
    assert run["tasks"][task] == "failed"  # not up for another try
    assert set(run["tasks"].values()) <= {"failed", "upstream_failed"}
    assert len(told) == 1
    assert told[0]["task"] == task
    assert told[0]["dag"] == RUNS[name][0]
    assert "Readers keep the lists of night 2011-12-02" in told[0]["serves"]
    assert f"clear task {task}" in told[0]["remedy"]


def test_the_form_opens_gates_of_the_day_and_no_gate_where_one_is_misspelt(course: Course) -> None:
    with course.warehouse.transaction() as session:
        opened = session.select("select day::text, gate from gate_overrides")

    assert opened == [(DAY, "enough_users")]


def test_nothing_else_is_told(course: Course) -> None:
    assert len(course.alerts) == 5


def test_a_training_tells_what_became_of_the_model(course: Course) -> None:
    ((name, _, extra),) = course.runs["training"]["assets"]

    assert name == "ebbtide_model"
    assert extra["model"].startswith("interest-")
    assert extra["serves"] is False


def test_a_training_that_was_asked_to_says_what_each_part_is_worth(course: Course) -> None:
    parts = course.runs["training"]["results"]["ablate.return_value"]

    assert parts["nothing"] == 0
    assert {"text", "trends", "ids"} <= parts.keys()


def test_maintenance_mends_nothing_where_nothing_is_wrong(course: Course) -> None:
    counts = course.runs["maintenance"]["results"]["keep_house.return_value"]

    assert counts["totals_mended"] == 0
    assert counts["tables_vacuumed"] > 0


def test_an_erasure_leaves_a_report_and_no_user(course: Course) -> None:
    report = course.runs["erasure"]["results"]["erase.return_value"]
    with course.warehouse.transaction() as session:
        left = session.select("select user_id from users where user_id = 'gardener-1'")

    assert left == []
    assert report["signature"]
    assert "gardener-1" not in json.dumps(report)
