"""Airflow's REST API, as an application or the web interface calls it."""

import time
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar
from urllib.parse import quote

import httpx

ENDED: Final = {"success", "failed"}
PATIENCE: Final = 600.0  # seconds for a night, on a machine that has much else to do
TICK: Final = 0.5
Json = dict[str, Any]
T = TypeVar("T")


class Rest:
    """A user's session."""

    def __init__(self, url: str, user: str, password: str) -> None:
        """Log in."""
        token = httpx.post(
            f"{url}/auth/token", json={"username": user, "password": password}, timeout=30
        ).json()["access_token"]
        self._client = httpx.Client(
            base_url=f"{url}/api/v2", headers={"Authorization": f"Bearer {token}"}, timeout=30
        )

    def get(self, path: str, **parameters: str) -> Json:
        """What is there."""
        return self._answer(self._client.get(path, params=parameters))

    def post(self, path: str, body: Mapping[str, object]) -> Json:
        """Ask for something."""
        return self._answer(self._client.post(path, json=body))

    def patch(self, path: str, body: Mapping[str, object]) -> Json:
        """Change something."""
        return self._answer(self._client.patch(path, json=body))

    @staticmethod
    def _answer(answer: httpx.Response) -> Json:
        assert answer.is_success, f"{answer.request.url}: {answer.status_code} {answer.text}"
        found: Json = answer.json()
        return found

    def close(self) -> None:
        """Let the connection go."""
        self._client.close()

    def wait_for_dag(self, dag: str) -> None:
        """Until the DAG processor has written it down."""
        wait_until(lambda: dag in {found["dag_id"] for found in self.get("/dags")["dags"]})

    def switch_on(self, dag: str) -> None:
        """Let the scheduler have it."""
        self.patch(f"/dags/{dag}", {"is_paused": False})

    def trigger(self, dag: str, **body: object) -> str:
        """Start a run.

        Returns:
            Its id.
        """
        run = self.post(f"/dags/{dag}/dagRuns", {"logical_date": None, **body})
        return str(run["dag_run_id"])

    def runs(self, dag: str) -> list[Json]:
        """All runs of a DAG, in the order in which they started."""
        found: list[Json] = self.get(f"/dags/{dag}/dagRuns", order_by="start_date")["dag_runs"]
        return found

    def wait_for_run(self, dag: str, run: str) -> str:
        """The state in which a run ended."""
        path = f"/dags/{dag}/dagRuns/{quote(run)}"
        return wait_until(lambda: ended(self.get(path)["state"]))

    def wait_for_runs(self, dag: str, n: int) -> list[str]:
        """The states of all runs, once there are `n` and each has ended."""

        def states() -> list[str] | None:
            found = [run["state"] for run in self.runs(dag)]
            return found if len(found) >= n and ENDED.issuperset(found) else None

        return wait_until(states)

    def tasks(self, dag: str, run: str) -> list[Json]:
        """The tasks of a run."""
        path = f"/dags/{dag}/dagRuns/{quote(run)}/taskInstances"
        found: list[Json] = self.get(path)["task_instances"]
        return found

    def result(self, dag: str, run: str, task: str) -> object:
        """What a task returned."""
        path = f"/dags/{dag}/dagRuns/{quote(run)}/taskInstances/{task}/xcomEntries/return_value"
        found: object = self.get(path)["value"]
        return found


def ended(state: str) -> str | None:
    """The state, if it is a last one."""
    return state if state in ENDED else None


def wait_until(look: Callable[[], T | None], seconds: float = PATIENCE) -> T:
    """The first answer that is true."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(TICK)
    return found
