"""A dry run tells what would happen, and leaves every table as it was."""

import pytest

from recsys_tasks import nightly
from recsys_tasks.errors import BadSettings
from recsys_tasks.rehearsing import rehearse_night, rehearse_refresh

from .made_days import LAST, NIGHTS, made_events, made_items
from .tenant import Tenant
from .test_convergence import run_nights

BEFORE, DAY = NIGHTS[-2], LAST


@pytest.fixture
def until_yesterday(tenant: Tenant) -> Tenant:
    """The source has all days; the nights have run until the last but one."""
    tenant.items(*made_items())
    tenant.events(*made_events())
    run_nights(tenant, [BEFORE])
    return tenant


def everything(tenant: Tenant) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table of the schema, partitions and drafts among them."""
    names = tenant.rows(
        "select relname::text from pg_class where relnamespace = 'recsys'::regnamespace"
        " and relkind in ('r', 'p')"
    )
    return {
        str(name): tenant.rows(f'select t::text from recsys."{name}" as t order by 1')
        for (name,) in names
    }


def test_a_dry_night_changes_no_table(until_yesterday: Tenant) -> None:
    before = everything(until_yesterday)
    rehearse_night(until_yesterday.settings, DAY)

    assert any(before.values())
    assert everything(until_yesterday) == before


def test_a_dry_night_tells_what_the_night_then_does(until_yesterday: Tenant) -> None:
    found = rehearse_night(until_yesterday.settings, DAY)
    done = nightly.run_night(until_yesterday.settings, DAY)

    assert found.refused is None
    assert found.counts == {step: counts for step, counts in done.items() if step != "publish"}


def test_a_dry_night_tells_which_gate_would_stop_it(until_yesterday: Tenant) -> None:
    until_yesterday.rows("update published_nights set n_lists = 1000 returning night")
    found = rehearse_night(until_yesterday.settings, DAY)

    assert found.refused is not None
    assert "had 1000 (RECSYS_ENOUGH_USERS)" in found.refused
    assert list(found.counts) == list(nightly.STEPS[: nightly.STEPS.index("check")])


def test_a_dry_refresh_changes_no_table(until_yesterday: Tenant) -> None:
    before = everything(until_yesterday)
    found = rehearse_refresh(until_yesterday.settings, DAY)

    assert found.counts[nightly.REFRESH]["lists"] > 0
    assert everything(until_yesterday) == before


def test_what_a_night_would_fail_with_a_dry_run_fails_with(until_yesterday: Tenant) -> None:
    wrong = until_yesterday.settings.model_copy(update={"source": "nowhere"})

    with pytest.raises(BadSettings, match="nowhere"):
        rehearse_night(wrong, DAY)
