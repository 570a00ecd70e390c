"""How much disk a tenant takes, now and after some nights."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from recsys_tasks.planning.measured import MeasuredNight
from recsys_tasks.planning.sizes import Sizes
from recsys_tasks.settings import Settings
from recsys_tasks.warehouse import Session

FEW = 1_000  # rows, of which the bytes of one cannot be told


class Disk(NamedTuple):
    """Bytes.

    Attributes:
        standing: What stands before the next night: the tables as they are, or, before the first
            night, what users and items take.
        a_night: What a night adds.
        after: What stands after `nights` more nights.
        nights: That `after` is told for.
        a_user: What a user takes for good, apart from lists and behaviour.
    """

    standing: float
    a_night: float
    after: float
    nights: int
    a_user: float


def plan_disk(
    session: Session,
    settings: Settings,
    sizes: Sizes,
    measured: Sequence[MeasuredNight],
    nights: int,
) -> Disk:
    """Tell what the tables of a tenant of a size take; a day that is not kept leaves as one comes.

    Args:
        session: On the schema.
        settings: Say what is kept.
        sizes: Of the tenant.
        measured: Nights whose rows' bytes stand in where there are few rows here.
        nights: How many more to look ahead.
    """
    tables = {name: (rows, size) for name, rows, size in session.rows("plan_tables")}
    each = _row_bytes(tables, measured)
    of_users = sizes.users * _sum(each, {"users": 1, "interest_totals": sizes.half_lives})
    standing = of_users + _sum(each, _of_items(sizes))
    if tables.get("recommendation_lists", (0, 0))[0] > 0:
        standing = sum(size for _, size in tables.values())
    lists, behaviour = (
        _sum(each, {"recommendation_lists": sizes.ranked}),
        _sum(each, _of_day(sizes, is_noised=settings.privacy is not None)),
    )
    has = tables.get("recommendation_lists", (0, 0))[0] / max(sizes.ranked, 1)
    of_lists = min(nights, max(settings.keep_nights - has, 0)) * lists
    kept = nights if settings.keep_events is None else min(nights, settings.keep_events)
    return Disk(
        standing=standing,
        a_night=lists + behaviour,
        after=standing + of_lists + kept * behaviour,
        nights=nights,
        a_user=of_users / max(sizes.users, 1),
    )


def _of_items(n: Sizes) -> dict[str, float]:
    """Rows that items have for good."""
    tables = ("items", "texts", "text_vectors", "item_vectors", "item_neighbours")
    return dict.fromkeys(tables, n.items)


def _of_day(n: Sizes, *, is_noised: bool) -> dict[str, float]:
    """Rows that a day brings, apart from lists; every item has noise, whoever took to it."""
    return {
        "interactions": n.events,
        "daily_interests": n.active * n.half_lives,
        "interests": n.active * n.half_lives,
        "daily_trends": n.items if is_noised else min(n.items, n.events),
    }


def _row_bytes(
    tables: Mapping[str, tuple[float, float]], measured: Sequence[MeasuredNight]
) -> dict[str, float]:
    """Bytes of a row of each table, by this database where it has enough of them."""
    names = {name for night in measured for name in night.row_bytes}
    told = {
        name: float(np.median([n.row_bytes[name] for n in measured if name in n.row_bytes]))
        for name in names
    }
    return told | {name: size / rows for name, (rows, size) in tables.items() if rows >= FEW}


def row_bytes(session: Session) -> dict[str, float]:
    """Bytes of a row of each table that has enough of them."""
    tables = {name: (rows, size) for name, rows, size in session.rows("plan_tables")}
    return _row_bytes(tables, ())


def _sum(each: Mapping[str, float], rows: Mapping[str, float]) -> float:
    return sum(each.get(name, 0.0) * n for name, n in rows.items())
