"""Fine-tuning an encoder on a warehouse: what is read, and where it is saved.

Started by accelerate or torchrun, the first process reads and writes and the others only train.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from shutil import rmtree
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from recsys_tasks.devices import torch_device
from recsys_tasks.encoder import Specification, load_encoder, loaded
from recsys_tasks.errors import NothingToEvaluate, UnknownEncoder
from recsys_tasks.finetuning import Card, TuningOptions, card_of, pairs_of, tuned_until
from recsys_tasks.interactions import date_of, day_number
from recsys_tasks.modelling.comparing import first_judged
from recsys_tasks.modelling.embedding_beside import add, bring_vectors
from recsys_tasks.settings import Settings, preset_of, refuse_exact
from recsys_tasks.warehouse import Session, Warehouse
from recsys_tasks.warehouse.encoders import (
    CONFIGURED,
    NamedEncoder,
    serving_name,
)
from recsys_tasks.warehouse.history import History, end_of_history, read_history

if TYPE_CHECKING:
    from accelerate import Accelerator

    from recsys_tasks.finetuning.batching import Material
    from recsys_tasks.finetuning.fitting import Tuned

Progress = Callable[[int, int], None]  # steps done, and planned
STRETCHES: Final = 50  # of the loss, on a card


class _Case(NamedTuple):
    """What a fine-tuning starts from.

    Attributes:
        base: Of the encoder that is tuned.
        base_id: Its id.
        dim: Of its vectors.
        until: The cut.
        material: What is learned from.
    """

    base: Specification
    base_id: str
    dim: int
    until: date
    material: "Material"


def tune_encoder(
    warehouse: Warehouse,
    settings: Settings,
    name: str,
    options: TuningOptions,
    *,
    base: str | None = None,
    until: date | None = None,
    on_progress: Progress | None = None,
) -> Card:
    """Tune an encoder on what users did before a day, and add it beside the one that serves.

    What is cut off goes on when the same is asked for again.

    Args:
        warehouse: Of the tenant.
        settings: Its settings.
        name: Of the new encoder.
        options: How.
        base: Name of the encoder to start from; without it, the one that serves.
        until: The cut: the day after the last to learn from. Without it, the first of the days
            that an encoder is compared on, so that it has not seen any of them.
        on_progress: Told the steps.

    Raises:
        UnknownEncoder: There is no such base, or the name is another encoder's.
        EncoderUnavailable: The base does not load.
        NothingToEvaluate: No user joined two items.
        BadSettings: Noise is wanted for what users share, and exact models are not.
    """
    refuse_exact(settings, "encoders are tuned")
    accelerator = _accelerator(settings)
    first = accelerator.is_main_process
    case = _told(_read(warehouse, settings, base, until, options) if first else None)
    folder = (settings.var / "models" / settings.schema_name / name).resolve()
    card = card_of(str(folder))
    if card is None or not card.is_of(case.base_id, case.until, options.facts):
        if first:
            _refuse_another(warehouse, name, folder)
        card = _train(case, options, accelerator, folder, on_progress)
    if first:
        add(warehouse, settings, name, replace(case.base, model=str(folder)))
    accelerator.wait_for_everyone()
    return card


def _accelerator(settings: Settings) -> "Accelerator":
    """Of this process; seconds to import, and only who tunes has it."""
    from accelerate import Accelerator, DistributedDataParallelKwargs  # noqa: PLC0415

    # A BERT has a pooler that no vector depends on.
    unused = DistributedDataParallelKwargs(find_unused_parameters=True)
    is_cpu = torch_device(settings.device) == "cpu"
    return Accelerator(cpu=is_cpu, kwargs_handlers=[unused])


def _told(case: _Case | None) -> _Case:
    """What the first process read."""
    from accelerate.utils import broadcast_object_list  # noqa: PLC0415  as above

    told: list[_Case] = broadcast_object_list([case])
    return told[0]


def _read(
    warehouse: Warehouse,
    settings: Settings,
    base: str | None,
    until: date | None,
    options: TuningOptions,
) -> _Case:
    """Pairs, and the texts of their items."""
    from recsys_tasks.finetuning.batching import Material  # noqa: PLC0415  with torch

    with warehouse.transaction() as session:
        name = base or serving_name(session, settings)
    named = bring_vectors(warehouse, settings, name)
    with warehouse.transaction(exclusive=True) as session:
        history, last = _history(session, settings, named)
        contents: dict[int, str] = dict(session.rows("contents_of_items"))
    end = day_number(until) if until else first_judged(history.interactions, last)
    pairs = pairs_of(
        history.interactions,
        history.catalogue,
        end,
        options.window,
        options.pairs_of_user,
        options.seed,
    )
    if not len(pairs):
        raise NothingToEvaluate(since="the first day", until=date_of(end))
    encoder = loaded(named.specification, settings.device)
    prompt = encoder.recipe.item_prompt or ""
    texts = [prompt + contents[key] for key in history.item_keys[pairs.items].tolist()]
    material = Material(pairs, texts, history.vectors[pairs.items])
    known = tuned_until(named.specification.model)
    cut = max(date_of(end), known) if known else date_of(end)
    return _Case(named.specification, named.encoder_id, named.dim, cut, material)


def _history(session: Session, settings: Settings, named: NamedEncoder) -> tuple[History, int]:
    """Everything that nights have taken, and the day after it.

    Raises:
        NothingToEvaluate: That is nothing.
    """
    end = end_of_history(session)
    return read_history(session, preset_of(settings), named, end), day_number(end)


def _refuse_another(warehouse: Warehouse, name: str, folder: Path) -> None:
    """Keep an encoder of the same name that was made from something else, before any work.

    Raises:
        UnknownEncoder: There is one.
    """
    with warehouse.transaction() as session:
        is_there = session.row("encoder_named", name=name, configured="") is not None
    if is_there or name == CONFIGURED or folder.exists():
        raise UnknownEncoder(name=name, problem="is another one: choose a name of its own")


def _train(
    case: _Case,
    options: TuningOptions,
    accelerator: "Accelerator",
    folder: Path,
    on_progress: Progress | None,
) -> Card:
    """Tune, and save whole or not at all."""
    from recsys_tasks.finetuning.fitting import tune  # noqa: PLC0415  with torch

    recipe = replace(case.base.recipe, precision="float32")
    device = str(accelerator.device)
    model = load_encoder(case.base.model, device, case.base.max_tokens, recipe).model
    folder.parent.mkdir(parents=True, exist_ok=True)
    checkpoint = folder.with_name(f"{folder.name}.checkpoint")
    tuned = tune(model, case.dim, case.material, options, accelerator, checkpoint, on_progress)
    card = _card(case, options, tuned)
    if accelerator.is_main_process:
        part = folder.with_name(f"{folder.name}.part")
        rmtree(part, ignore_errors=True)
        model.save_pretrained(str(part), create_model_card=False)
        card.write(part)
        part.replace(folder)
        checkpoint.unlink(missing_ok=True)
    return card


def _card(case: _Case, options: TuningOptions, tuned: "Tuned") -> Card:
    pairs, losses = case.material.pairs, np.array(tuned.losses)
    stretches = np.array_split(losses, min(STRETCHES, len(losses))) if len(losses) else []
    return Card(
        base=case.base.model,
        base_id=case.base_id,
        until=case.until,
        pairs=len(pairs),
        pairs_digest=pairs.digest,
        users=len(np.unique(pairs.users)),
        items=len(np.unique([pairs.anchors, pairs.positives])),
        options=options.facts,
        steps=len(losses),
        planned=tuned.planned,
        seconds=round(tuned.seconds, 1),
        processes=tuned.processes,
        losses=tuple(round(float(stretch.mean()), 4) for stretch in stretches),
    )
