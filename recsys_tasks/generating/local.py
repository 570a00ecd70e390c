"""A generator on this machine: torch is loaded only when there is something to ask."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recsys_tasks.errors import first_line
from recsys_tasks.generating.generator import MAX_PROMPT_TOKENS, MAX_TOKENS, GeneratorFailed
from recsys_tasks.generating.loading import load_causal
from recsys_tasks.generating.prompts import Prompt

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


class Local:
    """A model in a folder, in a GGUF file, or by its Hugging Face id."""

    batch_size = 8

    def __init__(self, name: str, device: str) -> None:
        """Load it when it is first asked.

        Args:
            name: A folder, a path to a .gguf file, or an id whose files are on this machine or
                can be had.
            device: As torch names it; "auto" is the GPU if there is one, else the CPU.
        """
        self._name, self._device = name, device
        # transformers types no generate()
        self._loaded: tuple[PreTrainedTokenizerBase, Any] | None = None

    @property
    def generator_id(self) -> str:
        """The last part of its name."""
        return Path(self._name).name

    def answer(self, prompts: Sequence[Prompt], seconds: float) -> list[str | None]:
        """One answer a prompt: of all words the likeliest, so always the same; cut when time is up.

        Raises:
            GeneratorFailed: It cannot be loaded, or breaks.
        """
        try:
            return self._answer(prompts, seconds)
        except Exception as cause:  # whatever transformers and torch raise
            message = f"it cannot be used ({first_line(cause)})"
            raise GeneratorFailed(message) from cause

    def _answer(self, prompts: Sequence[Prompt], seconds: float) -> list[str | None]:
        import torch  # noqa: PLC0415 - takes seconds

        tokenizer, model = self._loaded = self._loaded or load_causal(self._name, self._device)
        texts = [_as_text(tokenizer, prompt) for prompt in prompts]
        tokens = tokenizer(
            texts,
            return_tensors="pt",
            padding=True,
            truncation=True,
            max_length=MAX_PROMPT_TOKENS,
            add_special_tokens=tokenizer.chat_template is None,
        ).to(model.device)
        with torch.inference_mode():
            written = model.generate(
                **tokens,
                max_new_tokens=MAX_TOKENS,
                do_sample=False,
                max_time=seconds,
                pad_token_id=tokenizer.pad_token_id,
            )
        answers = written[:, tokens["input_ids"].shape[1] :]
        return [text or None for text in tokenizer.batch_decode(answers, skip_special_tokens=True)]


def _as_text(tokenizer: Any, prompt: Prompt) -> str:  # noqa: ANN401  any tokenizer of transformers
    """As the model's makers write a chat; plainly where they do not."""
    if tokenizer.chat_template is None:
        return f"{prompt.system}\n\n{prompt.user}\n\nName:"
    return str(
        tokenizer.apply_chat_template(prompt.messages, tokenize=False, add_generation_prompt=True)
    )
