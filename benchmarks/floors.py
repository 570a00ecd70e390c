"""What the steps of a night cost at least on this machine: its bytes moved, its products made.

Each floor is measured after the night, on what the night read and wrote: COPY of the same rows out,
and in again into a table without indexes; the matrix product of the same shape and kind; the
encoder's multiplications at the speed of a large product. Nothing is decoded, sorted or checked, so
no step can be faster by more than what it leaves out.
"""

import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date, timedelta
from threading import Barrier
from time import perf_counter
from typing import IO, Final, NamedTuple

import numpy as np

from recsys_tasks.encoder import load_encoder
from recsys_tasks.interest_model import InterestModel
from recsys_tasks.settings import Settings, preset_of
from recsys_tasks.warehouse import Session, Warehouse
from recsys_tasks.warehouse.models import live_models

PRODUCT_BATCHES: Final = 64  # of users, measured; the rest of the product is as slow
LARGE: Final = 2_048  # rows and columns of the product that shows the peak
OUT: Final = {
    "events": """
        select * from app.events
        where occurred_at >= %(since)s::date::timestamptz
            and occurred_at < (%(day)s::date + 1)::timestamptz
    """,
    "catalogue": "select * from app.items",
    "interactions": "select * from interactions where day = %(day)s",
    "deltas": """
        select * from daily_interests where model_key = %(model_key)s and day = %(day)s
    """,
    "totals": """
        select * from interest_totals where model_key = %(model_key)s and as_of = %(day)s
    """,
    "state": """
        select interest_totals.*
        from interest_totals
        inner join recommendation_lists using (user_key)
        where interest_totals.model_key = %(model_key)s and recommendation_lists.night = %(day)s
    """,
    "vectors": "select text_key, vector from text_vectors",
    "lists": "select * from recommendation_lists where night = %(day)s",
    "shown": "select * from interests where model_key = %(model_key)s and night = %(day)s",
    "histories": """
        select interactions.*
        from interactions
        where interactions.user_key in (
            select topic_user_days.user_key from topic_user_days where topic_user_days.day = %(day)s
        )
    """,
    "shares": "select * from topic_shares where as_of = %(day)s",
    "served": """
        select distinct on (lists.user_key) lists.*
        from recommendation_lists as lists
        where lists.night < %(day)s
            and lists.user_key in (select user_key from interactions where day = %(day)s)
        order by lists.user_key, lists.night desc
    """,
}
# Where the rows go back to: made like the table that they are of, and bare.
BARE: Final = {
    "interactions": "interactions",
    "deltas": "daily_interests",
    "totals": "interest_totals",
    "lists": "recommendation_lists",
    "shares": "topic_shares",
    "shown": "interests",
}
NEW_TEXTS: Final = """
select content from texts inner join items using (text_key) where created_at >= %(day)s
"""
COUNTS: Final = """
select
    (select count(*) from recommendation_lists where night = %(day)s),
    (select count(*) from item_vectors),
    (select count(distinct user_key) from interests where night = %(day)s)
"""


class Floor(NamedTuple):
    """A part of what a step costs at least.

    Attributes:
        step: Of the night.
        what: Is done.
        seconds: That it takes.
        amount: How much is done, in words.
    """

    step: str
    what: str
    seconds: float
    amount: str


