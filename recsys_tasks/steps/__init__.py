"""The night's steps, one a file: read, compute, write, in one transaction, safe to repeat.

Each has `run(session, settings, day) -> Counts`. Nothing is handed from step to step but rows: a
step finds out from the database what it has to do, so that any of them can be repeated alone.
"""

import hashlib
from collections.abc import Mapping

Counts = Mapping[str, int]


def digest_of(*facts: object) -> str:
    """Names facts in twelve hexadecimal digits: by others, a step makes its results anew."""
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:12]
