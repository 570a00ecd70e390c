"""The second stage of a learned model in the warehouse: an .npz file, one array a field."""

import hashlib
import io
from typing import TYPE_CHECKING

import numpy as np

from recsys_tasks.errors import first_line
from recsys_tasks.warehouse.session import Session

if TYPE_CHECKING:
    from recsys_tasks.reranking import SecondStage

_MATRICES = ("ease", "cosine")
_BETWEEN = "\0"  # LightGBM's texts have none
_PARTS = ("data", "indices", "indptr")


def save_second_stage(session: Session, model_key: int, second: "SecondStage | None") -> None:
    """Lay a second stage beside its first; None takes one away that lay there."""
    content = None if second is None else pack(second)
    digest = None if content is None else hashlib.sha256(content).digest()
    session.execute("set_second_stage", model_key=model_key, content=content, digest=digest)


def load_second_stage(session: Session, model_key: int, model_id: str) -> "SecondStage | None":
    """The second stage of a model; None where there is none.

    One that is damaged counts as none, and the ledger says so: the first stage ranks alone.
    """
    content, digest = session.rows("second_stage_of", model_key=model_key)[0]
    if content is None:
        return None
    try:
        if digest is None or hashlib.sha256(bytes(content)).digest() != bytes(digest):
            raise ValueError("its digest is another")  # noqa: EM101, TRY301  told below
        found = unpack(bytes(content))
        if not found.is_of_these_features:
            raise ValueError("it reads other features")  # noqa: EM101, TRY301  likewise
        return found  # noqa: TRY300  likewise
    except Exception as error:  # noqa: BLE001  whatever numpy says of bytes that are no parameters
        problem = f"the second stage of {model_id} is damaged ({first_line(error)})"
        session.note(f"the first stage ranks alone: {problem}")
        return None


def pack(second: "SecondStage") -> bytes:
    """The second stage as the bytes of an .npz file."""
    arrays = {
        "trees": np.frombuffer(_BETWEEN.join(second.trees).encode(), np.uint8),
        "base": np.array(second.base),
        "item_keys": second.item_keys,
    }
    for name in _MATRICES:
        matrix = getattr(second.together, name)
        arrays |= {f"{name}_{part}": getattr(matrix, part) for part in _PARTS}
    stream = io.BytesIO()
    np.savez_compressed(stream, allow_pickle=False, **arrays)
    return stream.getvalue()


def unpack(content: bytes) -> "SecondStage":
    """The second stage that was packed, to the bit.

    Raises:
        Exception: Whatever numpy says of bytes that are no parameters of this version.
    """
    # Seconds to import; only a night that ranks with a second stage pays.
    from scipy import sparse  # noqa: PLC0415

    from recsys_tasks.cooccurrence import Cooccurrence  # noqa: PLC0415
    from recsys_tasks.reranking import SecondStage  # noqa: PLC0415

    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        item_keys = arrays["item_keys"]
        shape = (len(item_keys), len(item_keys))
        matrices = [
            sparse.csr_matrix(tuple(arrays[f"{name}_{part}"] for part in _PARTS), shape=shape)
            for name in _MATRICES
        ]
        trees = tuple(arrays["trees"].tobytes().decode().split(_BETWEEN))
        return SecondStage(trees, float(arrays["base"]), item_keys, Cooccurrence(*matrices))
