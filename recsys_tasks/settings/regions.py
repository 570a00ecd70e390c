"""Regions by two letters each: those whose phone numbers are known without a country's code."""

import re
from typing import Annotated, Final

from pydantic import AfterValidator, BeforeValidator
from pydantic_settings import NoDecode

# Where most texts in the languages of Europe and America come from, and more; others can be named.
PHONE_REGIONS: Final = (
    *("US", "GB", "DE", "FR", "ES", "IT", "NL", "PL", "SE", "BR", "IN", "AU", "JP"),
)


def _split(regions: object) -> object:
    return re.findall(r"[^\s,]+", regions.upper()) if isinstance(regions, str) else regions


def _known(regions: tuple[str, ...]) -> tuple[str, ...]:
    from recsys_tasks.texts.scrubbing import known_regions  # noqa: PLC0415 - takes a moment

    if unknown := sorted(set(regions) - known_regions()):
        message = f"{', '.join(unknown)} is no region: two letters each, as in US,DE"
        raise ValueError(message)
    return regions


Regions = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split), AfterValidator(_known)]
