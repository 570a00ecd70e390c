"""A night's lists in shards: as good as one piece, whatever happens in between."""

import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsys_tasks import nightly, sharding
from recsys_tasks.errors import BadSettings, NightBusy, NightUnfinished, UnknownUser
from recsys_tasks.settings import Variant, fingerprint_of
from recsys_tasks.steps import accumulate, embed_items, extract, publish, rank
from recsys_tasks.steps.rank import drafting, users
from recsys_tasks.steps.rank.shards import split
from recsys_tasks.warehouse import Warehouse
from recsys_tasks.warehouse.interests import EVERYBODY, Interests, interests_as_of
from recsys_tasks.warehouse.models import serving_model
from recsys_tasks.warehouse.second_stages import save_second_stage

from .kept_models import let_serve, made_for
from .made_days import IDLE, LAST, NIGHTS, made_events, made_items
from .tenant import TO_DRAFT, Tenant
from .test_second_stage import let_both_stages_serve

BEFORE, QUIET = NIGHTS[-2], NIGHTS[IDLE]
DRAFT = "select * from draft_lists order by night, user_key"
COLD = "select night, inputs_fingerprint, cold_item_keys, cold_scores from draft_nights order by 1"
# Written by the plan alone; a rewritten row has another place.
BESIDE = (
    "select night, horizon, rank, item_key, score from trends order by 1, 2, 3",
    "select user_key, half_life, night, vector::text from interests order by 1, 2, 3",
    "select * from user_neighbours order by user_key",
    "select item_id, vector::text from item_vectors order by item_id",
)
LEDGER = "select state, counts, error from nights where step = 'rank' and day = %(day)s"


@pytest.fixture
def filled(tenant: Tenant) -> Tenant:
    """Everything is ready to be ranked."""
    tenant.items(*made_items())
    tenant.events(*made_events())
    for step in TO_DRAFT[:-1]:
        tenant.run(step, LAST)
    return tenant


@pytest.fixture
def rich(filled: Tenant) -> Tenant:
    """A learned model with a second stage serves, variants differ, and attributes tell of users."""
    let_both_stages_serve(filled)
    filled.rows("update users set attributes = jsonb_build_object('club', user_key % 3)")
    variants = {
        "diverse": Variant(share=0.3, diversity=0.5),
        "first": Variant(share=0.2, stage="interest"),
        "fixed": Variant(share=0.3, decay="alpha 0.5"),
    }
    changed = with_settings(filled, variants=variants, from_attributes=True)
    changed.run(embed_items, LAST)
    filled.rows("update users set attributes = jsonb_build_object('club', user_key % 3)")
    for step in (accumulate, *TO_DRAFT[3:4]):
        changed.run(step, LAST)
    return changed


def with_settings(tenant: Tenant, **changes: object) -> Tenant:
    return Tenant(tenant.warehouse, tenant.settings.model_copy(update=changes))


def in_shards(tenant: Tenant, n_shards: int) -> Tenant:
    return with_settings(tenant, shards=n_shards)


def make(tenant: Tenant, shard: int, day: date = LAST) -> int:
    return nightly.run_step("rank", day, tenant.settings, shard=shard)["lists"]


def rank_in_shards(tenant: Tenant, n_shards: int, day: date = LAST) -> None:
    night = in_shards(tenant, n_shards)
    for shard in reversed(nightly.plan_shards(day, night.settings)):
        make(night, shard, day)


@pytest.mark.parametrize("n_shards", [2, 5, 40])
def test_shards_leave_the_lists_of_one_piece_to_the_bit(filled: Tenant, n_shards: int) -> None:
    """Also where there are more shards than users."""
    filled.run(rank, LAST)
    one_piece = [filled.rows(statement) for statement in (DRAFT, COLD, *BESIDE)]
    rank_in_shards(filled, n_shards)
    assert [filled.rows(statement) for statement in (DRAFT, COLD, *BESIDE)] == one_piece
    assert len(one_piece[0]) == 12


