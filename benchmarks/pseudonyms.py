"""What pseudonyms cost: the first night's extract with and without a key, asking, and a rotation.

python -m benchmarks.pseudonyms --users 100000
"""

# ruff: noqa: T201  figures are what it is for

import argparse
import tempfile
from collections.abc import Callable
from contextlib import closing
from datetime import date
from functools import partial
from pathlib import Path
from time import process_time

import psutil
from pydantic import SecretStr

from recsys_tasks.renaming import give_back, rotate
from recsys_tasks.settings import Settings, read_settings
from recsys_tasks.steps import extract
from recsys_tasks.warehouse import Warehouse, connect

DAY = date(2024, 3, 1)
EVENTS = """
insert into app.events (event_id, user_id, item_id, event_type, occurred_at)
select 'e' || n, 'customer-' || n %% %(users)s, 'i' || n %% 5000, 'view', date '2024-03-01'
from generate_series(1, 3 * %(users)s) as events (n)
"""
N_ASKED = 2_000
LOOK_UP = "select user_key from named_users where user_id = 'customer-' || %(n)s"


class Clock:
    """Seconds of CPU, here and in the server: the machine may be busy with other work."""

    def __init__(self, folder: Path) -> None:
        pid = (folder / "postgres" / "postmaster.pid").read_text("utf-8").split()[0]
        self._server = psutil.Process(int(pid))

    def seconds(self, work: Callable[[], object]) -> float:
        """What some work takes."""
        start = self._now()
        work()
        return self._now() - start

    def _now(self) -> float:
        ended = self._server.cpu_times()
        running = [process.cpu_times() for process in self._server.children()]
        of_server = sum(times.user + times.system for times in running)
        of_ended = ended.children_user + ended.children_system
        return float(process_time() + of_server + of_ended)


def extracted(warehouse: Warehouse, settings: Settings) -> None:
    with warehouse.transaction(exclusive=True) as session:
        extract.run(session, settings, DAY)


def asked(warehouse: Warehouse, n_users: int) -> None:
    """Look users up by the application's id."""
    with warehouse.transaction() as session:
        for n in range(N_ASKED):
            assert session.select(LOOK_UP, {"n": n % n_users})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=100_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder), given.users)


def measure(folder: Path, n_users: int) -> None:
    secret = {"identity_key": SecretStr("a secret of many characters")}
    told: dict[str, float] = {}
    for name in ("plain", "keyed"):
        settings = read_settings(var=folder, schema_name=name)
        changed = settings.model_copy(update=secret if name == "keyed" else {})
        with closing(connect(settings)) as warehouse:
            clock = Clock(folder)
            if name == "plain":
                with warehouse.transaction() as session:
                    session.execute("load_create_tables")
                    session.select(EVENTS, {"users": n_users})
                    session.select("analyze app.events")
            told[name] = clock.seconds(partial(extracted, warehouse, changed))
            look_up = clock.seconds(partial(asked, warehouse, n_users)) / N_ASKED * 1e6
        print(f"{name}: extract {told[name]:.2f} s, a look-up {look_up:.0f} us", flush=True)
    print(f"extract with a key takes {told['keyed'] / told['plain']:.2f} times as long")
    settings = read_settings(var=folder, schema_name="plain").model_copy(update=secret)
    other = settings.model_copy(update={"identity_key": SecretStr("another secret, of many")})
    print(f"rotate, from none: {clock.seconds(partial(rotate, settings)):.2f} s", flush=True)
    print(f"rotate, to another: {clock.seconds(partial(rotate, other)):.2f} s", flush=True)
    print(f"off: {clock.seconds(partial(give_back, other)):.2f} s")


if __name__ == "__main__":
    main()
