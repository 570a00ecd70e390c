"""A change of encoder: beside the one that serves, cut off, gone on with, switched, taken back."""

from collections.abc import Iterable
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from encoders import save_tiny, save_tiny_decoder
from models import learned_of
from numpy.typing import NDArray

from recsys_tasks import interest_model, nightly
from recsys_tasks.encoder import Encoder, Recipe, Specification
from recsys_tasks.errors import UnknownEncoder
from recsys_tasks.interest_model import ZeroShot
from recsys_tasks.modelling import (
    Fitted,
    Request,
    add_encoder,
    compare_encoder,
    rebuilding,
    retire_encoder,
    switch_encoder,
    train,
)
from recsys_tasks.steps import accumulate, embedding
from recsys_tasks.warehouse.history import History

from .kept_models import states
from .made_days import LAST, NIGHTS, made_events, made_items
from .tenant import Tenant

KNOWN_TO_THE_PLANNER = """
select array(select unnest(most_common_vals::text::integer[]) order by 1)
from pg_stats
where
    schemaname = current_schema()
    and (tablename, attname) = ('daily_interests', 'model_key')
"""
PUBLISHED = nightly.STEPS[:-1]
TOTALS = """
select users.user_id, half_life, as_of, mass, alpha, total::text
from interest_totals
inner join users using (user_key)
inner join models using (model_key)
where models.state = 'serving'
order by users.user_id, half_life
"""
LISTS = """
select user_id, rank, item_id, model_id, score
from recommendations
order by user_id, rank
"""
ITEMS = "select item_id, vector::text from item_vectors order by item_id"
VECTORS = """
select content, vector::text
from text_vectors
inner join texts using (text_key)
where encoder_id = %(encoder_id)s
order by content
"""
ENCODERS = "select distinct encoder_id from text_vectors order by encoder_id"


class LightsOutError(Exception):
    """What ends a process in a test."""


@pytest.fixture(scope="session")
def other_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny(tmp_path_factory.mktemp("models") / "other", seed=1, width=8)


@pytest.fixture
def other(other_folder: Path) -> Specification:
    return Specification(str(other_folder))


@pytest.fixture
def shop(tenant: Tenant) -> Tenant:
    """A week of behaviour, of which all nights but the last have run."""
    tenant.items(*made_items())
    tenant.events(*made_events())
    run_nights(tenant, NIGHTS[:-1])
    return tenant


def run_nights(tenant: Tenant, nights: Iterable[date]) -> None:
    for night in nights:
        for step in PUBLISHED:
            nightly.run_step(step, night, tenant.settings)


def numbers(text: object) -> NDArray[np.float64]:
    """A vector as Postgres writes it."""
    return np.fromstring(str(text).strip("[]"), sep=",")


def assert_alike(rows: list[tuple[object, ...]], others: list[tuple[object, ...]]) -> None:
    """The same rows, but for the last column, a number or a vector: that to 1e-4."""
    assert rows
    assert [row[:-1] for row in rows] == [row[:-1] for row in others]
    for (*_, value), (*_, expected) in zip(rows, others, strict=True):
        np.testing.assert_allclose(numbers(value), numbers(expected), rtol=1e-4, atol=1e-4)


