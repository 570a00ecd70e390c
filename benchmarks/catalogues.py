"""From which catalogue on exact lists are too slow for a night: a product, or an index that misses.

    python benchmarks/catalogues.py --items 20000 --items 100000 --titles FOLDER

ranks by ranking.top_k and by faiss: an inverted file, of which so many cells are searched that the
recall of the fifty is .99 or the most that there is. Vectors are those of made_vectors.py.
"""

from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Annotated, Final

import numpy as np
import psutil
import typer
from numpy.typing import NDArray
from rich.console import Console
from scipy import sparse

from benchmarks.contests import timed
from benchmarks.made_vectors import catalogue, interests, titles
from recsys_tasks.ranking import top_k

CONSOLE: Final = Console()
K: Final = 50
N_USERS: Final = 512
ENOUGH: Final = 0.99
PROBES: Final = (4, 8, 16, 32, 64, 128, 256, 512)
LINE: Final = "{:>10} {:>14} {:>12} {:>10} {:>14} {:>18}"


def main(
    *,
    items: Annotated[list[int], typer.Option(help="once for each size")],
    titles_of: Annotated[Path, typer.Option("--titles", help="a folder in the source contract")],
) -> None:
    """One line a size."""
    import faiss

    faiss.omp_set_num_threads(1)
    real = titles(titles_of)
    CONSOLE.print(f"load {psutil.getloadavg()[0]:.2f} on {psutil.cpu_count()} processors, 1 thread")
    heads = (
        "items",
        "exact ms/user",
        "index ms/user",
        "recall@50",
        "index built s",
        "1.5 M users, min",
    )
    CONSOLE.print(LINE.format(*heads), soft_wrap=True, highlight=False)
    for n in items:
        rng = np.random.default_rng(0)
        found = catalogue(real, n, rng)
        users = interests(found, N_USERS, rng).astype(np.float32)
        vectors = found.vectors
        nothing = sparse.csr_array((N_USERS, n), dtype=np.bool_)
        seconds, exact = timed(partial(top_k, users, vectors, nothing, K))
        start = perf_counter()
        cells = int(4 * np.sqrt(n))
        index = faiss.IndexIVFFlat(
            faiss.IndexFlatIP(vectors.shape[1]), vectors.shape[1], cells, faiss.METRIC_INNER_PRODUCT
        )
        index.train(vectors[rng.permutation(n)[: 40 * cells]])
        index.add(vectors)
        built = perf_counter() - start
        by_index, recall = _searched(index, users, exact.scores)
        each = seconds / N_USERS * 1e3
        cells_ = (f"{each:.3f}", f"{by_index * 1e3:.3f}", f"{recall:.3f}", f"{built:.0f}")
        told = LINE.format(f"{n:,}", *cells_, f"{each * 1.5e6 / 6e4:,.0f}")
        CONSOLE.print(told, soft_wrap=True, highlight=False)


def _searched(
    index: object, users: NDArray[np.float32], best: NDArray[np.float32]
) -> tuple[float, float]:
    """Seconds a user, and the recall that they buy."""
    seconds = recall = 0.0
    for index.nprobe in PROBES:  # type: ignore[attr-defined]
        seconds, (scores, _) = timed(lambda: index.search(users, K), rounds=2)  # type: ignore[attr-defined]
        recall = float((scores >= best[:, -1:] - 1e-5).mean())
        if recall >= ENOUGH:
            break
    return seconds / len(users), recall


if __name__ == "__main__":
    typer.run(main)
