"""Check: every gate can fail, names itself, and leaves readers what they had."""

from datetime import timedelta

import pytest
from sources import NIGHT

from recsys_tasks.errors import NightRefused
from recsys_tasks.settings import GATES
from recsys_tasks.steps import check, publish
from recsys_tasks.steps.check import open_gates
from recsys_tasks.warehouse.queries import checks

from .tenant import Tenant

NEXT = NIGHT + timedelta(days=1)
N_USERS = 3
# What must happen to the draft of NEXT for a gate to fail. Parameters of no gate are changed.
CORRUPTIONS = {
    "short_lists": """
        update draft_lists set item_keys = item_keys[1:2], scores = scores[1:2]
        where user_key = 1
    """,
    "duplicate_items": """
        update draft_lists set item_keys = item_keys[1:3] || item_keys[1] || item_keys[5:]
        where user_key = 1
    """,
    "seen_items": """
        update draft_lists set item_keys[2] = (
            select item_key from interactions where user_key = draft_lists.user_key limit 1
        )
        where user_key = 1
    """,
    "filtered_items": """
        insert into filtered_items (item_key)
        select item_keys[2] from draft_lists where user_key = 1
    """,
    "scores_in_order": "update draft_lists set scores[2] = scores[1] + 1 where user_key = 1",
    "no_lists": "delete from draft_lists",
    "enough_users": "delete from draft_lists where user_key > 1",
    "collapse": """
        update recommendation_lists set item_keys = array_fill(0, array[cardinality(item_keys)]);
        with crowd as (
            insert into users (user_id)
            select 'crowd' || n from generate_series(1, 100) as numbers (n)
            returning user_key
        )
        insert into interactions (
            event_id, day, user_key, item_key, event_type_key, occurred_at
        )
        select
            'crowd' || user_key, '2024-03-02', user_key, (select min(item_key) from items),
            (select min(event_type_key) from event_types), '2024-03-02'
        from crowd
    """,
    "one_list_for_all": """
        insert into draft_lists
        select
            night, user_key + n, model_key, 1, variant_key, item_keys, scores, reason_kinds,
            reason_items, reason_details, reason_days
        from draft_lists, generate_series(1000, 1100) as copies (n)
        where user_key = 1;
        delete from draft_lists where user_key < 1000
    """,
    "coverage_collapse": """
        insert into recommendation_lists (
            night, user_key, model_key, strategy_key, variant_key, item_keys, scores, reason_kinds,
            reason_items, reason_details, reason_days
        )
        select
            night, 1000 + n, model_key, 1, variant_key, array[n, n + 1000, n + 2000], scores[1:3],
            reason_kinds[1:3], reason_items[1:3], reason_details[1:3], reason_days[1:3]
        from recommendation_lists, generate_series(1, 100) as copies (n)
        where user_key = 1;
        insert into draft_lists
        select
            night, 1000 + n, model_key, 1, variant_key, item_keys, scores, reason_kinds,
            reason_items, reason_details, reason_days
        from draft_lists, generate_series(1, 100) as copies (n)
        where user_key = 1
    """,
    "score_collapse": """
        insert into recommendation_lists
        select
            night, 1000 + n, model_key, 1, variant_key, item_keys, scores, reason_kinds,
            reason_items, reason_details, reason_days
        from recommendation_lists, generate_series(1, 100) as copies (n)
        where user_key = 1;
        insert into draft_lists
        select
            night, 1000 + n, model_key, 1, variant_key, item_keys,
            array_fill(1::real, array[cardinality(scores)]), reason_kinds, reason_items,
            reason_details, reason_days
        from draft_lists, generate_series(1, 100) as copies (n)
        where user_key = 1
    """,
    "live_recall": """
        create function spoil() returns trigger language plpgsql as $$
        begin
            new.recall := 0.5;
            new.n_users := 30;
            return new;
        end
        $$;
        create trigger spoil before insert on live_recalls for each row execute function spoil()
    """,
    "metrics_drop": """
        insert into night_variants
        select '2024-01-01', variant_key, is_default, is_served, places, salt, definition
        from night_variants
        where night = '2024-03-01';
        insert into evaluations (
            night, target, variant, segment, metric, k, value, ci_low, ci_high, n
        )
        select
            date '2024-03-02' - n, 'new', variant, 'all', 'ndcg', 10,
            case when n = 0 then 0.02 else 0.1 + 0.001 * (n % 3) end, 0,
            case when n = 0 then 0.03 else 0.12 end, 200
        from generate_series(0, 7) as nights (n), night_variants
        inner join variants using (variant_key)
        where night = '2024-01-01' and is_default
    """,
    "volume_drift": """
        insert into interaction_days (
            day, source_fingerprint, rules_fingerprint, n_interactions, n_rejected
        ) values ('2024-02-24', '', '', 500, 0), ('2024-02-17', '', '', 500, 0);
        insert into interactions (
            event_id, day, user_key, item_key, event_type_key, occurred_at
        )
        select
            'earlier' || weeks || n, date '2024-03-02' - 7 * weeks, 1,
            (select min(item_key) from items), (select min(event_type_key) from event_types),
            timestamptz '2024-03-02 12:00+00' - 7 * weeks * interval '1 day'
        from generate_series(1, 2) as weeks, generate_series(1, 500) as events (n)
    """,
    "unknown_items": """
        insert into items (item_id) values ('nobody lists it');
        insert into interactions (
            event_id, day, user_key, item_key, event_type_key, occurred_at
        )
        select
            'unknown' || n, '2024-03-02', 1, (select max(item_key) from items),
            (select min(event_type_key) from event_types), '2024-03-02 12:00+00'
        from generate_series(1, 150) as events (n)
    """,
    "stale_source": """
        insert into interaction_days (
            day, source_fingerprint, rules_fingerprint, n_interactions, n_rejected
        ) values ('2024-02-24', '', '', 1, 0);
        insert into interactions (
            event_id, day, user_key, item_key, event_type_key, occurred_at
        )
        select
            'last', '2024-02-24', 1, min(item_key), (select min(event_type_key) from event_types),
            '2024-02-24 12:00+00'
        from items;
        update interaction_days set n_interactions = 0 where day >= '2024-03-01'
    """,
}
ALL_HOLD = dict.fromkeys(GATES, "hold")


