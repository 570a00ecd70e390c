"""A model that is cut short, gives no numbers, or does not fit into memory."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from recsys_tasks.encoder import loaded
from recsys_tasks.errors import BrokenEncoder, EncoderUnavailable

from .children import start_with_little_memory
from .contents import differences
from .disturbed import LEDGER, assert_same, assert_told, assert_whole
from .places import DAYS, Place, Stage
from .tally import Tally

MIB = 1024 * 1024
CUT = ("model.safetensors", "tokenizer.json", "config.json")
# What a process may have beyond what it begins with.
MEMORY = tuple(n * MIB for n in (1, 2, 4, 8, 16, 24, 32, 48, 64, 96))


@pytest.fixture(autouse=True)
def _read_models_anew() -> Iterator[None]:
    """A process keeps the encoder that it has loaded."""
    loaded.cache_clear()
    yield
    loaded.cache_clear()


def with_encoder(place: Place, folder: Path) -> Place:
    return place._replace(settings=place.settings.model_copy(update={"encoder": str(folder)}))


@pytest.mark.some(4)
@pytest.mark.parametrize("name", CUT)
@pytest.mark.parametrize("share", [0.0, 0.4, 0.99])
def test_a_model_file_that_is_cut_short_is_named_and_changes_nothing(
    stages: dict[str, Stage], encoder: Path, tmp_path: Path, tally: Tally, name: str, share: float
) -> None:
    stage, folder = stages["embed_items"], tmp_path / "tiny"
    shutil.copytree(encoder, folder)
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[: int(share * len(content))])
    with tally.injection("model file cut short"), stage.place.copied() as place:
        with pytest.raises(EncoderUnavailable, match="tiny") as end:
            with_encoder(place, folder).run(stage.step)
        assert "\n" not in str(end.value)
        assert_told(stage, place.state())
        place.run(stage.step)
        assert_whole(stage, place.state())


@pytest.mark.some(3)
@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("share", [1.0, 0.02])
def test_an_encoder_that_gives_no_numbers_is_refused(
    untouched: Place, encoder: Path, tmp_path: Path, tally: Tally, number: float, share: float
) -> None:
    """Of all weights, or of a few: a file that was damaged on its way."""
    folder = tmp_path / "tiny"
    shutil.copytree(encoder, folder)
    damage(folder / "model.safetensors", number, share)
    with tally.injection("vectors of NaN or infinity"), untouched.copied() as place:
        place.run("extract", DAYS[0])
        before = place.state()
        with pytest.raises(BrokenEncoder) as end:
            with_encoder(place, folder).run("embed_items", DAYS[0])
        assert "\n" not in str(end.value)
        assert_same(place.state(), before)
        assert not any("nan" in row.lower() for row in place.state().rows["text_vectors"])


def damage(file: Path, number: float, share: float) -> None:
    import torch
    from safetensors.torch import load_file, save_file

    weights = load_file(file)
    damaged = torch.Generator().manual_seed(0)
    for name, weight in weights.items():
        if weight.is_floating_point():
            hit = torch.rand(weight.shape, generator=damaged) < share
            weights[name] = weight.masked_fill(hit, number)
    save_file(weights, file, {"format": "pt"})


@pytest.mark.some(2)
@pytest.mark.parametrize("step", ["embed_items", "rank", "evaluate"])
def test_a_process_without_memory_leaves_all_or_nothing(
    stages: dict[str, Stage],
    some: Callable[[Sequence[int], int], Sequence[int]],
    tally: Tally,
    step: str,
) -> None:
    """However little it has, and however it ends: by an error, or by the system's hand."""
    stage = stages[step]
    for n_bytes in some(MEMORY, 1):
        with tally.injection("process out of memory"), stage.place.copied() as place:
            child = start_with_little_memory(place, step, n_bytes)
            child.join(120)
            assert child.exitcode is not None
            is_done = not differences(place.state().rows, stage.after.rows, LEDGER)
            assert (child.exitcode == 0) <= is_done
            assert_told(stage, place.state())
            place.run(step)
            assert_whole(stage, place.state())
