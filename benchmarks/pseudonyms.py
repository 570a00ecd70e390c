"""What pseudonyms cost: the first night's extract with and without a key, asking, and a rotation.

python -m benchmarks.pseudonyms --users 100000
"""

# ruff: noqa: T201  figures are what it is for

import argparse
import tempfile
from collections.abc import Callable
from contextlib import closing
from datetime import date
from pathlib import Path
from time import perf_counter

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
LOOK_UP = "select user_key from named_users where user_id = 'customer-' || %(n)s"


def seconds(work: Callable[[], object]) -> float:
    start = perf_counter()
    work()
    return perf_counter() - start


def extracted(warehouse: Warehouse, settings: Settings) -> float:
    def run() -> None:
        with warehouse.transaction(exclusive=True) as session:
            extract.run(session, settings, DAY)

    return seconds(run)


def asked(warehouse: Warehouse, n_users: int) -> float:
    """Microseconds a look-up of a user by the application's id."""

    def ask() -> None:
        with warehouse.transaction() as session:
            for n in range(2_000):
                assert session.select(LOOK_UP, {"n": n % n_users})

    return seconds(ask) / 2_000 * 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder), given.users, given.rounds)


def measure(folder: Path, n_users: int, n_rounds: int) -> None:
    secret = {"identity_key": SecretStr("a secret of many characters")}
    rounds: dict[str, list[float]] = {"plain": [], "keyed": []}
    for n in range(n_rounds):
        for name, told in rounds.items():
            settings = read_settings(var=folder, schema_name=f"{name}_{n}")
            changed = settings.model_copy(update=secret if name == "keyed" else {})
            with closing(connect(settings)) as warehouse:
                if n == 0 and name == "plain":
                    with warehouse.transaction() as session:
                        session.execute("load_create_tables")
                        session.select(EVENTS, {"users": n_users})
                told.append(extracted(warehouse, changed))
                found = asked(warehouse, n_users)
            print(f"{name} extract {told[-1]:.2f} s, look-up {found:.0f} us")
    plain, keyed = (min(told) for told in rounds.values())
    print(f"extract with a key takes {keyed / plain:.2f} times as long")
    settings = read_settings(var=folder, schema_name="plain_0").model_copy(update=secret)
    print(f"rotate, from none {seconds(lambda: rotate(settings)):.2f} s")
    other = settings.model_copy(update={"identity_key": SecretStr("another secret, of many")})
    print(f"rotate, to another {seconds(lambda: rotate(other)):.2f} s")
    print(f"off {seconds(lambda: give_back(other)):.2f} s")


if __name__ == "__main__":
    main()
