"""A transformer in eight bits, for CPUs: its graph in ONNX, quantised and run by onnxruntime.

Weights have a scale a column; what flows has a scale a batch, so that a text's vector depends a
little on the texts that are computed with it (docs/encoders.md has how much). Seven of the eight
bits are used: older processors add two products in sixteen bits, and the eighth would overflow.
"""

import os
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Transformer
    from transformers import PreTrainedConfig

# Which shapes are traced: two texts of unlike length; any number and length can be run.
EXAMPLE: Final = ((1, 1, 1, 1), (1, 1, 1, 0))


def quantise(model: "SentenceTransformer", name: str) -> None:
    """Let a model compute its token vectors in eight bits, on the CPU.

    The quantised graph is kept in the user's cache folder: making it takes seconds.

    Args:
        model: In float32.
        name: Names weights and recipe.

    Raises:
        TypeError: It is no transformer.
        ImportError: onnx or onnxruntime is not installed.
    """
    from sentence_transformers.sentence_transformer.modules import (  # noqa: PLC0415 - takes seconds
        Transformer,
    )

    transformer = model[0]
    if not isinstance(transformer, Transformer):
        message = "it is no transformer, and has nothing to quantise"
        raise TypeError(message)
    path = _cache() / f"{name}.int8.onnx"
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=path.parent) as folder:
            _write(transformer, Path(folder))
            (Path(folder) / "int8.onnx").replace(path)
    transformer.model = _running(path, transformer.config)


def _cache() -> Path:
    folder = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(folder) / "ebbtide"


def _write(transformer: "Transformer", folder: Path) -> None:
    """Its graph, as it is and quantised."""
    import torch  # noqa: PLC0415 - takes seconds
    from onnxruntime.quantization import QuantType, quantize_dynamic  # noqa: PLC0415

    class States(torch.nn.Module):
        """The last hidden states alone."""

        def __init__(self, inner: torch.nn.Module) -> None:
            super().__init__()
            self.inner = inner

        def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
            given = {"input_ids": input_ids, "attention_mask": attention_mask}
            states: torch.Tensor = self.inner(**given, use_cache=False).last_hidden_state
            return states

    mask = torch.tensor(EXAMPLE)
    sizes = dict.fromkeys((0, 1), torch.export.Dim.DYNAMIC)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of how the exporter goes about it
        torch.onnx.export(
            States(transformer.model).eval(),
            (mask.clone(), mask),
            folder / "float32.onnx",
            input_names=["input_ids", "attention_mask"],
            output_names=["states"],
            dynamic_shapes=(sizes, sizes),
            verbose=False,
        )
        quantize_dynamic(
            folder / "float32.onnx",
            folder / "int8.onnx",
            per_channel=True,
            reduce_range=True,
            weight_type=QuantType.QInt8,
        )


def _running(path: Path, config: "PreTrainedConfig") -> "torch.nn.Module":
    """What takes a transformer's place, with the graph of a file."""
    import onnxruntime  # noqa: PLC0415 - only who asks for eight bits has it
    import torch  # noqa: PLC0415 - takes seconds
    from transformers.modeling_outputs import BaseModelOutput  # noqa: PLC0415

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    class Running(torch.nn.Module):
        """The graph, in place of a transformer."""

        def __init__(self) -> None:
            super().__init__()
            self.config = config

        def forward(
            self, input_ids: torch.Tensor, attention_mask: torch.Tensor, **_: object
        ) -> BaseModelOutput:
            given = {"input_ids": input_ids.numpy(), "attention_mask": attention_mask.numpy()}
            (states,) = session.run(None, given)
            return BaseModelOutput(last_hidden_state=torch.from_numpy(states))

    return Running()
