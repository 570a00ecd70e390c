"""Upgrades: from every version that was released, with rows in its tables, to the one of now."""

import pytest

from recsys_tasks import nightly
from recsys_tasks.warehouse import connect
from recsys_tasks.warehouse.queries import migrations

from .contents import differences
from .disturbed import LEDGER
from .places import Place, Stage
from .released import take_back
from .tally import Tally

VERSIONS = tuple(migrations())[:-1]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_night_after_an_upgrade_is_the_same(
    world: Place, stages: dict[str, Stage], tally: Tally, version: int
) -> None:
    with tally.injection("upgraded from an earlier version"), world.copied() as place:
        filled = take_back(place.dsn, version)
        warehouse = connect(place.settings)
        warehouse.close()
        place.run_night()
        found, expected = place.state(), stages[nightly.STEPS[-1]].after
        print(version, {t: n for t, n in filled.items() if not n})
        print("\n".join(differences(found.rows, expected.rows, LEDGER)))
        assert found.shown == expected.shown
