"""A causal language model on this machine, through transformers: a checkpoint or a GGUF file.

Only this module loads transformers, and only when there is something to ask.
"""

from pathlib import Path
from typing import Any

from recsys_tasks.devices import torch_device


def load_causal(name: str, device: str) -> tuple[Any, Any]:
    """A tokenizer that pads and cuts at the left, and its model, in float32.

    Args:
        name: A folder, a path to a .gguf file, or a Hugging Face id.
        device: As torch names it; "auto" is the GPU if there is one, else the CPU.
    """
    import torch  # noqa: PLC0415 - takes seconds
    from transformers import AutoModelForCausalLM, AutoTokenizer  # noqa: PLC0415

    path = Path(name).expanduser()
    options: dict[str, Any] = {}
    if path.suffix == ".gguf":
        name, options = str(path.parent), {"gguf_file": path.name}
    tokenizer = AutoTokenizer.from_pretrained(name, **options)
    model: Any = AutoModelForCausalLM.from_pretrained(name, dtype=torch.float32, **options)
    # It writes on where the prompt ends, so a batch is padded before it.
    tokenizer.padding_side = "left"
    tokenizer.truncation_side = "left"
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token or tokenizer.unk_token
    return tokenizer, model.to(device=torch_device(device)).eval()
