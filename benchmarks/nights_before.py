"""The state that the nights of a made history leave, made from the history at once.

Days are taken as they are made: interactions and trends go out, and what a total needs is kept, 18
bytes an interaction. Then user by user deltas are summed and folded, by the functions that the
steps accumulate and merge use and in their order, so that the sums have the same bits. Nothing is
published: the first night that runs makes the first lists.
"""

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import NamedTuple, Self

import numpy as np
import structlog
from numpy.typing import NDArray

from benchmarks.wire import INSTANT, copy_in, ids, text
from benchmarks.world import TYPES, Day, World
from recsys_tasks.decay import Decayed
from recsys_tasks.interactions import NO_ROW, Interactions, date_of
from recsys_tasks.interest_model import deltas, weigh
from recsys_tasks.settings import Preset, Settings, preset_of
from recsys_tasks.steps import embed_items, extract
from recsys_tasks.steps.merge import write_totals
from recsys_tasks.warehouse import Session, copying
from recsys_tasks.warehouse.interests import fold_from, nobody
from recsys_tasks.warehouse.models import LiveModel, live_models
from recsys_tasks.warehouse.text_vectors import read_vectors

log = structlog.get_logger()

CHUNK = 100_000  # interactions summed at once
REAL = copying.FLOAT4

COPY_USERS = "copy users (user_id) from stdin with (format binary)"
COPY_INTERACTIONS = """
copy interactions (
    event_id, day, user_key, item_key, event_type_key, value, occurred_at
) from stdin with (format binary)
"""

MET = """
update items set met_on = %(day)s where item_key = any(%(item_keys)s) and met_on is null
"""


class Kept(NamedTuple):
    """What totals need of a day; shape (n,) each.

    Attributes:
        user_keys: As the warehouse has them.
        items: Rows.
        types: Rows of TYPES.
        times: Days from 1970-01-01, with their fraction.
    """

    user_keys: NDArray[np.int32]
    items: NDArray[np.int32]
    types: NDArray[np.int16]
    times: NDArray[np.float64]

    def at(self, places: NDArray[np.intp]) -> "Kept":
        """Those in some places, in their order."""
        users, items, types, times = self
        return Kept(users[places], items[places], types[places], times[places])


