"""The ways to start a run, each as whoever uses it does."""

import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import Any

from recsys_tasks.standalone import Airflow

from .rest import Rest, wait_until


def click(rest: Rest, dag: str, **changed: object) -> str:
    """The Trigger button: the form sends every param, also nulls, and the present as logical date.

    Returns:
        The run's id.
    """
    params: Mapping[str, Mapping[str, object]] = rest.get(f"/dags/{dag}/details")["params"]
    conf = {name: param["value"] for name, param in params.items()} | changed
    return rest.trigger(dag, logical_date=datetime.now(UTC).isoformat(), conf=conf)


def command(airflow: Airflow, *arguments: str) -> None:
    """A command in a terminal."""
    done = subprocess.run(
        [sys.executable, "-m", "airflow", *arguments],
        env=airflow.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


def backfill(rest: Rest, dag: str, since: date, until: date) -> None:
    """The backfill form: all runs again, ten at once; waits until it is over.

    Args:
        rest: As a user.
        dag: Its id.
        since: First day.
        until: Last day.
    """
    asked = {
        "dag_id": dag,
        "from_date": midnight(since),
        "to_date": midnight(until),
        "reprocess_behavior": "completed",
        "max_active_runs": 10,
    }
    made = rest.post("/backfills", asked)["id"]
    wait_until(lambda: rest.get(f"/backfills/{made}")["completed_at"])


def materialize(rest: Rest, asset: str) -> str:
    """The Materialize button of an asset.

    Returns:
        The run's id.
    """

    def asset_id() -> int | None:
        found: list[dict[str, Any]] = rest.get("/assets", name_pattern=asset)["assets"]
        return next((one["id"] for one in found if one["name"] == asset), None)

    return str(rest.post(f"/assets/{wait_until(asset_id)}/materialize", {})["dag_run_id"])


def clear_failed(rest: Rest, dag: str, run: str) -> None:
    """The Clear button of a failed run: what failed, and what waited for it, runs again."""
    body = {"dry_run": False, "dag_run_id": run, "only_failed": True, "reset_dag_runs": True}
    rest.post(f"/dags/{dag}/clearTaskInstances", body)


def midnight(day: date) -> str:
    """The beginning of a day, as the API takes it."""
    return datetime.combine(day, time(), UTC).isoformat()
