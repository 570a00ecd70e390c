"""Scores under encryption beside plain ones: seconds of processor time, bytes, and the difference.

python benchmarks/sealed.py --items 10000
"""

import tempfile
from pathlib import Path
from time import process_time
from typing import Annotated

import numpy as np
import tenseal
import typer
from rich.console import Console
from rich.table import Table

from recsys_tasks.sealed import (
    Items,
    SealedInterest,
    make_keys,
    open_scores,
    read_public_key,
    read_secret_key,
    score,
)

ENCODER = np.array("made")


def main(
    items: Annotated[int, typer.Option(help="of the partner")] = 10_000,
    ranks: Annotated[list[int] | None, typer.Option("--rank", help="of interests")] = None,
) -> None:
    """Seal, score and open made interests."""
    shown = Table(
        "rank", "seal", "score", "plain", "times plain", "open", "sent", "returned", "off by"
    )
    with tempfile.TemporaryDirectory() as folder:
        start = process_time()
        secret_file, public_file = make_keys(Path(folder))
        made = process_time() - start
        secret, public = read_secret_key(secret_file), read_public_key(public_file)
        size = public_file.stat().st_size
    for rank in ranks or (96, 384):
        rng = np.random.default_rng(rank)
        vectors = rng.normal(size=(items, rank)).astype(np.float32) / np.float32(np.sqrt(rank))
        interest = rng.normal(size=rank)
        shown.add_row(str(rank), *_row(interest, vectors, public, secret))
    console = Console(width=110)
    console.print(f"Keys: {made:.2f} s, {size / 2**20:.1f} MiB public. {items:,} items:")
    console.print(shown)


def _row(
    interest: np.ndarray, vectors: np.ndarray, public: "tenseal.Context", secret: "tenseal.Context"
) -> list[str]:
    rank = len(interest)
    ids = np.arange(len(vectors)).astype(np.str_)
    times = [process_time()]
    content = np.frombuffer(tenseal.ckks_vector(public, interest).serialize(), np.uint8)
    times.append(process_time())
    space = (np.eye(rank, dtype=np.float32), np.zeros(rank, np.float32))
    sealed = score(SealedInterest(ENCODER, *space, content), Items(ids, ENCODER, vectors), public)
    times.append(process_time())
    opened = open_scores(sealed, secret)
    times.append(process_time())
    plain = vectors @ interest.astype(np.float32)
    times.append(process_time())
    seal, scored, open_, floor = np.diff(times).tolist()
    off = float(np.abs(opened - plain).max())
    return [
        *(f"{seconds:.3f} s" for seconds in (seal, scored)),
        f"{1000 * floor:.1f} ms",
        f"{scored / floor:,.0f}",
        f"{open_:.3f} s",
        *(f"{len(part) / 2**10:,.0f} KiB" for part in (content, sealed.ciphertexts)),
        f"{off:.1e}",
    ]


if __name__ == "__main__":
    typer.run(main)
