"""Variants: several ways to recommend side by side, each shown to users of its own.

All users lie on a line of PLACES places, each where a hash of the salt and the user's id puts it. A
variant has some of the places; whoever lies on none of them is shown the default. A variant keeps
its places as long as its share stays, gives up the last ones where it shrinks, and takes free ones
where it grows: no share that changes moves more users than it has to.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Final, Literal, NamedTuple

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator

PLACES: Final = 1_000_000  # as in the SQL function place_of
SERVING: Final = "serving"  # whichever model serves
ZERO_SHOT: Final = "zero-shot"  # the one before anything is learned
# In evaluations these are the default's, and baselines'.
TAKEN: Final = re.compile(r"content|interest|reranked|popular|decayed_popular.*")

_NAME: Final = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_DECAY: Final = re.compile(r"learned|none|half-life (\d{1,4}(?:\.\d+)?) days?|alpha (0(?:\.\d+)?)")

Spans = tuple[tuple[int, int], ...]  # half-open stretches of places, ascending


class Decay(NamedTuple):
    """How the interests of a variant ebb; neither: not at all.

    Attributes:
        half_life: In days.
        alpha: What each active day leaves of what was there.
    """

    half_life: float | None = None
    alpha: float | None = None


class Variant(BaseModel):
    """What differs from the default; what is not given does not.

    Attributes:
        share: Of the users, from above 0 to 1.
        model: `serving`, `zero-shot`, or the id of a kept model.
        stage: `interest`: the order of the first stage; `reranked`: of the second.
        decay: `learned` (the model's own), `none`, `half-life N days` or `alpha X`.
        diversity: As the setting.
        category_cap: As the setting; null for any number.
        new_item_share: As the setting.
        language: What a language model's word weighs in lists of users with few events; 0 for
            nothing, 1 for all.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    share: float = Field(gt=0, le=1)
    model: str = Field(SERVING, min_length=1)
    stage: Literal["interest", "reranked"] | None = None
    decay: str = "learned"
    diversity: float = Field(0.0, ge=0, le=1)
    category_cap: int | None = Field(None, ge=1)
    new_item_share: float = Field(0.0, ge=0, le=0.5)
    language: float = Field(0.0, ge=0, le=1)

    @field_validator("decay")
    @classmethod
    def _is_known(cls, decay: str) -> str:
        match = _DECAY.fullmatch(decay)
        if match is None or (match[1] is not None and float(match[1]) == 0):
            message = (
                f"{decay!r} is none of learned, none, half-life N days, alpha X (X from 0 to below"
                " 1)"
            )
            raise ValueError(message)
        return decay

    @property
    def own_decay(self) -> Decay | None:
        """What the interests ebb by instead of the model's half-lives; None for these."""
        match = _DECAY.fullmatch(self.decay)
        if match is None or self.decay == "learned":
            return None
        return Decay(*(None if number is None else float(number) for number in match.groups()))

    @property
    def n_places(self) -> int:
        """How many of all places are its share: at least one."""
        return max(round(self.share * PLACES), 1)


def _fitting(variants: dict[str, Variant]) -> dict[str, Variant]:
    """The variants, whose names and shares go together.

    Raises:
        ValueError: They do not.
    """
    for name in variants:
        if not _NAME.fullmatch(name):
            message = f"{name!r} is no name: a letter of a-z, then up to 39 of a-z, 0-9, _ and -"
            raise ValueError(message)
        if TAKEN.fullmatch(name):
            message = f"{name!r} is the name of a default or a baseline; choose another"
            raise ValueError(message)
    if sum(variant.n_places for variant in variants.values()) > PLACES:
        total = sum(variant.share for variant in variants.values())
        message = f"the shares sum to {total:.6g}, which is more than 1"
        raise ValueError(message)
    return variants


Variants = Annotated[dict[str, Variant], AfterValidator(_fitting)]


def place_of(salt: str, user_id: str) -> int:
    """Where a user lies, from 0 to below PLACES; the SQL function of this name gives the same.

    >>> place_of("1", "u1"), place_of("2", "u1")
    (384805, 566839)
    """
    digest = hashlib.sha256(f"{salt} {user_id}".encode()).digest()
    return int.from_bytes(digest[:4]) * PLACES >> 32


def allot(wanted: Mapping[str, int], before: Mapping[str, Spans]) -> dict[str, Spans]:
    """Give each variant as many places as it wants.

    Args:
        wanted: Numbers of places, by name; all together at most PLACES.
        before: The places that variants have.

    Returns:
        By name, in alphabetical order. A variant that had places keeps the first ones; what it
        wants more are the first ones that nobody keeps.
    """
    names = sorted(wanted)
    allotted = {name: _first(before.get(name, ()), wanted[name]) for name in names}
    for name in names:
        lacking = wanted[name] - _size(allotted[name])
        added = _first(_free(allotted.values()), lacking)
        allotted[name] = _joined((*allotted[name], *added))
    return allotted


def _size(spans: Spans) -> int:
    return sum(until - since for since, until in spans)


def _first(spans: Spans, n: int) -> Spans:
    """The first n places of some."""
    chosen = []
    for since, until in spans:
        if n <= 0:
            break
        chosen.append((since, min(until, since + n)))
        n -= until - since
    return tuple(chosen)


def _free(taken: Iterable[Spans]) -> Spans:
    """The places that nobody has."""
    spans = sorted(span for spans in taken for span in spans)
    ends = [0, *(until for _, until in spans)]
    starts = [*(since for since, _ in spans), PLACES]
    return tuple((end, start) for end, start in zip(ends, starts, strict=True) if end < start)


def _joined(spans: Spans) -> Spans:
    """The same places, those that touch as one stretch."""
    joined: list[tuple[int, int]] = []
    for since, until in sorted(spans):
        if joined and joined[-1][1] == since:
            joined[-1] = (joined[-1][0], until)
        else:
            joined.append((since, until))
    return tuple(joined)
