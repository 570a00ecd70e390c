"""Baselines, each tuned on the days before the window: what a variant has to beat."""

from typing import Final

import structlog

from recsys_tasks.evaluation.baselines.als import ials
from recsys_tasks.evaluation.baselines.blend import blend
from recsys_tasks.evaluation.baselines.ease import ease
from recsys_tasks.evaluation.baselines.neighbours import item_knn
from recsys_tasks.evaluation.baselines.popularity import Popular
from recsys_tasks.evaluation.protocol import Scorer

__all__ = ["Popular", "baselines", "blend", "ease", "ials", "item_knn", "popularity_baselines"]

log = structlog.get_logger()

HALF_LIVES: Final = (1, 3, 7, 14, 30)
EASE_MAX_ITEMS: Final = 15_000


def popularity_baselines() -> list[Popular]:
    """`popular` and `decayed_popular_<days>`: cheap enough for every night."""
    return [Popular(), *(Popular(half_life) for half_life in HALF_LIVES)]


def baselines(n_items: int) -> list[Scorer]:
    """All baselines for a catalogue of `n_items`, in the order in which they are to be fitted.

    EASE, and so the blend, needs a dense matrix of all items: above 15,000 both are left out.
    """
    found: list[Scorer] = [*popularity_baselines(), item_knn(), ials()]
    if n_items > EASE_MAX_ITEMS:
        log.warning("left out ease and blend", n_items=n_items, at_most=EASE_MAX_ITEMS)
        return found
    linear = ease()
    return [*found, linear, blend(linear)]