@pytest.fixture
def drafted(tenant: Tenant) -> Tenant:
    """NIGHT is published; NEXT is drafted and good. Every user had an item of their own."""
    tenant.items(*({"item_id": f"i{n:02}"} for n in range(20)))
    tenant.events(*({"user_id": f"u{n}", "item_id": f"i{n:02}"} for n in range(N_USERS)))
    tenant.draft(NIGHT)
    tenant.run(publish, NIGHT)
    tenant.events({"user_id": "u0", "item_id": "i10", "day": NEXT})
    tenant.draft(NEXT)
    return tenant


def served(tenant: Tenant) -> list[tuple[object, ...]]:
    """What a user, and somebody who is not known, are served."""
    return tenant.rows(
        "select 'known', listed.* from recommend('u0', 30) as listed"
        " union all select 'unknown', listed.* from recommend('nobody', 30) as listed"
    )


def test_a_good_draft_passes_every_gate_and_is_published(drafted: Tenant) -> None:
    before = served(drafted)

    assert drafted.run(check, NEXT) == {"nights": 1, "gates": len(checks())}
    assert drafted.run(publish, NEXT) == {"nights": 1}
    assert served(drafted) != before
    assert drafted.rows("select night, n_lists from published_nights order by night") == [
        (NIGHT, N_USERS),
        (NEXT, N_USERS),
    ]


def test_every_gate_has_a_draft_that_it_refuses() -> None:
    assert set(CORRUPTIONS) == set(checks()) == set(GATES)


@pytest.mark.parametrize("gate", [name for name, action in GATES.items() if action == "warn"])
def test_a_gate_that_warns_publishes_and_tells(drafted: Tenant, gate: str) -> None:
    """By default, that is; whatever else the draft trips over warns by setting."""
    drafted.rows(CORRUPTIONS[gate])
    others = {name: "warn" for name in GATES if name != gate}
    settings = drafted.settings.model_copy(update={"gates": others})

    with drafted.warehouse.transaction(exclusive=True) as session:
        assert publish.run(session, settings, NEXT) == {"nights": 1}
        notes = session.notes

    assert any(note.startswith(f"warning of gate {gate.replace('_', ' ')}: ") for note in notes)
    assert drafted.rows("select max(night) from published_nights") == [(NEXT,)]


def test_a_gate_is_opened_for_one_night_and_the_note_says_by_whom(drafted: Tenant) -> None:
    drafted.rows(CORRUPTIONS["duplicate_items"])
    (login,) = drafted.rows("select session_user::text")[0]
    with drafted.warehouse.transaction() as session:
        open_gates(session, NIGHT, ["duplicate_items"])
    with pytest.raises(NightRefused):
        drafted.run(check, NEXT)

    with drafted.warehouse.transaction() as session:
        open_gates(session, NEXT, ["duplicate_items"])
    with drafted.warehouse.transaction(exclusive=True) as session:
        assert publish.run(session, drafted.settings, NEXT) == {"nights": 1}
        (note,) = session.notes

    assert f"gate opened by {login} at " in note
    assert "duplicate items: 1 lists" in note


