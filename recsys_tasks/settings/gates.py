"""The gates by name, and what each does by default when it finds something."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal, get_args

from recsys_tasks.errors import BadSettings, did_you_mean

Action = Literal["hold", "warn"]  # readers keep what they have; or publish, and tell
Gate = Literal[
    "collapse",
    "coverage_collapse",
    "duplicate_items",
    "enough_users",
    "filtered_items",
    "live_recall",
    "metrics_drop",
    "no_lists",
    "one_list_for_all",
    "score_collapse",
    "scores_in_order",
    "seen_items",
    "short_lists",
    "stale_source",
    "unknown_items",
    "volume_drift",
]

# What may be right for once: the day was unusual, and lists that take it in serve better than
# lists of the day before.
_WARNING: Final = frozenset({
    "coverage_collapse",
    "live_recall",
    "metrics_drop",
    "score_collapse",
    "stale_source",
    "unknown_items",
    "volume_drift",
})
GATES: Final[Mapping[Gate, Action]] = MappingProxyType({
    gate: "warn" if gate in _WARNING else "hold" for gate in get_args(Gate)
})


def gate_called(name: str) -> Gate:
    """The gate of a name, with blanks or dashes too, as messages write it.

    Raises:
        BadSettings: There is none.
    """
    wanted = name.strip().replace(" ", "_").replace("-", "_")
    for gate in GATES:
        if gate == wanted:
            return gate
    nearest = did_you_mean(wanted, GATES) or f"; the gates are {', '.join(GATES)}"
    raise BadSettings(problem=f"{name!r} is no gate{nearest}")
