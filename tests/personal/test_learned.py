"""What learned from a user is named when they are erased: it stays until it is learned anew."""

from dataclasses import replace
from pathlib import Path

from encoders import save_tiny
from models import learned_of
from steps.tenant import Tenant

from recsys_tasks.encoder import Specification
from recsys_tasks.erasing import erase
from recsys_tasks.finetuning import Card
from recsys_tasks.modelling import add_encoder
from recsys_tasks.warehouse.models import Provenance, save_learned, serving_model

from .place import DAYS, JANE

CARD = Card("tiny", "tiny@1", DAYS[1], 1, "", 1, 2, {}, 1, 1, 0.1, 1, (0.5,))


def test_a_model_and_an_encoder_of_days_after_her_first_are_named(
    place: Tenant, tmp_path: Path
) -> None:
    """None that ended before she came, and no encoder that nobody tuned."""
    for name, until in (("knows her", DAYS[1]), ("knew nobody", DAYS[0])):
        folder = save_tiny(tmp_path / name)
        replace(CARD, until=until).write(folder)
        add_encoder(place.warehouse, place.settings, name, Specification(str(folder)))
    with place.warehouse.transaction(exclusive=True) as session:
        space = serving_model(session)
        for seed, until in enumerate((DAYS[0], DAYS[2])):
            model, told = learned_of([], space.dim, seed=seed), Provenance("social", 0, until, {})
            stored = save_learned(session, model, space.encoder_id, space.dim, told)

    report = erase(place.settings, JANE)

    assert report.models == {stored.model_id: "candidate", "encoder knows her": "beside"}
