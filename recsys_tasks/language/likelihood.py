"""How likely a causal language model finds titles after a prompt.

Nothing is written: the model is read, once over the prompt and once over all titles side by side,
which do not see each other.
"""

import hashlib
from collections.abc import Callable, Sequence
from functools import cache, cached_property, wraps
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.errors import first_line
from recsys_tasks.generating import load_causal
from recsys_tasks.language.prompts import NOTHING_KNOWN, on_a_line

if TYPE_CHECKING:
    from torch import Tensor

MOST_TOKENS: Final = 32  # of a title
MOST_PROMPT_TOKENS: Final = 512
DECIMALS: Final = 4  # what is kept: the last bits depend on the processor
Given = ParamSpec("Given")
Found = TypeVar("Found")


class LanguageFailed(Exception):
    """The language model cannot be had, or says nothing; in one line."""


def _failing_as_one(ask: Callable[Given, Found]) -> Callable[Given, Found]:
    """Whatever transformers and torch raise, as LanguageFailed."""

    @wraps(ask)
    def asked(*given: Given.args, **named: Given.kwargs) -> Found:
        try:
            return ask(*given, **named)
        except Exception as cause:
            message = f"the language model cannot be used ({first_line(cause)})"
            raise LanguageFailed(message) from cause

    return asked


class LanguageModel:
    """A causal model that is read, loaded when it is first asked."""

    def __init__(self, name: str, device: str) -> None:
        """Name it.

        Args:
            name: A folder, a path to a .gguf file, or a Hugging Face id.
            device: As torch names it; "auto" is the GPU if there is one, else the CPU.
        """
        self._name, self._device = name, device
        self._unprompted: dict[str, float] = {}

    @cached_property
    def _loaded(self) -> tuple[Any, Any]:  # transformers types neither
        return load_causal(self._name, self._device)

    @cached_property
    @_failing_as_one
    def fingerprint(self) -> str:
        """Twelve hex digits of the weights: likelihoods by two of them have nothing in common.

        Raises:
            LanguageFailed: It cannot be loaded.
        """
        import torch  # noqa: PLC0415  seconds to import

        digest = hashlib.blake2b(digest_size=6)
        for weights in self._loaded[1].state_dict().values():
            digest.update(weights.detach().cpu().contiguous().flatten().view(torch.uint8).numpy())
        return digest.hexdigest()

    @_failing_as_one
    def lifts(self, prompt: str, titles: Sequence[str]) -> NDArray[np.float32]:
        """How much likelier a prompt makes each title than it is where nothing is known.

        The pointwise mutual information of title and prompt, by token: what is likely anyway, as
        short and common words are, gains nothing (Holtzman et al., "Surface form competition: why
        the highest probability answer isn't always right", 2021).

        Args:
            prompt: As `prompt_of` makes it.
            titles: In any order; each is read by itself.

        Returns:
            Shape (n,), in nats a token; nan for a title without words.

        Raises:
            LanguageFailed: It cannot be loaded, or breaks.
        """
        return self.log_likelihoods(prompt, titles) - self.unprompted(titles)

    def unprompted(self, titles: Sequence[str]) -> NDArray[np.float32]:
        """The mean log-likelihoods of titles where nothing is known, as `log_likelihoods`."""
        for title in titles:
            if title not in self._unprompted:
                # One by one: what stands beside a title would touch its last bits.
                (self._unprompted[title],) = self.log_likelihoods(NOTHING_KNOWN, [title])
        return np.array([self._unprompted[title] for title in titles], np.float32)

    def log_likelihoods(self, prompt: str, titles: Sequence[str]) -> NDArray[np.float32]:
        """The mean log-likelihood of each title's tokens after the prompt.

        Returns:
            Shape (n,), in nats, rounded; nan for a title without words. The same question has the
            same answer to the bit on one machine.
        """
        found = np.full(len(titles), np.nan, np.float32)
        tokens = [self._tokens_of(title) for title in titles]
        rows = [row for row, of_title in enumerate(tokens) if of_title]
        if rows:
            found[rows] = self._read(prompt, [tokens[row] for row in rows])
            if not np.isfinite(found[rows]).all():
                message = "it gives no numbers"
                raise ArithmeticError(message)
        return np.round(found, DECIMALS)

    def _tokens_of(self, title: str) -> list[int]:
        tokenizer, words = self._loaded[0], on_a_line(title)
        if not words:
            return []
        ids: list[int] = tokenizer(f" {words}", add_special_tokens=False)["input_ids"]
        return ids[: min(MOST_TOKENS, self._positions // 2)]

    @property
    def _positions(self) -> int:
        """Tokens that the model can read at once."""
        return int(getattr(self._loaded[1].config, "max_position_embeddings", MOST_PROMPT_TOKENS))

    def _read(self, prompt: str, titles: Sequence[list[int]]) -> NDArray[np.float32]:
        """Of titles by their tokens, one or more each."""
        import torch  # noqa: PLC0415  seconds to import
        from torch.nn.utils.rnn import pad_sequence  # noqa: PLC0415
        from transformers import DynamicCache  # noqa: PLC0415

        tokenizer, model = self._loaded
        room = min(MOST_PROMPT_TOKENS, self._positions) - max(map(len, titles))
        before = torch.tensor([tokenizer(prompt)["input_ids"][-room:]], device=model.device)
        parts = [torch.tensor(title, device=model.device) for title in titles]
        ids = pad_sequence(parts, batch_first=True)
        lengths = torch.tensor([len(title) for title in titles], device=model.device)
        are_there = torch.arange(ids.shape[1], device=model.device) < lengths[:, None]
        with torch.inference_mode():
            prefix = DynamicCache(config=model.config)
            begun = model(before, cache=prefix, use_cache=True).logits[:, -1:]
            prefix.batch_repeat_interleave(len(titles))
            seen = torch.ones((len(titles), before.shape[1]), dtype=torch.long, device=model.device)
            mask = torch.cat([seen, are_there.long()], dim=1)
            read = model(ids, attention_mask=mask, cache=prefix, use_cache=True).logits[:, :-1]
            logits = torch.cat([begun.expand(len(titles), -1, -1), read], dim=1)
            return _means(logits, ids, are_there)


def _means(logits: "Tensor", ids: "Tensor", are_there: "Tensor") -> NDArray[np.float32]:
    """Mean log-likelihoods of the tokens that are there, (n,).

    Args:
        logits: Of the next token, before each, shape (n, t, vocabulary).
        ids: The tokens, shape (n, t).
        are_there: Whether each is a token of its title, shape (n, t).
    """
    of_tokens = logits.float().log_softmax(dim=-1).gather(2, ids[:, :, None])[:, :, 0]
    sums = (of_tokens * are_there).sum(dim=1)
    means: NDArray[np.float32] = (sums / are_there.sum(dim=1)).cpu().numpy()
    return means


@cache
def language_model(name: str, device: str) -> LanguageModel:
    """The model, loaded once a process at most: a replay runs many nights."""
    return LanguageModel(name, device)