def test_a_quiet_site_is_left_alone(drafted: Tenant) -> None:
    """Three users, nine idle days: no gate finds anything, also where all of them hold."""
    drafted.events({"user_id": "u1", "item_id": "i11", "day": NEXT + timedelta(days=10)})
    drafted.run(publish, NEXT)
    drafted.draft(NEXT + timedelta(days=10))

    assert "warnings" not in drafted.run(check, NEXT + timedelta(days=10), gates=ALL_HOLD)


@pytest.mark.parametrize("gate", sorted(CORRUPTIONS))
def test_a_gate_refuses_and_readers_keep_their_lists(drafted: Tenant, gate: str) -> None:
    drafted.rows(CORRUPTIONS[gate])
    before = served(drafted)
    assert {row[0] for row in before} == {"known", "unknown"}

    for step in (check, publish):
        with pytest.raises(NightRefused, match=gate.replace("_", " ")) as refused:
            drafted.run(step, NEXT, gates=ALL_HOLD)

        assert f"The lists of night {NEXT} were not published" in str(refused.value)
        assert "\n" not in str(refused.value)
    assert served(drafted) == before
    assert {row[0] for row in before} == {"known", "unknown"}
    assert drafted.rows("select max(night) from published_nights") == [(NIGHT,)]


@pytest.mark.parametrize("score", ["NaN", "Infinity", "-Infinity"])
def test_a_score_must_be_finite(drafted: Tenant, score: str) -> None:
    drafted.rows("update draft_lists set scores[1] = %(score)s where user_key = 1", score=score)

    with pytest.raises(NightRefused, match="not finite"):
        drafted.run(check, NEXT)


def test_a_policy_may_reorder_a_list_below_its_best(drafted: Tenant) -> None:
    """Where diversity, a cap or a share is asked for, only the first has to be the best."""
    drafted.rows("update draft_lists set scores[2] = scores[1] - 1000 where user_key = 1")
    with pytest.raises(NightRefused, match="scores in order"):
        drafted.run(check, NEXT)
    assert drafted.run(check, NEXT, diversity=0.5)["nights"] == 1

    drafted.rows(CORRUPTIONS["scores_in_order"])
    with pytest.raises(NightRefused, match="scores in order"):
        drafted.run(check, NEXT, diversity=0.5)


def test_a_refused_night_is_drafted_anew_and_passes(drafted: Tenant) -> None:
    drafted.rows("delete from draft_lists")
    with pytest.raises(NightRefused):
        drafted.run(check, NEXT)

    drafted.draft(NEXT)

    assert drafted.run(publish, NEXT) == {"nights": 1}


def test_a_gate_that_is_opened_by_a_setting_lets_a_draft_through(drafted: Tenant) -> None:
    drafted.rows(CORRUPTIONS["collapse"])

    assert drafted.run(check, NEXT, enough_overlap=0.0)["nights"] == 1


def test_a_few_users_may_turn_all_lists(drafted: Tenant) -> None:
    """Where fewer than a hundred acted, lists that share nothing are no fault."""
    drafted.rows(CORRUPTIONS["collapse"].split(";", maxsplit=1)[0])

    assert drafted.run(check, NEXT)["nights"] == 1


def test_a_night_on_which_nobody_is_left_to_recommend_to_has_no_lists(tenant: Tenant) -> None:
    """One user who had the only item: that is no fault of the night."""
    tenant.items({"item_id": "i1"})
    tenant.events({"item_id": "i1"})
    tenant.draft()

    assert tenant.run(publish) == {"nights": 1}
    assert tenant.rows("select item_id, strategy from recommend('nobody', 5)") == [
        ("i1", "cold_start")
    ]


def test_only_who_is_refreshed_is_missed(tenant: Tenant) -> None:
    """With refresh_days, a day on which nobody came makes no lists."""
    refreshing = Tenant(tenant.warehouse, tenant.settings.model_copy(update={"refresh_days": 1}))
    refreshing.items({"item_id": "i1"}, {"item_id": "i2"})
    refreshing.events({"item_id": "i1", "day": NIGHT})
    refreshing.draft(NEXT)

    assert refreshing.run(publish, NEXT) == {"nights": 1}
