"""A source of any size with the statistics of a real one, made from a seed.

    python benchmarks/world.py --users 20000 --items 2000 --active 0.1 --days 30 --var var/world

writes it into the embedded server that keeps its data under var/world, or into `--dsn`; with
`--state` the warehouse too, as the nights of all those days would leave it (see filling.py). 10
million users, a million items and 100 million events: `--users 10000000 --items 1000000 --active
0.02 --visit 5 --days 100`.

Every user has a rate at which to come, and a few favourite categories; every item a category, a
popularity that wanders, and perhaps a day on which it is born. On a day users come by their rates,
each with a basket; what goes into it is something that the user had before, or a draw by popularity
from a favourite category or from everything. Nothing here depends on how many days are made.

Texts are words that do not exist: see words.py.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from typing import Annotated, Final, NamedTuple

import numpy as np
import typer
from numpy.typing import NDArray
from rich.console import Console
from scipy.optimize import brentq

from benchmarks.calibrating import FAVOURITES, SHOP, Statistics, calibrate
from benchmarks.words import titles
from recsys_tasks.interactions import day_number

FIRST_DAY: Final = date(2024, 1, 1)
TYPES: Final = ("purchase", "return")
Users = Annotated[int, typer.Option(min=1)]
Items = Annotated[int, typer.Option(min=10)]
Active = Annotated[
    float, typer.Option(min=1e-6, max=0.95, help="share of the users who come on a day")
]
Days = Annotated[int, typer.Option(min=1, help="of the history")]
Visit = Annotated[float, typer.Option(min=1, help="interactions of a user who comes")]
REMEMBERED: Final = 8  # items of a user that may be taken again


class Size(NamedTuple):
    """How large a world is.

    Attributes:
        users: All that there are; some never come.
        items: All that there are on the first day.
        active: Share of the users who come on a day, mean.
        days: Of its history.
        visit: Interactions of a user on an active day, mean.
        seed: Of everything that is drawn.
    """

    users: int
    items: int
    active: float
    days: int
    visit: float = SHOP.visit
    seed: int = 0

    @property
    def last_day(self) -> date:
        """Of the history."""
        return FIRST_DAY + timedelta(days=self.days - 1)


class Day(NamedTuple):
    """What happened on a day, in the order in which it did; shape (n,) each.

    Attributes:
        number: Days from 1970-01-01.
        first_event: Number of its first event.
        users: Rows.
        items: Rows.
        types: Rows of TYPES.
        seconds: Since the day began.
        paid: Values.
    """

    number: int
    first_event: int
    users: NDArray[np.int32]
    items: NDArray[np.int32]
    types: NDArray[np.int16]
    seconds: NDArray[np.int32]
    paid: NDArray[np.float64]

    @property
    def events(self) -> NDArray[np.int64]:
        """Their numbers."""
        return np.arange(self.first_event, self.first_event + len(self.users), dtype=np.int64)

    @property
    def instants(self) -> NDArray[np.int64]:
        """When they happened, in microseconds since 1970-01-01."""
        return (np.int64(self.number) * 86_400 + self.seconds) * 1_000_000


class World:
    """Users, items, and days without end."""

    def __init__(self, size: Size, nature: Statistics = SHOP) -> None:
        """Draw who and what there is.

        Args:
            size: Of the world; items are born until 1,000 days after the history.
            nature: Its statistics.
        """
        self.size, self.nature = size, nature
        rng = np.random.default_rng([size.seed, 0])
        n_births = round(nature.births * size.items * (size.days + 1_000))
        self.n_categories = int(np.clip(size.items // 50, 4, 400))
        shares = 1 / np.arange(1, self.n_categories + 1)
        births = np.zeros(size.items + n_births, np.int32)
        if n_births:
            born = rng.permutation(len(births))[:n_births]
            births[born] = np.sort(rng.integers(1, size.days + 1_001, n_births))
        self.births: NDArray[np.int32] = births + day_number(FIRST_DAY)
        drawn = rng.choice(self.n_categories, len(births), p=shares / shares.sum())
        self.categories: NDArray[np.int32] = np.sort(drawn).astype(np.int32)
        self.popularity = rng.normal(0, nature.item_spread, len(births)).astype(np.float32)
        drawn = rng.choice(self.n_categories, (size.users, FAVOURITES), p=shares / shares.sum())
        self.favourites: NDArray[np.int16] = drawn.astype(np.int16)

    @cached_property
    def chances(self) -> NDArray[np.float32]:
        """Of each user to come on a day: 1 - exp(-c * rate), c such that `active` come."""
        rng = np.random.default_rng([self.size.seed, 1])
        rates = np.exp(rng.normal(0, self.nature.user_spread, self.size.users))
        c = brentq(lambda c: -np.expm1(-c * rates).mean() - self.size.active, 0, 1e6)
        chances: NDArray[np.float32] = -np.expm1(-c * rates).astype(np.float32)
        return chances

    def items_born(self, day: int) -> NDArray[np.intp]:
        """Rows of the items that are new on a day; on the first day of those that are there."""
        return np.flatnonzero(self.births == day)

    def days(self) -> Iterator[Day]:
        """Day after day, beginning with FIRST_DAY."""
        nature, first_event, number = self.nature, 0, day_number(FIRST_DAY)
        kept = 2 ** (-1 / nature.wander_half_life)
        remembered = np.full((self.size.users, REMEMBERED), -1, np.int32)
        wander = np.zeros(len(self.births), np.float32)
        while True:
            rng = np.random.default_rng([self.size.seed, 2, number])
            step = rng.standard_normal(len(wander), np.float32) * np.float32(nature.wander)
            is_first = number == day_number(FIRST_DAY)
            wander = step if is_first else kept * wander + np.sqrt(1 - kept**2) * step
            users = self._baskets(rng)
            weights = np.exp(self.popularity + wander, dtype=np.float64)
            items = self._chosen(rng, users, weights * (self.births <= number))
            again = remembered[users, rng.integers(REMEMBERED, size=len(users))]
            repeats = (rng.random(len(users)) < nature.repeats) & (again >= 0)
            items[repeats] = again[repeats]
            remembered[users, rng.integers(REMEMBERED, size=len(users))] = items
            day = self._told(rng, number, first_event, users, items)
            yield day
            first_event, number = first_event + len(users), number + 1

    def _baskets(self, rng: np.random.Generator) -> NDArray[np.int32]:
        """Who comes on a day, as often as there is something in the basket."""
        come = np.flatnonzero(rng.random(self.size.users, np.float32) < self.chances)
        spread = self.nature.visit_spread
        sizes = rng.lognormal(np.log(self.size.visit) - spread**2 / 2, spread, len(come))
        # Rounded to the one or the other side, so that the mean stays; at least one.
        whole = np.maximum(np.floor(sizes + rng.random(len(come))), 1).astype(np.intp)
        return come.repeat(whole).astype(np.int32)

    def _chosen(
        self, rng: np.random.Generator, users: NDArray[np.int32], weights: NDArray[np.float64]
    ) -> NDArray[np.int32]:
        """An item a draw, by popularity, from a favourite category or from all."""
        until = np.cumsum(weights)
        edges = np.searchsorted(self.categories, np.arange(self.n_categories + 1))
        ends = np.concatenate([[0.0], until])[edges]
        theirs = self.favourites[users, rng.integers(FAVOURITES, size=len(users))]
        low, high = ends[theirs], ends[theirs + 1]
        anywhere = (rng.random(len(users)) >= self.nature.loyalty) | (low >= high)
        low[anywhere], high[anywhere] = 0, until[-1]
        # Below the end of its range, so that no item of weight 0 is hit.
        points = np.minimum(low + rng.random(len(users)) * (high - low), high * (1 - 1e-12))
        rows: NDArray[np.int32] = np.searchsorted(until, points, side="right").astype(np.int32)
        return rows

    def _told(
        self,
        rng: np.random.Generator,
        number: int,
        first_event: int,
        users: NDArray[np.int32],
        items: NDArray[np.int32],
    ) -> Day:
        """What users did with items, in the order of time."""
        n, nature = len(users), self.nature
        hours = np.clip(rng.normal(nature.hour, nature.hour_spread, n), 0, 23.999)
        seconds = (hours * 3600).astype(np.int32)
        order = np.argsort(seconds, kind="stable")
        types = (rng.random(n) < nature.returns).astype(np.int16)
        values = np.exp(rng.normal(nature.value, nature.value_spread, n)).round(2)
        return Day(number, first_event, users[order], items[order], types, seconds[order], values)

    def texts(self, rows: NDArray[np.intp]) -> list[str]:
        """The titles of items."""
        return titles(rows, self.categories[rows], max(round(self.nature.words), 2), self.size.seed)


def main(  # noqa: PLR0913  the options of a command
    *,
    users: Users = 20_000,
    items: Items = 2_000,
    active: Active = 0.1,
    days: Days = 30,
    visit: Visit = SHOP.visit,
    seed: int = 0,
    dsn: str | None = None,
    var: Path = Path("var") / "world",
    state: Annotated[bool, typer.Option(help="fill the warehouse too")] = False,
    nights: Annotated[int, typer.Option(help="days after these, whose events alone come")] = 0,
    calibrate_on: Annotated[Path | None, typer.Option("--calibrate", metavar="FOLDER")] = None,
) -> None:
    """Make a world, or print the constants of a folder in the source contract."""
    from benchmarks.filling import fill

    if calibrate_on is not None:
        for name, value in calibrate(calibrate_on)._asdict().items():
            Console().print(f"{name} {value:.4g}")
        return
    world = World(Size(users, items, active, days, visit, seed))
    settings, n_events = fill(world, dsn, var, with_state=state, nights=nights)
    told = f"{n_events:,} events until {world.size.last_day}; RECSYS_ENCODER={settings.encoder}"
    Console().print(told, soft_wrap=True)


if __name__ == "__main__":
    typer.run(main)
