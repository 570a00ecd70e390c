"""Upgrades: from every version that was released, with rows in its tables, to the one of now."""

import pytest

from recsys_tasks import nightly
from recsys_tasks.warehouse import Warehouse
from recsys_tasks.warehouse.queries import migrations

from .contents import Rows, differences
from .disturbed import LEDGER
from .places import LAST, Place, Stage
from .released import take_back
from .tally import Tally

VERSIONS = tuple(migrations())[:-1]
SUCCESSORS = {"topic_shares": "topic_masses"}  # tables with the rows of others
MIGRATIONS, LISTS = "schema_migrations", "recommendation_lists"
# What nights of this world leave nothing in.
EMPTY = {
    "title_lifts",
    *("draft_lists", "draft_nights", "draft_shards", "draft_variants", "erasure_keys", "erasures"),
    *("experiment_sums", "experiment_user_days", "filtered_items", "gate_overrides"),
    *("generated_names", "interests_due", "pending_merges", "provisional_nights"),
    *("suggested_people", "variant_models", "encoders", "identity_keys", "noise_releases"),
}


@pytest.mark.some(4)
@pytest.mark.parametrize("version", VERSIONS)
def test_a_night_after_an_upgrade_is_the_same(
    world: Place, stages: dict[str, Stage], tally: Tally, version: int
) -> None:
    """What the version did not know of, as topics, begins with that night."""
    with tally.injection("upgraded from an earlier version"), world.copied() as place:
        filled = take_back(place.dsn, version)
        assert {table for table, n in filled.items() if not n} <= EMPTY
        assert connect_and_migrate(place) == tuple(migrations())[version:]
        place.run_night()
        found, expected = place.state(), stages[nightly.STEPS[-1]].after
        new = expected.rows.keys() - filled.keys()
        later = [table for table in new if SUCCESSORS.get(table) not in filled]
        made, right = (of_last_night(state.rows) for state in (found, expected))
        # The first version had no lists to keep.
        assert len(found.rows[LISTS]) == filled.get(LISTS, 0) + len(right[LISTS])
        assert differences(made, right, LEDGER, MIGRATIONS, *later) == []
        assert found.shown == expected.shown
        assert found.rows.keys() == expected.rows.keys()


def of_last_night(rows: Rows) -> Rows:
    """Without the lists of nights before: they stay what the version made of them."""
    return {**rows, LISTS: [line for line in rows[LISTS] if f"('night', '{LAST}')" in line]}


def connect_and_migrate(place: Place) -> tuple[int, ...]:
    """Every right is granted anew on the way."""
    warehouse = Warehouse(place.dsn, place.settings.schema_name)
    applied = warehouse.migrate()
    with warehouse.transaction() as session:
        assert session.rows("rights_amiss") == [(0, 0)]
    warehouse.close()
    return applied