def cut_off_after(n: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process ends when the encoder is asked for the vectors of the n-th chunk."""
    encode, calls = Encoder.encode, iter(range(n))

    def failing(encoder: Encoder, *texts: object, **options: object) -> object:
        if next(calls, None) is None:
            raise LightsOutError
        return encode(encoder, *texts, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Encoder, "encode", failing)


def test_a_change_that_is_cut_off_twice_ends_where_a_warehouse_of_the_new_encoder_does(
    shop: Tenant, other: Specification, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While it goes on, nights run and lists of the old encoder's model are served."""
    monkeypatch.setattr(embedding, "CHUNK", 16)
    before = shop.rows(LISTS)
    with monkeypatch.context() as patched:
        cut_off_after(2, patched)
        with pytest.raises(LightsOutError):
            add_encoder(shop.warehouse, shop.settings, "new", other)
    run_nights(shop, NIGHTS[-2:-1])
    assert shop.rows(LISTS) == before
    added = add_encoder(shop.warehouse, shop.settings, "new", other)
    monkeypatch.setattr(accumulate, "CHUNK", 40)
    monkeypatch.setattr(rebuilding, "CHUNKS", 1)
    deltas, calls = interest_model.deltas, iter(range(2))

    def failing(*arguments: object) -> object:
        if next(calls, None) is None:
            raise LightsOutError
        return deltas(*arguments)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(accumulate, "deltas", failing)
        with pytest.raises(LightsOutError):
            switch_encoder(shop.warehouse, shop.settings, "new")
    half = "select count(*) from accumulated_days where model_key != %(key)s"
    ((serving,),) = shop.rows("select model_key from models where state = 'serving'")
    assert shop.rows(half, key=serving) == [(2,)]
    run_nights(shop, NIGHTS[-2:-1])
    assert shop.rows(LISTS) == before
    assert shop.rows(half, key=serving) == [(2,)]

    stored = switch_encoder(shop.warehouse, shop.settings, "new")
    assert shop.rows(LISTS) == before
    assert stored.encoder_id == added.encoder_id
    run_nights(shop, [LAST])
    left = [shop.rows(TOTALS), shop.rows(LISTS), shop.rows(ITEMS)]
    vectors = shop.rows(VECTORS, encoder_id=added.encoder_id)

    with shop.warehouse.transaction() as session:
        session.select(f"drop schema {shop.warehouse.schema} cascade")
    shop.warehouse.migrate()
    fresh = Tenant(shop.warehouse, shop.settings.model_copy(update={"encoder": other.model}))
    run_nights(fresh, NIGHTS)
    assert_alike(vectors, fresh.rows(VECTORS, encoder_id=added.encoder_id))
    expected = [fresh.rows(TOTALS), fresh.rows(LISTS), fresh.rows(ITEMS)]
    for rows, others in zip(left, expected, strict=True):
        assert_alike(rows, others)


def test_a_night_of_very_many_texts_that_is_cut_off_goes_on_where_it_was(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedding, "CHUNK", 8)
    monkeypatch.setattr(embedding, "MANY", 8)
    tenant.items(*made_items())
    tenant.events(*made_events())
    nightly.run_step("extract", LAST, tenant.settings)
    with monkeypatch.context() as patched:
        cut_off_after(3, patched)
        with pytest.raises(LightsOutError):
            nightly.run_step("embed_items", LAST, tenant.settings)

    vectors = "select content, vector::text from text_vectors inner join texts using (text_key)"
    early = tenant.rows(vectors)
    assert len(early) == 24
    assert tenant.rows("select item_id from items where text_key is not null") == []
    counts = nightly.run_step("embed_items", LAST, tenant.settings)
    ((n_texts,),) = tenant.rows("select count(*) from texts")
    assert counts["vectors"] == int(str(n_texts)) - 24
    assert set(early) <= set(tenant.rows(vectors))
    assert tenant.rows("select counts ->> 'vectors' from nights where step = 'embed_items'") == [
        (str(counts["vectors"]),)
    ]


def test_texts_of_who_is_erased_meanwhile_do_not_come_back(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    from recsys_tasks.erasing import erase

    monkeypatch.setattr(embedding, "MANY", 4)
    tenant.items(*({"item_id": f"i{n}"} for n in range(6)))
    tenant.events(
        {"user_id": "forgotten", "event_type": "review", "item_id": "i1", "text": "red red red"},
        {"user_id": "other", "event_type": "review", "item_id": "i1", "text": "blue"},
    )
    nightly.run_step("extract", LAST, tenant.settings)
    encode = Encoder.encode
    erased = iter([True])

    def interrupted(encoder: Encoder, *texts: object, **options: object) -> object:
        if next(erased, False):
            erase(tenant.settings, "forgotten", from_source=True)
        return encode(encoder, *texts, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Encoder, "encode", interrupted)
    nightly.run_step("embed_items", LAST, tenant.settings)

    contents = [content for (content,) in tenant.rows("select content from texts")]
    assert "red red red" not in contents
    assert len(contents) == 7


def test_an_encoder_is_compared_with_the_one_that_serves(
    shop: Tenant, other: Specification
) -> None:
    add_encoder(shop.warehouse, shop.settings, "new", other)
    add_encoder(shop.warehouse, shop.settings, "same", Specification.of(shop.settings))

    same = compare_encoder(shop.warehouse, shop.settings, "same")
    new = compare_encoder(shop.warehouse, shop.settings, "new")

    assert (same.difference, same.ci_low, same.ci_high) == (0, 0, 0)
    assert same.n == new.n > 10
    assert new.rival_ndcg == same.rival_ndcg
    assert new.candidate_ndcg != new.rival_ndcg


def test_a_model_trained_on_an_encoders_vectors_brings_it_along(
    shop: Tenant, other: Specification, tmp_path: Path
) -> None:
    def fitter(history: History, zero_shot: ZeroShot, until: int, request: Request) -> Fitted:
        del zero_shot, until, request
        model = learned_of(history.item_keys.tolist(), history.vectors.shape[1])
        return Fitted(model, {"interactions": 1})

    settings = shop.settings.model_copy(update={"var": tmp_path})
    added = add_encoder(shop.warehouse, settings, "new", other)
    kept = train(shop.warehouse, settings, encoder="new", fitter=fitter)
    assert not kept.serves
    assert shop.rows(ENCODERS) != [(added.encoder_id,)]

    forced = train(shop.warehouse, settings, encoder="new", fitter=fitter, force=True)
    assert forced.serves
    run_nights(shop, [LAST])
    assert {row[3] for row in shop.rows(LISTS)} == {forced.model_id}
    assert ("interest", "serving") in states(shop)


def test_switching_back_and_retiring(shop: Tenant, other: Specification) -> None:
    add_encoder(shop.warehouse, shop.settings, "new", other)
    switch_encoder(shop.warehouse, shop.settings, "new")
    with pytest.raises(UnknownEncoder, match="serves"):
        retire_encoder(shop.warehouse, shop.settings, "new")
    # Where it knows of one model alone, the planner reads all deltas of another for each user.
    assert shop.rows(KNOWN_TO_THE_PLANNER) == [([1, 2],)]

    back = switch_encoder(shop.warehouse, shop.settings, "settings")
    retired = retire_encoder(shop.warehouse, shop.settings, "new")
    assert shop.rows(ENCODERS) == [(back.encoder_id,)]
    assert retired.encoder_id != back.encoder_id
    run_nights(shop, [LAST])
    assert {row[3] for row in shop.rows(LISTS)} == {back.model_id}
    with pytest.raises(UnknownEncoder, match="not there"):
        switch_encoder(shop.warehouse, shop.settings, "new")


def test_other_settings_win_over_an_encoder_that_stood_in_for_the_former_ones(
    shop: Tenant, other: Specification, tmp_path: Path
) -> None:
    gpt = save_tiny_decoder(tmp_path / "gpt")
    add_encoder(shop.warehouse, shop.settings, "new", other)
    switch_encoder(shop.warehouse, shop.settings, "new")

    changed = Tenant(shop.warehouse, shop.settings.model_copy(update={"encoder": str(gpt)}))
    run_nights(changed, [LAST])
    serving = "select encoder_id from models where state = 'serving'"
    ((encoder_id,),) = changed.rows(serving)
    assert str(encoder_id).startswith("gpt@")


def test_a_name_is_one_encoders(shop: Tenant, other: Specification) -> None:
    add_encoder(shop.warehouse, shop.settings, "new", other)
    for name, specification in (
        ("new", Specification(other.model, recipe=Recipe(dim=4))),
        ("settings", other),
    ):
        with pytest.raises(UnknownEncoder, match="another one"):
            add_encoder(shop.warehouse, shop.settings, name, specification)


def test_what_a_named_encoder_made_is_no_rubbish(shop: Tenant, other: Specification) -> None:
    added = add_encoder(shop.warehouse, shop.settings, "new", other)
    with shop.warehouse.transaction(exclusive=True) as session:
        session.execute("delete_vectors_of_nothing")

    assert (added.encoder_id,) in shop.rows(ENCODERS)
