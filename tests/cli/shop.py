"""A small shop, and what a command did with it."""

from collections.abc import Callable
from datetime import timedelta
from typing import NamedTuple

from encoders import WORDS
from sources import NIGHT, add_events, add_items, create_source

from recsys_tasks.warehouse import Warehouse

N_USERS, N_ITEMS, N_DAYS = 4, 12, 5
DAYS = [NIGHT + n * timedelta(days=1) for n in range(N_DAYS)]


class Answer(NamedTuple):
    """What a command did: its exit status, and what it said where."""

    status: object
    out: str
    err: str


Ebbtide = Callable[..., Answer]


def open_shop(warehouse: Warehouse) -> None:
    """Everybody buys something every day. It is the same shop whatever ran before it."""
    create_source(warehouse)
    add_items(
        warehouse,
        *(
            {"item_id": f"i{n:02}", "title": f"{WORDS[n // 9]} {WORDS[n % 9 + 1]}"}
            for n in range(N_ITEMS)
        ),
    )
    add_events(
        warehouse,
        *(
            {
                "event_id": f"{n}-{user}",
                "user_id": f"u{user}",
                "item_id": f"i{(5 * user + 2 * n) % N_ITEMS:02}",
                "day": day,
            }
            for n, day in enumerate(DAYS)
            for user in range(N_USERS)
        ),
    )


def assert_one_line(said: str) -> None:
    """Of an error, without a traceback."""
    assert said.startswith("ebbtide: ")
    assert said.count("\n") == 1
    assert "Traceback" not in said
