"""A shop that pages can show much of: nights, variants, models, rejected rows, a refused night."""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Final

from models import learned_of
from psycopg2.extras import Json
from sources import NIGHT, add_events, add_items, create_source

from recsys_tasks import nightly
from recsys_tasks.errors import NightRefused
from recsys_tasks.settings import Settings
from recsys_tasks.warehouse import Warehouse
from recsys_tasks.warehouse.models import Provenance, save_learned, serving_model

N_ITEMS: Final = 14
DAYS: Final = [NIGHT + n * timedelta(days=1) for n in range(5)]
REFUSED: Final = DAYS[-1] + timedelta(days=1)
VARIANTS: Final = {"bold": {"share": 0.5, "diversity": 0.5}}

# Ids and names that are anything but harmless where they are not taken for text.
HOSTILE: Final = (
    "<script>alert(1)</script>",
    "'; drop table users; --",
    "../../etc/passwd",
    "=1+1",
    "a&b?c=d#e",
    "100%_\\",
)
NAMES: Final[Mapping[str, str]] = {"u0": "Ada Lovelace", "u1": "=cmd|' /C calc'!A0"}


def fill(warehouse: Warehouse, settings: Settings) -> None:
    """Nights of a shop, the last of them refused by a gate."""
    create_source(warehouse)
    add_items(
        warehouse,
        *({"item_id": f"i{n:02}", "category": "tea" if n % 2 else "light"} for n in range(N_ITEMS)),
        *({"item_id": item_id, "title": f"red {item_id}"} for item_id in HOSTILE),
    )
    _add_events(warehouse)
    with warehouse.transaction() as session:
        for user_id, name in NAMES.items():
            session.select(
                "insert into app.users (user_id, attributes, created_at)"
                " values (%(user_id)s, %(attributes)s, '2024-01-01Z')",
                {"user_id": user_id, "attributes": Json({"name": name, "country": "tea"})},
            )
    for day in DAYS:
        nightly.run_night(settings, day)
    _keep_learned(warehouse, settings)
    with suppress(NightRefused):
        nightly.run_night(
            settings.model_copy(update={"enough_users": 1.0, "refresh_days": 1}), REFUSED
        )
    with warehouse.transaction() as session:
        session.select("analyze")


def _add_events(warehouse: Warehouse) -> None:
    users = [*(f"u{n}" for n in range(8)), *HOSTILE]
    add_events(
        warehouse,
        *(
            {
                "event_id": f"e{day}-{user_id}",
                "user_id": user_id,
                "item_id": f"i{(5 * n + 2 * turn) % N_ITEMS:02}",
                "day": day,
            }
            for turn, day in enumerate(DAYS)
            for n, user_id in enumerate(users)
        ),
        {"event_id": "last", "user_id": "u0", "item_id": "i07", "day": REFUSED},
        {"event_id": "said", "user_id": "u0", "item_id": None, "event_type": "search"}
        | {"text": "red <b>cup</b>", "day": DAYS[1]},
        {"event_id": "strange", "event_type": "borrow", "day": DAYS[2]},
        {"event_id": "=2+3", "event_type": "borrow", "day": DAYS[2]},
    )


def _keep_learned(warehouse: Warehouse, settings: Settings) -> None:
    """A learned model beside the one that serves, with what its trial found."""
    trial = {
        "since": "2024-02-01",
        "until": "2024-03-01",
        "rival": "zero-shot",
        "candidate_ndcg": 0.12,
        "rival_ndcg": 0.1,
        "difference": 0.02,
        "ci_low": 0.01,
        "ci_high": 0.03,
    }
    parts = [
        {"without": part, "ndcg": 0.12 + gap, "difference": gap, "ci_low": gap, "ci_high": gap}
        for part, gap in (("nothing", 0.0), ("text", -0.011), ("trends", -0.023))
    ]
    measured = {"since": "2024-02-20", "until": "2024-03-01", "target": "new", "n": 40}
    with warehouse.transaction(exclusive=True) as session:
        serving = serving_model(session)
        keys = [key for (key,) in session.select("select item_key from items order by 1")]
        types = [key for (key,) in session.select("select event_type_key from event_types")]
        model = replace(learned_of(keys, serving.dim, type_keys=types), half_lives=(2.5, 40.0))
        stored = save_learned(
            session,
            model,
            serving.encoder_id,
            serving.dim,
            Provenance(settings.preset, 0, NIGHT, {"interactions": 30, "seconds": 4.5}),
        )
        session.execute("set_validation", model_key=stored.model_key, validation=json.dumps(trial))
        session.execute(
            "keep_ablations",
            model_key=stored.model_key,
            ablations=json.dumps({**measured, "rows": parts}),
        )
        session.execute("keep_candidate", model_key=stored.model_key)
