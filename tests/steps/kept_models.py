"""A learned model in a tenant's warehouse."""

from dataclasses import replace
from datetime import date
from typing import Any

from models import learned_of

from recsys_tasks.interest_model import Learned
from recsys_tasks.modelling import serve_model
from recsys_tasks.warehouse.models import Provenance, StoredModel, save_learned, serving_model

from .tenant import Tenant

TRAINED_UNTIL = date(2024, 3, 1)


def made_for(tenant: Tenant, **changes: Any) -> Learned:  # noqa: ANN401  whatever a test changes
    """Random parameters for the tenant's items and event types, some of them changed."""
    items = [int(str(key)) for (key,) in tenant.rows("select item_key from items order by 1")]
    types = [int(str(key)) for (key,) in tenant.rows("select event_type_key from event_types")]
    with tenant.warehouse.transaction() as session:
        dim = serving_model(session).dim
    model = learned_of(items[::2], dim, type_keys=types[1:])
    return replace(model, **changes)


def keep(tenant: Tenant, model: Learned) -> StoredModel:
    """Write a model down as one that can serve."""
    with tenant.warehouse.transaction(exclusive=True) as session:
        serving = serving_model(session)
        provenance = Provenance(tenant.settings.preset, 0, TRAINED_UNTIL, {"interactions": 3})
        stored = save_learned(session, model, serving.encoder_id, serving.dim, provenance)
        session.execute("keep_candidate", model_key=stored.model_key)
    return stored


def let_serve(tenant: Tenant, model: Learned) -> StoredModel:
    """Write a model down, and let it serve."""
    stored = keep(tenant, model)
    return serve_model(tenant.warehouse, tenant.settings, stored.model_id)


def states(tenant: Tenant) -> list[tuple[object, ...]]:
    """Kind and state of each model, in the order in which they were made."""
    return tenant.rows("select kind, state from models order by model_key")
