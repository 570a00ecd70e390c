"""Several at once: two runs of a day, a run and its murder, two tenants, and readers all along."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date

import psycopg2
import pytest

from recsys_tasks import nightly
from recsys_tasks.errors import DatabaseUnavailable, NightBusy
from recsys_tasks.warehouse import connect

from .children import start
from .contents import Shown, shown_by, state_of
from .disturbed import assert_same
from .places import DAYS, Place, Stage, database
from .tally import Tally

LAST_STEP = nightly.STEPS[-1]
# Tables that a step writes: somebody holds one of them.
HELD = {
    "extract": ("interactions", "users", "interaction_days"),
    "embed_items": ("items", "texts", "text_vectors", "models"),
    "accumulate": ("daily_interests", "daily_trends", "pending_merges"),
    "merge": ("interest_totals",),
    "rank": ("draft_lists", "draft_nights", "interests", "trends", "user_neighbours"),
    "publish": ("published_nights", "recommendation_lists", "cold_start_lists"),
    "evaluate": ("evaluations",),
}


@contextmanager
def read_all_along(place: Place) -> Iterator[set[Shown]]:
    """All that a reader is shown, who looks again and again."""
    seen, is_over = {shown_by(place.dsn)}, threading.Event()

    def read() -> None:
        while not is_over.wait(0.05):
            seen.add(shown_by(place.dsn))

    reader = threading.Thread(target=read)
    reader.start()
    try:
        yield seen
    finally:
        is_over.set()
        reader.join()
        seen.add(shown_by(place.dsn))


def shown(stages: dict[str, Stage]) -> set[Shown]:
    return {stages["publish"].before.shown, stages["publish"].after.shown}


def test_two_runs_of_a_day_at_once(world: Place, stages: dict[str, Stage], tally: Tally) -> None:
    with tally.injection("two runs of a day"), world.copied() as place:
        with read_all_along(place) as seen:
            both = [start(place), start(place)]
            for child in both:
                child.join()
        assert [child.exitcode for child in both] == [0, 0]
        assert_same(place.state(), stages[LAST_STEP].after)
        assert seen == shown(stages)


@pytest.mark.some(1)
@pytest.mark.parametrize("at", [60, 150, 230])
def test_one_of_two_runs_is_killed(
    world: Place, stages: dict[str, Stage], tally: Tally, at: int
) -> None:
    with tally.injection("two runs of a day, one killed"), world.copied() as place:
        with read_all_along(place) as seen:
            both = [start(place, at=at), start(place)]
            for child in both:
                child.join()
        assert [child.exitcode for child in both] == [-9, 0]
        assert_same(place.state(), stages[LAST_STEP].after)
        assert seen == shown(stages)


def test_two_tenants_at_once(
    untouched: Place,
    some: Callable[[Sequence[date], int], Sequence[date]],
    tally: Tally,
) -> None:
    """Of one source: each ends with what the one has that is alone."""
    days = some(DAYS, 1)
    with untouched.copied() as place:
        for day in days:
            place.run_night(day)
        alone = place.state()
    with tally.injection("two tenants at once"), untouched.copied() as place:
        other = place._replace(settings=place.settings.model_copy(update={"schema_name": "b"}))
        for day in days:
            both = [start(place, day=day), start(other, day=day)]
            for child in both:
                child.join()
            assert [child.exitcode for child in both] == [0, 0]
        for schema in ("recsys", "b"):
            assert_same(state_of(place.dsn, schema), alone)


def test_two_tenants_begin_at_once_in_an_empty_database(
    server: str, untouched: Place, tally: Tally
) -> None:
    with tally.injection("two tenants begin at once"), database(server) as name:
        dsn = psycopg2.extensions.make_dsn(server, dbname=name)
        settings = untouched.settings.model_copy(update={"dsn": dsn})
        gate, failed = threading.Barrier(3), list[Exception]()

        def begin(schema: str) -> None:
            gate.wait()
            try:
                connect(settings.model_copy(update={"schema_name": schema})).close()
            except Exception as error:  # noqa: BLE001  whatever it is, it is looked at below
                failed.append(error)

        threads = [threading.Thread(target=begin, args=(schema,)) for schema in "abc"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failed == []


@pytest.mark.some(3)
@pytest.mark.parametrize("step", HELD)
def test_a_table_is_held_by_somebody_else(
    stages: dict[str, Stage], tally: Tally, step: str
) -> None:
    """The step waits as long as the server lets it, and then says so; readers read on."""
    stage = stages[step]
    for table in HELD[step]:
        with tally.injection("table held by another session"), stage.place.copied() as place:
            dsn = psycopg2.extensions.make_dsn(place.dsn, options="-c lock_timeout=200ms")
            hasty = place._replace(settings=place.settings.model_copy(update={"dsn": dsn}))
            holder = psycopg2.connect(place.dsn)
            holder.cursor().execute(f"lock table recsys.{table} in share mode")
            try:
                with pytest.raises(DatabaseUnavailable, match="lock timeout"):
                    hasty.run(step)
                assert shown_by(place.dsn) == stage.before.shown
            finally:
                holder.close()
            assert_same(place.state(), stage.before)
            place.run(step)
            assert_same(place.state(), stage.after)


def test_a_run_that_cannot_have_the_night_leaves_the_other_ones_line_alone(
    stages: dict[str, Stage], tally: Tally
) -> None:
    stage = stages["merge"]
    with tally.injection("night held by another run"), stage.place.copied() as place:
        hasty = place._replace(settings=place.settings.model_copy(update={"lock_timeout": 1}))
        holder = connect(place.settings)
        with holder.transaction(exclusive=True), pytest.raises(NightBusy):
            hasty.run("merge")
        holder.close()
        assert_same(place.state(), stage.before)
        place.run("merge")
        assert_same(place.state(), stage.after)