class NightsBefore:
    """A warehouse on its way to the state after a history."""

    def __init__(self, session: Session, settings: Settings, world: World, live: LiveModel) -> None:
        """Use `open`."""
        self.session, self.settings, self.world, self.live = session, settings, world, live
        self.preset = preset_of(settings)
        self.user_keys = np.zeros(world.size.users, np.int32)  # 0: did nothing yet
        self.item_keys = np.zeros(len(world.births), np.int32)  # 0: not born yet
        self.kept: list[Kept] = []

    @classmethod
    def open(cls, session: Session, settings: Settings, world: World) -> Self:
        """Take the catalogue in, and give every text its vector, as a night does."""
        rules = extract.rules_of(preset_of(settings))
        session.map_source(settings.source)
        session.execute("insert_event_types", rules=rules)
        embed_items.run(session, settings, world.size.last_day)
        (live,) = live_models(session, both_stages=False)
        before = cls(session, settings, world, live)
        for key, item_id in session.select("select item_key, item_id from items"):
            before.item_keys[int(item_id[1:])] = key
        return before

    def taking(self, days: Iterable[Day]) -> Iterator[Day]:
        """The same days; those of the history are taken."""
        for day in days:
            yield day
            if date_of(day.number) <= self.world.size.last_day:
                self._take(day)

    def _take(self, day: Day) -> None:
        self._meet(np.unique(day.users))
        kept = Kept(
            self.user_keys[day.users],
            day.items,
            day.types,
            day.instants / 1_000_000 / 86_400,
        )
        self.kept.append(kept)
        self._write_interactions(day, kept)
        self._write_trends(day, kept)

    def _meet(self, users: NDArray[np.int32]) -> None:
        """Give keys to users who did nothing before, in the order of their ids."""
        new = users[self.user_keys[users] == 0]
        first = int(self.user_keys.max()) + 1
        self.user_keys[new] = np.arange(first, first + len(new))
        copy_in(self.session, COPY_USERS, (text(9),), (ids("u", new),))

    def _write_interactions(self, day: Day, kept: Kept) -> None:
        """In the order in which extract inserts them."""
        found = self.session.select("select event_type, event_type_key from event_types")
        types: dict[str, int] = dict(found)
        keys = np.array([types[name] for name in TYPES], np.int16)
        order = np.argsort(kept.user_keys, kind="stable")
        columns = (
            *(text(11), copying.DAY, copying.INT4, copying.INT4),
            *(copying.INT2, REAL, INSTANT),
        )
        arrays = (
            ids("e", day.events[order], 10),
            np.full(len(order), day.number, np.int32),
            kept.user_keys[order],
            self.item_keys[day.items[order]],
            keys[day.types[order]],
            day.paid[order],
            day.instants[order],
        )
        copy_in(self.session, COPY_INTERACTIONS, columns, arrays)
        met = np.unique(self.item_keys[day.items]).tolist()
        self.session.select(MET, {"day": date_of(day.number), "item_keys": met})

    def _write_trends(self, day: Day, kept: Kept) -> None:
        """How many users took to each item."""
        liked = weights_of(self.preset)[day.types] > 0
        n_users = np.int64(len(self.user_keys) + 1)
        pairs = np.unique(day.items[liked] * n_users + kept.user_keys[liked])
        items, counts = np.unique(pairs // n_users, return_counts=True)
        days = np.full(len(items), day.number, np.int32)
        arrays = (self.item_keys[items], days, counts.astype(np.float32))
        self.session.copy_in("copy_daily_trends", (copying.INT4, copying.DAY, REAL), arrays)

    def write(self) -> None:
        """Write deltas and totals of everybody."""
        history = Kept(*(np.concatenate(columns) for columns in zip(*self.kept, strict=True)))
        self.kept.clear()
        order = np.argsort(history.user_keys, kind="stable")
        inputs = self._inputs()
        until = np.cumsum(np.bincount(history.user_keys))[1:]  # by user key, from 1
        ends = np.searchsorted(until, np.arange(CHUNK, len(order) + CHUNK, CHUNK))
        edges = np.unique([0, *until[np.minimum(ends, len(until) - 1)].tolist()])
        for start, end in pairwise(edges):
            self._write_users(history.at(order[start:end]), inputs)
            log.info("state written", interactions=int(end), of=len(order))

    def _inputs(self) -> NDArray[np.float32]:
        """What totals sum, by row of the item; zero for one that is not born."""
        keys = self.item_keys[self.item_keys > 0]
        found = self.session.select("select item_key, text_key from items order by item_key")
        texts = np.array([text_key for _, text_key in found], np.int32)
        rows = np.searchsorted([key for key, _ in found], keys)
        vectors = read_vectors(self.session, self.live.stored, texts[rows])
        model = self.live.interest.at(keys)
        inputs = np.zeros((len(self.item_keys), model.width(vectors.shape[1])), np.float32)
        inputs[self.item_keys > 0] = model.inputs(vectors)
        return inputs

    def _write_users(self, theirs: Kept, inputs: NDArray[np.float32]) -> None:
        """Write the deltas and totals of some users, whose interactions lie user by user."""
        user_keys, rows = np.unique(theirs.user_keys, return_inverse=True)
        n, none = len(rows), np.full(len(rows), NO_ROW, np.int32)
        interactions = Interactions(
            rows.astype(np.int32),
            theirs.items,
            theirs.times,
            weights_of(self.preset)[theirs.types],
            none,
            np.zeros(n, np.float32),
            theirs.types,
        )
        half_lives = self.live.interest.half_lives
        users, added = deltas(self.live.interest.weigh(interactions), inputs, half_lives)
        self._write_deltas(user_keys[users], added)
        write_totals(
            self.session,
            self.live,
            fold_from(nobody(self.live.shape), (user_keys[users], added), half_lives),
        )

    def _write_deltas(self, user_keys: NDArray[np.int32], added: Decayed) -> None:
        n, n_half_lives, width = map(int, added.totals.shape)
        columns = (copying.INT2, copying.INT4, copying.DAY, REAL, REAL, copying.vector(width))
        arrays = (
            np.full(n * n_half_lives, self.live.stored.model_key, np.int16),
            user_keys.repeat(n_half_lives),
            added.days.repeat(n_half_lives),
            np.tile(np.asarray(self.live.interest.half_lives, np.float32), n),
            added.masses.ravel(),
            added.totals.reshape(-1, width),
        )
        self.session.copy_in("copy_daily_interests", columns, arrays)


def weights_of(preset: Preset) -> NDArray[np.float32]:
    """What an interaction of each of TYPES weighs; none of them looks at the value."""
    nothing = np.full(1, np.nan, np.float32)
    kinds = [preset.event_types[name] for name in TYPES]
    return np.concatenate([weigh(kind, nothing, 1.0).items for kind in kinds])
