"""The pair of keys: what decrypts stays with the owner, what computes goes to partners."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from recsys_tasks.errors import BadSettings, first_line

if TYPE_CHECKING:
    from tenseal import Context

# One product of a vector with a matrix, to seven digits, at 128 bits of security: the table of the
# HomomorphicEncryption.org standard (2018) allows 218 bits of modulus at this degree.
DEGREE: Final = 8192
MODULUS_BITS: Final = (60, 40, 60)
SCALE: Final = 2.0**40
SLOTS: Final = DEGREE // 2  # numbers in one ciphertext
SECRET: Final = "secret.key"  # noqa: S105  names of files
PUBLIC: Final = "public.key"


def make_keys(folder: Path) -> tuple[Path, Path]:
    """Write a new pair of keys into a folder, which is made where it is missing.

    Returns:
        The secret key, readable by its owner alone, and the public one.

    Raises:
        BadSettings: One is there already, or the folder cannot be written.
    """
    import tenseal  # noqa: PLC0415

    context = tenseal.context(
        tenseal.SCHEME_TYPE.CKKS, DEGREE, coeff_mod_bit_sizes=list(MODULUS_BITS)
    )
    context.global_scale = SCALE
    context.generate_galois_keys()
    secret, public = folder / SECRET, folder / PUBLIC
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _write_new(secret, context.serialize(save_secret_key=True, save_galois_keys=False))
        _write_new(public, context.serialize(save_secret_key=False))
    except OSError as error:
        problem = f"Keys cannot be written to {folder} ({first_line(error)})"
        raise BadSettings(problem=problem) from error
    return secret, public


def _write_new(file: Path, content: bytes) -> None:
    """Never over a key that is there: what it sealed could not be opened any more."""
    mode = 0o600 if file.name == SECRET else 0o644
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)


def read_secret_key(file: Path) -> "Context":
    """The owner's key.

    Raises:
        BadSettings: It cannot be read, or decrypts nothing.
    """
    context = _read(file)
    if not context.is_private():
        raise BadSettings(problem=f"{file} is a public key: what it sealed, {SECRET} opens")
    return context


def read_public_key(file: Path) -> "Context":
    """What a partner computes with.

    Raises:
        BadSettings: It cannot be read, or it is a secret key, which nobody may hand on.
    """
    context = _read(file)
    if context.is_private():
        raise BadSettings(problem=f"{file} is a secret key: partners get {PUBLIC}")
    return context


def _read(file: Path) -> "Context":
    import tenseal  # noqa: PLC0415

    try:
        return tenseal.context_from(file.read_bytes())
    except (OSError, ValueError, RuntimeError) as error:
        raise BadSettings(problem=f"{file} is no key ({first_line(error)})") from error