def test_second_stage_variants_and_attributes_do_not_depend_on_shards(rich: Tenant) -> None:
    rich.run(rank, LAST)
    one_piece = rich.rows(DRAFT)
    assert len({row[4] for row in one_piece}) == 4  # variants
    rank_in_shards(rich, 5)
    assert rich.rows(DRAFT) == one_piece


@pytest.mark.parametrize("preset", ["shop", "social"])
def test_what_is_made_beside_lists_needs_few_vectors(
    filled: Tenant, preset: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of who moved and of the pool; of the others, who are most, only the evidence."""
    night = with_settings(filled, similar_pool=2, preset=preset)
    for step in (*TO_DRAFT, publish):
        night.run(step, QUIET)
    night.events({"user_id": "u1", "item_id": "i7", "day": QUIET})
    for step in TO_DRAFT[:-1]:
        night.run(step, QUIET)
    night.rows(
        "insert into users (user_id) values ('newcomer');"
        "update users set attributes = jsonb_build_object('club', user_key % 3)"
    )
    night.run(rank, QUIET)
    one_piece = [night.rows(statement) for statement in BESIDE]
    rank_in_shards(night, 3, QUIET)
    assert [night.rows(statement) for statement in BESIDE] == one_piece
    assert all(one_piece)
    read: list[int] = []

    def counted(*given: Any, **named: Any) -> Interests:  # noqa: ANN401  as it is called
        found = interests_as_of(*given, **named)
        read.append(len(found.user_keys))
        return found

    monkeypatch.setattr(users, "interests_as_of", counted)
    another = with_settings(night, shards=3, list_length=5)
    assert len(sharding.plan(another.warehouse, another.settings, QUIET)) == 3
    assert sum(read) == (3 if preset == "shop" else 3 + 2)


@given(st.dictionaries(st.integers(1, 10_000), st.floats(0.5, 20), max_size=60), st.integers(1, 20))
def test_a_split_holds_everybody_once_and_is_fair(costs: dict[int, float], n_shards: int) -> None:
    keys = np.array(list(costs), np.int32)
    shards = split(keys, np.array(list(costs.values())), n_shards)
    assert len(shards) == n_shards
    assert shards[0].first == EVERYBODY.first
    assert shards[-1].last == EVERYBODY.last
    assert all(left.last + 1 == right.first for left, right in pairwise(shards))
    for first, last in shards:
        cost = sum(cost for key, cost in costs.items() if first <= key <= last)
        assert cost <= sum(costs.values()) / n_shards + max(costs.values(), default=0) + 1e-6


def test_a_night_is_not_published_before_every_shard_is_made(filled: Tenant) -> None:
    night = in_shards(filled, 3)
    assert nightly.plan_shards(LAST, night.settings) == [0, 1, 2]
    make(night, 1)
    for step in ("check", "publish"):
        with pytest.raises(NightUnfinished, match=r"2 of 3 shards are missing: \[0, 2\]"):
            nightly.run_step(step, LAST, night.settings)
    assert night.rows(LEDGER, day=LAST)[0][0] == "running"
    make(night, 0)
    make(night, 2)
    counts = {"nights": 1, "lists": 12, "shards": 3, "shards_done": 3}
    assert night.rows(LEDGER, day=LAST) == [("done", counts, None)]
    nightly.run_step("check", LAST, night.settings)
    nightly.run_step("publish", LAST, night.settings)
    assert night.rows("select n_lists from published_nights") == [(12,)]
    assert night.rows("select * from draft_shards") == []


def test_a_shard_that_is_made_stays_made(filled: Tenant) -> None:
    """By its own task again, and by a plan again."""
    night, places = in_shards(filled, 2), "select ctid, xmin from draft_lists order by ctid"
    nightly.plan_shards(LAST, night.settings)
    assert make(night, 0) > 0
    made = night.rows(places)
    assert make(night, 0) == 0
    nightly.plan_shards(LAST, night.settings)
    assert night.rows(places) == made
    assert night.rows(LEDGER, day=LAST)[0][0] == "running"
    assert make(night, 1) > 0


def test_a_shard_without_a_plan_makes_the_plan_and_all_shards(filled: Tenant) -> None:
    filled.run(rank, LAST)
    one_piece = filled.rows(DRAFT)
    night = in_shards(filled, 3)
    assert make(night, 2) == 12
    assert night.rows(DRAFT) == one_piece
    assert make(night, 0) == 0


def change_of_settings(tenant: Tenant) -> Tenant:
    return with_settings(tenant, list_length=5)


def new_item(tenant: Tenant) -> Tenant:
    tenant.items({"item_id": "brand new"})
    tenant.run(embed_items, LAST)
    return tenant


def late_event(tenant: Tenant) -> Tenant:
    """Another night has come as far as its own merge, which is still to be run."""
    half_a_late_event(tenant).run(accumulate, LAST)
    return tenant


def half_a_late_event(tenant: Tenant) -> Tenant:
    """Another night has taken it, and has not accumulated yet.

    It is a user's of the first shard, with what that shard's draft puts first for them.
    """
    ((user, item),) = tenant.rows(
        "select users.user_id, items.item_id from draft_lists join users using (user_key)"
        " join items on items.item_key = draft_lists.item_keys[1] order by user_key limit 1"
    )
    tenant.events({"user_id": user, "item_id": item, "day": BEFORE})
    tenant.run(extract, LAST)
    return tenant


def another_model(tenant: Tenant) -> Tenant:
    let_serve(tenant, made_for(tenant))
    return tenant


@pytest.mark.parametrize(
    "change", [change_of_settings, new_item, late_event, half_a_late_event, another_model]
)
def test_what_changes_between_two_shards_is_in_all_lists(
    filled: Tenant, change: Callable[[Tenant], Tenant]
) -> None:
    """Nothing is mixed: who sees the change plans anew, and makes what others had made."""
    night = in_shards(filled, 3)
    nightly.plan_shards(LAST, night.settings)
    make(night, 0)
    before = night.rows(DRAFT)
    night = change(night)
    make(night, 1)
    make(night, 2)
    made = night.rows(DRAFT)
    night.run(rank, LAST)
    assert made == night.rows(DRAFT)
    assert made[: len(before)] != before
    assert len(made) == 12


def test_the_ledger_tells_of_the_settings_that_the_lists_were_made_by(filled: Tenant) -> None:
    night = in_shards(filled, 2)
    nightly.plan_shards(LAST, night.settings)
    make(night, 0)
    changed = with_settings(night, list_length=5)
    make(changed, 1)
    (row,) = changed.rows("select state, fingerprint from nights where step = 'rank'")
    assert row == ("done", fingerprint_of(changed.settings))
    assert fingerprint_of(night.settings) == fingerprint_of(filled.settings)


def test_nights_and_refreshes_beside_a_night_in_shards_change_nothing(tenant: Tenant) -> None:
    """The newest night is made, and the day after it refreshed, between two shards of another."""
    tenant.items(*made_items())
    tenant.events(*made_events())
    for step in nightly.STEPS[:-1]:
        nightly.run_step(step, BEFORE, tenant.settings)
    served = "select * from recommendation_lists where night = %(night)s order by user_key"
    expected = tenant.rows(served, night=BEFORE)
    assert len(expected) == 12

    night, today = in_shards(tenant, 2), LAST + timedelta(days=1)
    nightly.plan_shards(BEFORE, night.settings)
    make(night, 0, BEFORE)
    tenant.events({"user_id": "u1", "item_id": "i9", "day": LAST})
    nightly.run_refresh(tenant.settings, LAST)
    for step in nightly.STEPS[:5]:
        nightly.run_step(step, today, tenant.settings)
    make(night, 1, BEFORE)
    for step in ("check", "publish"):
        nightly.run_step(step, BEFORE, night.settings)
    assert tenant.rows(served, night=BEFORE) == expected


def test_an_older_night_in_shards_makes_the_newest_one_too(filled: Tenant) -> None:
    """As in one piece: a late event changes what the newest night was made from."""
    filled.run(rank, LAST)
    filled.run(publish, LAST)
    filled.events({"user_id": "u3", "item_id": "i7", "day": BEFORE})
    for step in TO_DRAFT[:-1]:
        filled.run(step, BEFORE)
    filled.run(rank, BEFORE)
    one_piece = [filled.rows(statement) for statement in (DRAFT, *BESIDE)]
    assert {row[0] for row in one_piece[0]} == {BEFORE, LAST}
    rank_in_shards(filled, 3, BEFORE)
    assert [filled.rows(statement) for statement in (DRAFT, *BESIDE)] == one_piece
    assert filled.rows(LEDGER, day=BEFORE)[0][0] == "done"
    nightly.run_step("publish", BEFORE, filled.settings)
    assert filled.rows("select count(*) from draft_nights") == [(0,)]


def test_a_failed_shard_is_in_the_ledger_until_it_is_made(
    filled: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    night = in_shards(filled, 3)
    nightly.plan_shards(LAST, night.settings)

    def fail(*_: object) -> None:
        message = "out of luck\nand more"
        raise RuntimeError(message)

    with monkeypatch.context() as patch:
        patch.setattr(drafting, "write_lists", fail)
        with pytest.raises(RuntimeError):
            make(night, 1)
    make(night, 0)
    ((state, _, error),) = night.rows(LEDGER, day=LAST)
    assert (state, error) == ("failed", "shard 1: out of luck")
    make(night, 1)
    make(night, 2)
    assert [row[0::2] for row in night.rows(LEDGER, day=LAST)] == [("done", None)]


def test_shards_run_beside_each_other_and_beside_nothing_else(filled: Tenant) -> None:
    other = Warehouse(filled.warehouse.dsn, filled.warehouse.schema, lock_timeout=1)
    with filled.warehouse.transaction(shared=True):
        with other.transaction(shared=True):
            pass
        with pytest.raises(NightBusy), other.transaction(exclusive=True):
            pass
    with (
        filled.warehouse.transaction(exclusive=True),
        pytest.raises(NightBusy),
        other.transaction(shared=True),
    ):
        pass
    other.close()


def test_a_shard_is_made_by_one_at_a_time(filled: Tenant) -> None:
    night = in_shards(filled, 2)
    nightly.plan_shards(LAST, night.settings)
    with night.warehouse.transaction(shared=True) as session:
        assert rank.draft_shard(session, night.settings, LAST, 0) > 0
        with pytest.raises(NightBusy):
            make(night, 0)
        assert make(night, 1) > 0
    assert make(night, 0) == 0
    assert night.rows(LEDGER, day=LAST)[0][0] == "done"


CHILD = """
import os
from datetime import date
from recsys_tasks import nightly
nightly.run_step("rank", date.fromisoformat(os.environ["DAY"]), shard=1)
"""


@pytest.fixture
def killed(filled: Tenant) -> Tenant:
    """A night whose second shard was killed in the middle of writing."""
    night = in_shards(filled, 3)
    nightly.plan_shards(LAST, night.settings)
    make(night, 0)
    environment = os.environ | {
        "DAY": str(LAST),
        "RECSYS_DSN": night.warehouse.dsn,
        "RECSYS_ENCODER": night.settings.encoder,
        "RECSYS_DEVICE": "cpu",
        "RECSYS_SHARDS": "3",
    }
    waiting = "select distinct pid from pg_locks where not granted and locktype = 'relation'"
    with night.warehouse.transaction() as session:
        session.select("lock table draft_lists in share mode")
        with subprocess.Popen([sys.executable, "-c", CHILD], env=environment) as child:
            wait_for(lambda: bool(session.select(waiting)))
            child.send_signal(signal.SIGKILL)
        assert child.returncode == -signal.SIGKILL
        ((backend,),) = session.select(waiting)
    # The server notices when it next has something to say to the dead.
    gone = "select count(*) = 0 from pg_stat_activity where pid = %(pid)s"
    wait_for(lambda: night.rows(gone, pid=backend) == [(True,)])
    return night


def wait_for(is_so: Callable[[], bool], seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < until
        time.sleep(0.05)


def test_a_process_killed_in_the_middle_leaves_nothing_and_is_made_up_for(killed: Tenant) -> None:
    assert make(killed, 0) == 0
    with pytest.raises(NightUnfinished, match=r"\[1, 2\]"):
        nightly.run_step("check", LAST, killed.settings)
    made = len(killed.rows(DRAFT))
    assert make(killed, 1) > 0
    make(killed, 2)
    found = killed.rows(DRAFT)
    assert made < len(found) == 12
    killed.run(rank, LAST)
    assert killed.rows(DRAFT) == found


@pytest.mark.slow
def test_a_night_in_processes_is_the_same_night(filled: Tenant) -> None:
    filled.run(rank, LAST)
    one_piece = filled.rows(DRAFT)
    settings = in_shards(filled, 3).settings
    counts = sharding.make_all(filled.warehouse, settings, LAST, n_processes=2)
    assert counts == {"nights": 1, "lists": 12, "shards": 3, "shards_done": 3}
    assert filled.rows(DRAFT) == one_piece


@pytest.mark.parametrize("n_shards", [1, 2])
def test_a_step_without_a_shard_is_the_whole_step(filled: Tenant, n_shards: int) -> None:
    night = in_shards(filled, n_shards)
    counts = nightly.run_step("rank", LAST, night.settings)
    assert (counts["nights"], counts["lists"]) == (1, 12)
    assert len(night.rows(DRAFT)) == 12


def test_one_shard_is_the_whole_step(filled: Tenant) -> None:
    assert nightly.plan_shards(LAST, filled.settings) == [0]
    assert filled.rows("select count(*) from draft_nights") == [(0,)]
    assert nightly.run_step("rank", LAST, filled.settings, shard=0) == {"nights": 1, "lists": 12}


def test_where_nothing_is_said_a_large_night_uses_the_machine(
    filled: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    def divided(**changes: object) -> int | None:
        settings = with_settings(filled, **{"memory_gib": 0.01, **changes}).settings
        return sharding.divided(filled.warehouse, settings, LAST).shards

    with filled.warehouse.transaction() as session:
        work = rank.work(session, filled.settings, LAST)
        dim = serving_model(session).dim
    n_items = len(filled.rows("select item_id from items where is_listed"))
    assert work == 12 * n_items * dim
    monkeypatch.setattr(sharding, "cpu_count", lambda: 8)
    assert divided() == 1
    for worth, n_shards in ((work / 3.5, 3), (work / 100, 4), (work * 2, 1)):
        monkeypatch.setattr(sharding, "WORTH", worth)
        assert divided() == n_shards
    monkeypatch.setattr(sharding, "WORTH", 1.0)
    assert divided(shards=7) == 7
    assert divided(device="cuda") == divided(memory_gib=1e6) == 1
    assert nightly.plan_shards(LAST, filled.settings) == [0]


def test_the_first_night_of_all_has_one_shard(tenant: Tenant) -> None:
    assert sharding.divided(tenant.warehouse, tenant.settings, LAST).shards == 1


def test_other_steps_have_no_shards(filled: Tenant) -> None:
    with pytest.raises(BadSettings, match="The step merge has no shards"):
        nightly.run_step("merge", LAST, in_shards(filled, 2).settings, shard=0)


def test_another_second_stage_ranks_the_newest_night_again(rich: Tenant) -> None:
    """As any other change of what lists are made from does."""
    rich.run(rank, LAST)
    rich.run(publish, LAST)
    assert rich.run(rank, BEFORE)["nights"] == 1
    with rich.warehouse.transaction() as session:
        save_second_stage(session, serving_model(session).model_key, None)
    assert rich.run(rank, BEFORE)["nights"] == 2


def test_errors_cross_from_one_process_into_another() -> None:
    error = UnknownUser(user_id="u'1", problem="did nothing")
    back = pickle.loads(pickle.dumps(error))  # noqa: S301  our own
    assert (type(back), str(back), back.facts) == (UnknownUser, str(error), error.facts)
