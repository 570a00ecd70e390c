"""What users write speaks for or against an item, where the settings ask for it."""

import numpy as np
import pytest
from numpy.typing import NDArray
from sources import NIGHT, Row

from recsys_tasks.encoder import stance
from recsys_tasks.presets import EventType
from recsys_tasks.settings import fingerprint_of, preset_of
from recsys_tasks.steps import accumulate, embed_items, extract, merge
from recsys_tasks.warehouse.history import read_history
from recsys_tasks.warehouse.models import serving_model
from recsys_tasks.warehouse.weighing import counted

from .tenant import Tenant

TURNED = {"comment": EventType.model_validate({"weight": 2, "text_weight": 0.5, "stance": 1})}
DELTAS = """
select users.user_id, daily_interests.mass, daily_interests.total::text
from daily_interests
inner join users using (user_key)
order by 1, daily_interests.half_life
"""


@pytest.fixture
def forum(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> Tenant:
    """Who writes red is for it, who writes blue against."""
    monkeypatch.setattr(stance, "PRAISE", ("red red red",))
    monkeypatch.setattr(stance, "COMPLAINT", ("blue blue blue",))
    settings = tenant.settings.model_copy(update={"preset": "forum"})
    return Tenant(tenant.warehouse, settings)


def comment(user: str, text: str | None, **changes: object) -> Row:
    return {"user_id": user, "item_id": "i1", "event_type": "comment", "text": text, **changes}


def night(forum: Tenant, **changes: object) -> None:
    for step in (extract, embed_items, accumulate, merge):
        forum.run(step, NIGHT, **changes)


def weights(forum: Tenant, **changes: object) -> dict[str, tuple[float, float]]:
    """Of the item and of the text, by user."""
    settings = forum.settings.model_copy(update=changes)
    with forum.warehouse.transaction() as session:
        space = serving_model(session)
        read = read_history(session, preset_of(settings), space, NIGHT.replace(year=2100))
        did = counted(session, "interactions_until", preset_of(settings), space, until="2100-01-01")
        users: dict[int, str] = dict(session.select("select user_key, user_id from users"))
    happened = read.interactions
    np.testing.assert_array_equal(np.sort(did.weights), np.sort(happened.weights))
    return {
        users[int(key)]: (float(weight), float(text))
        for key, weight, text in zip(
            read.user_keys[happened.users], happened.weights, happened.text_weights, strict=True
        )
    }


def test_a_complaint_counts_against_and_praise_for(forum: Tenant) -> None:
    """Bounded; silence counts as it did; whoever complains has not taken to it."""
    forum.items({"item_id": "i1"})
    forum.events(
        comment("happy", "red red red"), comment("cross", "blue blue blue"), comment("mute", None)
    )
    night(forum)
    before = forum.rows(DELTAS)
    assert weights(forum) == {"happy": (2, 1), "cross": (2, 1), "mute": (2, 1)}
    taken_to = "select sum(mass)::integer from daily_trends"
    assert forum.rows(taken_to) == [(3,)]

    night(forum, event_types=TURNED)
    found = weights(forum, event_types=TURNED)
    assert found["happy"] == pytest.approx((3, 1.5), rel=1e-4)
    assert found["cross"] == pytest.approx((-1, -0.5), rel=1e-4)
    assert found["mute"] == (2, 1)
    assert forum.rows(taken_to) == [(2,)]

    night(forum)  # taken back, all is as it was
    assert forum.rows(DELTAS) == before


def test_a_stance_that_is_not_asked_for_changes_no_name(forum: Tenant) -> None:
    """Deltas and lists of before there were stances stay valid."""
    assert "stance" not in repr(EventType(weight=1))
    assert "stance=0.5" in repr(EventType(weight=1, stance=0.5))
    plain, turned = (
        fingerprint_of(forum.settings.model_copy(update={"event_types": kinds}))
        for kinds in ({}, TURNED)
    )
    assert plain != turned


def test_a_rating_has_said_it(forum: Tenant) -> None:
    forum.items({"item_id": "i1"})
    forum.events(
        comment("rated", "blue blue blue", event_type="review", value=5.0),
        comment("wrote", "blue blue blue", event_type="review"),
    )
    asked = {"review": EventType.model_validate({"weight": 2, "value": "rating", "stance": 1})}
    night(forum, event_types=asked)

    found = weights(forum, event_types=asked)
    assert found["rated"][0] == 2
    assert found["wrote"][0] == pytest.approx(-1, rel=1e-4)


def test_a_search_counts_without_an_item(forum: Tenant) -> None:
    """It moves its user's interest as far as its weight says, towards what was sought."""
    forum.items({"item_id": "i1"})
    forum.events({"user_id": "seeker", "item_id": None, "event_type": "search", "text": "green"})
    night(forum)
    rows = forum.rows(DELTAS)
    ((vector,),) = forum.rows(
        "select vector::text from text_vectors inner join texts using (text_key)"
        " where content = 'green'"
    )
    sought = numbers(vector)

    assert len(rows) == 3
    for _, mass, delta in rows:
        added = numbers(delta)[: len(sought)]
        assert 0 < float(str(mass)) <= 1.5
        np.testing.assert_allclose(added, sought * float(str(mass)), rtol=1e-3, atol=1e-4)


def numbers(text: object) -> NDArray[np.float64]:
    """A vector as Postgres writes it."""
    return np.fromstring(str(text).strip("[]{}"), sep=",")
