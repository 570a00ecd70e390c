"""What each part of the model is worth, as `ebbtide models ablate` found it."""

from collections.abc import Mapping
from typing import Any

from ebbtide_pages.content import Cell, Chart, Column, Series, Table


def ablations(validation: Mapping[str, Any]) -> Table:
    """What was measured while the model served, from the column `validation`."""
    found = validation.get("ablations")
    rows = found["rows"] if found else []
    cells: list[tuple[Cell, ...]] = [
        tuple(row[name] for name in ("without", "ndcg", "difference", "ci_low", "ci_high"))
        for row in rows
    ]
    parts = rows[1:]  # the first goes without nothing: it is the whole model
    names, values, lows, highs = (
        tuple(part[name] for part in parts)
        for name in ("without", "difference", "ci_low", "ci_high")
    )
    drawn = Series("without it", names, values, lows, highs)
    return Table(
        "ablations",
        "What each part is worth",
        (
            *(Column("without"), Column("NDCG@10", "score"), Column("difference", "signed")),
            *(Column("from", "signed"), Column("to", "signed")),
        ),
        cells,
        empty="Not measured while this model served: `ebbtide models ablate`, or the switch"
        " *Ablations* in the form of train_interest_model.",
        note=_note(found) if found else "",
        chart=Chart(
            "intervals", "Difference in NDCG@10 without it", "difference in NDCG@10", (drawn,)
        )
        if parts
        else None,
    )


def _note(found: Mapping[str, Any]) -> str:
    return (
        f"First stages, trained without the part on what precedes {found['since']}, on"
        f" {found['n']:,} user-days of {found['since']} until {found['until']}, beside the whole"
        " one. Below 0: the part is worth something."
    )