class Floors:
    """Measures the floors of a night that has been made."""

    def __init__(self, warehouse: Warehouse, settings: Settings, day: date) -> None:
        """Of a night, whose lists are published."""
        self.warehouse, self.settings, self.day = warehouse, settings, day

    def measured(self) -> list[Floor]:
        """Every floor, step by step. What is written for it is taken back."""
        with self.warehouse.transaction() as session:
            session.select("set local timezone = 'UTC'")
            session.map_source(self.settings.source)
            (live,) = live_models(session, both_stages=False)
            asked = {
                "day": self.day,
                "since": self.day - timedelta(days=self.settings.late_days),
                "model_key": live.stored.model_key,
            }
            copies = Copies(session, asked)
            found = [
                *copies.of("extract", out=("events",), back=("interactions",)),
                *copies.of("embed_items", out=("catalogue",)),
                self._encoding(session),
                *copies.of("accumulate", out=("interactions",), back=("deltas",)),
                *copies.of("merge", out=("deltas", "totals"), back=("totals",)),
                *copies.of("rank", out=("state", "vectors"), back=("lists", "shown")),
                *self._products(session, live.interest, live.stored.dim),
                *copies.of("check", out=("lists",)),
                *copies.of("topics", out=("histories",), back=("shares",)),
                *copies.of("evaluate", out=("interactions", "served")),
            ]
            session.connection.rollback()
        return found

    def _encoding(self, session: Session) -> Floor:
        """The multiplications that the new texts take, at the speed of a large product."""
        import torch

        texts = session.select(NEW_TEXTS, {"day": self.day})
        model = load_encoder(self.settings.encoder, self.settings.device).model
        linear = [module for module in model.modules() if isinstance(module, torch.nn.Linear)]
        n_weights = sum(module.weight.numel() for module in linear)
        tokens = model.preprocess([text for (text,) in texts])["input_ids"] if texts else []
        n_tokens = int(np.prod(np.shape(tokens)))
        operations = 2.0 * n_weights * n_tokens
        amount = f"{len(texts):,} texts, {n_tokens:,} tokens, {operations:.2g} operations"
        return Floor("embed_items", "encoder at peak", operations / peak(), amount)

    def _products(self, session: Session, model: InterestModel, dim: int) -> Iterator[Floor]:
        """Users by items, and users who moved by the pool among whom neighbours are sought."""
        counts = session.select(COUNTS, {"day": self.day})
        n_lists, n_items, n_moved = map(int, counts[0])
        width = model.rank(dim) + len(preset_of(self.settings).trend_half_lives)
        pool = min(self.settings.similar_pool, n_lists)
        yield self._product("the product, users by items", n_lists, n_items, width)
        yield self._product("the product, users by users", n_moved, pool, model.rank(dim))

    def _product(self, what: str, n: int, n_others: int, width: int) -> Floor:
        """In batches, a thread each, as ranking has it; PRODUCT_BATCHES stand for all."""
        import torch

        n_threads = torch.get_num_threads()
        size = self.settings.batch_size // n_threads
        users, others = torch.randn(size, width), torch.randn(n_others, width)
        n_measured = min(-(-n // size), PRODUCT_BATCHES * n_threads)

        def multiply(batches: range) -> None:
            found = torch.empty(size, n_others)
            torch.mm(users, others.T, out=found)
            together.wait()
            for _ in batches:
                torch.mm(users, others.T, out=found)

        together = Barrier(n_threads + 1)
        with ThreadPoolExecutor(n_threads, "floor", torch.set_num_threads, (1,)) as threads:
            shares = [range(first, n_measured, n_threads) for first in range(n_threads)]
            done = [threads.submit(multiply, share) for share in shares]
            together.wait()
            with stopwatch() as seconds:
                for part in done:
                    part.result()
        torch.set_num_threads(n_threads)
        took = seconds[0] * n / (n_measured * size) if n else 0.0
        return Floor("rank", what, took, f"{n:,} x {n_others:,} x {width}, float32")


class Copies:
    """COPY of what a night read and wrote."""

    def __init__(self, session: Session, asked: dict[str, object]) -> None:
        """Ask in a transaction that is taken back."""
        self.session, self.asked = session, asked

    def of(
        self, step: str, out: tuple[str, ...] = (), back: tuple[str, ...] = ()
    ) -> Iterator[Floor]:
        """The floors of a step: some of OUT out, and some of BARE in."""
        for name in out:
            with tempfile.TemporaryFile() as stream:
                yield self._floor(step, name, "out", self._copy_out(name, stream), stream)
        for name in back:
            with tempfile.TemporaryFile() as stream:
                self._copy_out(name, stream)
                yield self._floor(step, name, "in", self._copy_in(name, stream), stream)

    def _floor(
        self, step: str, name: str, direction: str, seconds: float, stream: IO[bytes]
    ) -> Floor:
        return Floor(
            step, f"COPY {direction}, {name}", seconds, f"{stream.tell() / 2**20:,.0f} MiB"
        )

    def _copy_out(self, name: str, stream: IO[bytes]) -> float:
        with self.session.connection.cursor() as cursor:
            query = cursor.mogrify(OUT[name], self.asked).decode()
            with stopwatch() as seconds:
                cursor.copy_expert(f"copy ({query}) to stdout with (format binary)", stream)
        return seconds[0]

    def _copy_in(self, name: str, stream: IO[bytes]) -> float:
        stream.seek(0)
        table = f"bare_{name}"
        self.session.select(f"create table {table} (like {BARE[name]} including storage)")
        with self.session.connection.cursor() as cursor, stopwatch() as seconds:
            cursor.copy_expert(f"copy {table} from stdin with (format binary)", stream)
        return seconds[0]


def peak() -> float:
    """Operations a second of a large product in float32."""
    import torch

    one, other = torch.randn(2, LARGE, LARGE)
    torch.mm(one, other)
    with stopwatch() as seconds:
        torch.mm(one, other)
    return 2.0 * LARGE**3 / seconds[0]


@contextmanager
def stopwatch() -> Iterator[list[float]]:
    """Holds the seconds of the block, when it has ended."""
    seconds: list[float] = []
    start = perf_counter()
    yield seconds
    seconds.append(perf_counter() - start)
