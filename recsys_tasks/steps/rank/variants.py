"""The variants of a night: what each is made by, and who is shown which."""

import json
from collections.abc import Iterator, Sequence
from datetime import date
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.interactions import rows_of
from recsys_tasks.ranking import ListPolicy
from recsys_tasks.settings import Settings, Variant
from recsys_tasks.variants import Spans, allot
from recsys_tasks.warehouse import Session, copying
from recsys_tasks.warehouse.models import LEARNED, ZERO_SHOT, LiveModel

# docs/protocol.md's names of what serves all.
NAMES = {ZERO_SHOT: "content", LEARNED: "interest"}
RERANKED = "reranked"
_DEFAULT = Variant(share=1)


class Shown(NamedTuple):
    """A variant that lists are made for.

    Attributes:
        name: In `variants`.
        variant_key: Its key there.
        live: The model that ranks.
        policy: How lists are made out of scores.
        alpha: What an active day leaves of interests; None where the model says how they ebb.
        stage: `interest` or `reranked`; None for as the default does.
        language: What a language model's word weighs.
    """

    name: str
    variant_key: int
    live: LiveModel
    policy: ListPolicy
    alpha: float | None = None
    stage: str | None = None
    language: float = 0.0


def policy_of(settings: Settings, variant: Variant = _DEFAULT) -> ListPolicy:
    """How the lists of a variant are made: as the settings say where the variant does not."""
    policy, given = ListPolicy.of(settings), variant.model_fields_set
    return ListPolicy(
        policy.length,
        variant.diversity if "diversity" in given else policy.diversity,
        variant.category_cap if "category_cap" in given else policy.category_cap,
        variant.new_item_share if "new_item_share" in given else policy.new_item_share,
    )


def reorders(settings: Settings) -> bool:
    """Whether any list may be in another order than that of its scores."""
    variants = (_DEFAULT, *settings.variants.values())
    return any(policy_of(settings, each).reorders or each.language for each in variants)


def shown_variants(
    session: Session, settings: Settings, live_models: Sequence[LiveModel]
) -> list[Shown]:
    """The default, and then the variants in alphabetical order.

    One whose model cannot be used is left out, and the ledger says why: its users are shown the
    default.

    Args:
        session: Of the night.
        settings: Of the tenant.
        live_models: The model that serves, and those of variants.
    """
    serving = live_models[0]
    name = RERANKED if serving.second_stage is not None else NAMES[serving.stored.kind]
    shown = [Shown(name, _key(session, name), serving, policy_of(settings))]
    by_key = {live.stored.model_key: live for live in live_models}
    found = {name: row for name, *row in session.rows("variant_models")}
    for name, variant in sorted(settings.variants.items()):
        model_key, problem = found.get(name, (None, "it is new; run a whole night"))
        live = serving if model_key is None else by_key.get(model_key)
        if problem is not None or live is None:
            reason = problem or "its model does not load"
            session.note(f"users of variant {name} are shown {shown[0].name}: {reason}")
            continue
        decay = variant.own_decay
        alpha = None if decay is None else decay.alpha
        policy = policy_of(settings, variant)
        key = _key(session, name)
        shown.append(Shown(name, key, live, policy, alpha, variant.stage, variant.language))
    return shown


def draft_variants(
    session: Session, settings: Settings, shown: Sequence[Shown], night: date
) -> None:
    """Write down who is shown what on a night.

    A variant keeps the places that it had on the newest night, also while it is not shown.
    """
    before: dict[str, Spans] = {}
    for name, since, until in session.rows("places_before"):
        before[name] = (*before.get(name, ()), (since, until))
    wanted = {name: variant.n_places for name, variant in settings.variants.items()}
    allotted = allot(wanted, before)
    served = {variant.name for variant in shown}
    session.execute("delete_draft_variants", night=night)
    for name in (shown[0].name, *allotted):
        variant = settings.variants.get(name, _DEFAULT)
        session.execute(
            "insert_draft_variant",
            night=night,
            variant_key=_key(session, name),
            is_default=name == shown[0].name,
            is_served=name in served,
            places=_multirange(allotted.get(name, ())),
            salt=settings.variant_salt,
            definition=json.dumps(_definition(settings, variant)),
        )


def read_variants(session: Session, night: date, user_keys: NDArray[np.int32]) -> NDArray[np.int16]:
    """The variants that users are shown on a night, in their order, as it was written down."""
    keys, variant_keys = session.copy_out(
        "drafted_variants",
        (copying.INT4, copying.INT2),
        night=night,
        user_keys=user_keys.tolist(),
    )
    rows, _ = rows_of(keys, user_keys)
    return np.asarray(variant_keys[rows], np.int16)


def by_picture(shown: Sequence[Shown]) -> Iterator[list[Shown]]:
    """The variants that rank by the same interests, together; those of the default first."""
    default = shown[0]

    def interests(variant: Shown) -> tuple[bool, int, float]:
        model_key = variant.live.stored.model_key
        alpha = -1.0 if variant.alpha is None else variant.alpha
        is_other = (model_key, variant.alpha) != (default.live.stored.model_key, default.alpha)
        return is_other, model_key, alpha

    for _, group in groupby(sorted(shown, key=interests), key=interests):
        yield list(group)


def _definition(settings: Settings, variant: Variant) -> dict[str, object]:
    """All that makes lists what they are, but for whatever model serves."""
    by = {"model": variant.model, "decay": variant.decay, "stage": variant.stage}
    facts: dict[str, object] = {**by, **policy_of(settings, variant)._asdict()}
    if variant.language and settings.language is not None:
        facts["language"] = variant.language
        facts |= settings.language.model_dump(include={"events", "candidates"})
        facts["language_model"] = Path(settings.language.model).name
    return facts


def _key(session: Session, name: str) -> int:
    return int(session.value("variant_key", variant=name))


def _multirange(spans: Spans) -> str:
    return "{" + ",".join(f"[{since},{until})" for since, until in spans) + "}"
