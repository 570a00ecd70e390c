"""A week of made behaviour: returning users, negatives, searches, texts, idle days."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
from encoders import WORDS
from sources import Row

FIRST = date(2024, 3, 1)
N_DAYS = 8
IDLE = 4  # nobody does anything on this one
LAST = FIRST + timedelta(days=N_DAYS - 1)
NIGHTS = tuple(FIRST + timedelta(days=n) for n in range(N_DAYS))
TYPES = ("purchase", "view", "return", "rating", "comment", "search")


def made_items() -> list[Row]:
    """Thirty items; two without a text, two that appear in the middle."""
    rows: list[Row] = [{"item_id": f"i{n}", "title": _title(n)} for n in range(26)]
    late = datetime.combine(FIRST + timedelta(days=5), datetime.min.time(), UTC)
    rows += [{"item_id": f"new{n}", "title": _title(26 + n), "created_at": late} for n in range(2)]
    return [*rows, *({"item_id": f"bare{n}", "title": None} for n in range(2))]


def _title(number: int) -> str:
    """Two words of its own: the same whatever other tests have made."""
    first, second = divmod(number + 1, len(WORDS))
    return f"{WORDS[first]} {WORDS[second]}"


def made_events(seed: int = 0, n: int = 240) -> list[Row]:
    """Events of a dozen users, in no order."""
    rng = np.random.default_rng(seed)
    items = [str(row["item_id"]) for row in made_items()]
    return [_event(rng, number, items) for number in range(n)]


def _event(rng: np.random.Generator, number: int, items: list[str]) -> Row:
    kind = str(rng.choice(TYPES))
    day = int(rng.choice([d for d in range(N_DAYS) if d != IDLE]))
    seconds = float(rng.uniform(0, 86399))
    text = " ".join(rng.choice(WORDS, 3)) if kind in ("comment", "search") else None
    return {
        "event_id": f"e{number:04}",
        "user_id": f"u{rng.integers(12)}",
        "item_id": None if kind == "search" else str(rng.choice(items)),
        "event_type": kind,
        "value": float(rng.integers(1, 6)) if kind == "rating" else None,
        "text": text,
        "occurred_at": datetime.combine(FIRST, datetime.min.time(), UTC)
        + timedelta(days=day, seconds=seconds),
    }
