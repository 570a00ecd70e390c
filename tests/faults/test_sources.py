"""A source that changes while it is read, or was not loaded whole when the night began."""

from collections.abc import Callable, Sequence

import psycopg2
import pytest
from psycopg2 import extensions

from recsys_tasks import nightly

from .contents import shown_by
from .disturbed import assert_same
from .injecting import COMMITTED, Script
from .places import LAST, Place, Stage, administer
from .tally import Tally

ADD = """
insert into app.events (event_id, user_id, item_id, event_type, occurred_at, ingested_at)
values ('{0}', '{1}', '{2}', 'purchase', '{3} 23:59:59.999999+00', null)
"""
# What others do to the source, by name.
CHANGES = {
    "an event more": ADD.format("more", "u3", "i11", LAST),
    "a new user": ADD.format("new", "newcomer", "i05", LAST),
    "a late event": ADD.format("late", "u4", "i12", "2024-03-02"),
    "an event less": f"delete from app.events where event_id = '{LAST}-0-03'",
    "another value": f"update app.events set item_id = 'i01' where event_id = '{LAST}-0-04'",
    "an item less": "delete from app.items where item_id = 'i13'",
    "an item more": (
        "insert into app.items (item_id, title, available) values ('more', 'green lamp', true)"
    ),
    "another title": "update app.items set title = 'small blue plate' where item_id = 'i07'",
}
READING = ("extract", "embed_items")
# Texts that are nobody's any more stay until `maintain` lets them go; and keys that were given out
# in another order give other fingerprints of the same.
LEFT_OVER = ("texts", "text_vectors", "topic_texts", "duplicate_searches", "published_nights")


@pytest.mark.some(3)
@pytest.mark.parametrize("change", CHANGES)
def test_what_changes_while_a_step_reads_is_taken_then_or_by_the_next_run(
    world: Place,
    stages: dict[str, Stage],
    some: Callable[[Sequence[int], int], Sequence[int]],
    tally: Tally,
    change: str,
) -> None:
    with world.copied() as place:
        administer(place.dsn, CHANGES[change])
        place.run_night()
        expected = place.state()
    for step in READING:
        points = [n for n, point in enumerate(stages[step].points) if point != COMMITTED]
        for at in some(points, 1):
            with tally.injection("source changes underneath"), world.copied() as place:
                change_underneath(place, step, at, CHANGES[change])
                place.run_night()
                found = place.state()
                kept = {table: expected.rows[table] for table in LEFT_OVER}
                assert_same(found._replace(rows={**found.rows, **kept}), expected)


def change_underneath(place: Place, step: str, at: int, statement: str) -> None:
    """Run the night, and let somebody else change the source at a point of one step."""

    def change(connection: extensions.connection) -> None:
        del connection
        administer(place.dsn, statement)

    for name in nightly.STEPS:
        place.run(name, script=Script(at, change) if name == step else None)


@pytest.mark.some(1)
@pytest.mark.parametrize("share", [2, 3, 25])
def test_a_day_that_was_loaded_in_part_is_made_whole_by_the_next_run(
    world: Place, stages: dict[str, Stage], tally: Tally, share: int
) -> None:
    """One event in so many was there when the night ran the first time."""
    with tally.injection("day loaded in part"), world.copied() as place:
        administer(
            place.dsn,
            "create table app.to_come as select * from app.events"
            f" where occurred_at >= '{LAST} 00:00+00'"
            f" and right(event_id, 2)::integer % {share} != 1",
            "delete from app.events using app.to_come where events.event_id = to_come.event_id",
        )
        place.run_night()
        assert shown_by(place.dsn) != stages["publish"].after.shown
        administer(place.dsn, "insert into app.events select * from app.to_come")
        place.run_night()
        assert_same(place.state(), stages[nightly.STEPS[-1]].after)


def test_a_load_that_goes_on_holds_nobody_up(
    world: Place, stages: dict[str, Stage], tally: Tally
) -> None:
    """Rows that are written and not committed are not there yet."""
    with tally.injection("load not committed"), world.copied() as place:
        loading = psycopg2.connect(place.dsn)
        loading.cursor().execute(CHANGES["an event more"])
        place.run_night()
        assert_same(place.state(), stages[nightly.STEPS[-1]].after)
        loading.close()
