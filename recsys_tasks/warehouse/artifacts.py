"""Parameters of a learned model as bytes: an .npz file, one array a field."""

import io

import numpy as np

from recsys_tasks.interest_model import Learned

_FIELDS = tuple(Learned.__dataclass_fields__)


def pack(model: Learned) -> bytes:
    """The model as the bytes of an .npz file."""
    stream = io.BytesIO()
    arrays = {name: np.asarray(getattr(model, name)) for name in _FIELDS}
    np.savez_compressed(stream, allow_pickle=False, **arrays)
    return stream.getvalue()


def unpack(content: bytes) -> Learned:
    """The model that was packed, to the bit.

    Raises:
        Exception: Whatever numpy says of bytes that are no parameters of this version.
    """
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        found = {name: arrays[name] for name in _FIELDS}
    # Half-lives are tuples, and what has no shape is a float.
    plain = {name: found[name].tolist() for name in _FIELDS if found[name].ndim == 0}
    days = {name: tuple(found[name].tolist()) for name in ("half_lives", "trend_half_lives")}
    return Learned(**{**found, **plain, **days})


def problem_of(model: Learned, encoder_id: str, dim: int, model_id: str) -> str:
    """What keeps parameters that can be read from being used; empty where nothing does."""
    if len(model.p_in) != dim:
        return f"its parameters are for vectors of {len(model.p_in)} coordinates, not of {dim}"
    if not all(np.isfinite(getattr(model, name)).all() for name in _FIELDS):
        return "its parameters are not finite"
    if model.fingerprint(encoder_id) != model_id:
        return "its parameters are those of another model"
    return ""
