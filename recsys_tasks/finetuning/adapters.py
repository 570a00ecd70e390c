"""Which weights are trained: all, those of the last layers, or low-rank adapters beside them."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, cast

from torch import nn

from recsys_tasks.finetuning.options import TuningOptions

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer
    from transformers import PreTrainedModel

LORA_PACE: Final = 10.0  # their learning rate, in those of the weights themselves


@contextmanager
def trainable(model: "SentenceTransformer", options: TuningOptions) -> Iterator[list[nn.Parameter]]:
    """The weights to train; adapters are gone after it, and what they learned is in the weights.

    Args:
        model: With a transformer as its first module, where layers or adapters are wanted.
        options: Say which.
    """
    weights = dict(model.named_parameters())
    wanted = {name: weight.requires_grad for name, weight in weights.items()}
    try:
        with _adapted(model, options.lora):
            if options.layers:
                _freeze_below(_transformer(model), options.layers)
            yield [weight for weight in model.parameters() if weight.requires_grad]
    finally:
        for name, weight in weights.items():
            weight.requires_grad = wanted[name]


@contextmanager
def _adapted(model: "SentenceTransformer", rank: int) -> Iterator[None]:
    """The model with adapters of a rank; 0 for none."""
    if rank == 0:
        yield
        return
    from peft import LoraConfig, get_peft_model  # noqa: PLC0415  only who wants adapters has it

    transformer = model[0]
    config = LoraConfig(r=rank, lora_alpha=2 * rank, target_modules="all-linear")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # peft 0.21 asks transformers 5 as it was
        adapted = get_peft_model(_transformer(model), config)
    transformer.model = adapted
    try:
        yield
    finally:
        transformer.model = adapted.merge_and_unload()


def _transformer(model: "SentenceTransformer") -> "PreTrainedModel":
    return cast("PreTrainedModel", model[0].model)


def _freeze_below(transformer: nn.Module, n: int) -> None:
    """Train nothing but what is in the last n layers."""
    # A stack of layers is the longest list of modules that a transformer has, however it is named.
    lists = [module for module in transformer.modules() if isinstance(module, nn.ModuleList)]
    layers = max(lists, key=len)
    kept = {id(weight) for layer in layers[-n:] for weight in layer.parameters()}
    for weight in transformer.parameters():
        if id(weight) not in kept:
            weight.requires_grad = False
