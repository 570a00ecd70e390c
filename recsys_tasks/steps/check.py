"""The gates before publishing: each file of sql/checks finds what is wrong with a draft.

A gate holds the night, or warns: the night is published, and the ledger's notes of `check` and
`publish` say what was found. A person may open a gate for one night (`open_gates`); the notes say
that too, and who did it.
"""

from collections.abc import Collection, Iterator
from datetime import date
from typing import Final, NamedTuple

from recsys_tasks.errors import NightRefused, NightUnfinished
from recsys_tasks.settings import GATES, Action, Gate, Settings
from recsys_tasks.steps import Counts, live_recall
from recsys_tasks.steps.rank.variants import reorders
from recsys_tasks.warehouse import Session
from recsys_tasks.warehouse.queries import checks

WARNING: Final = "warning of gate"  # how a note begins that alerts tell of
OPENED: Final = "gate opened"


class Finding(NamedTuple):
    """What a gate found.

    Attributes:
        gate: Its name.
        text: What is wrong, and the setting that says from where on.
    """

    gate: Gate
    text: str

    def __str__(self) -> str:
        """As messages tell it."""
        return f"{self.gate.replace('_', ' ')}: {self.text}"


def run(session: Session, settings: Settings, day: date) -> Counts:
    """Look at what the night's run drafted.

    Raises:
        NightUnfinished: A shard of the lists is not made yet.
        NightRefused: A gate that holds found something; the message names it.
    """
    before = len(session.notes)
    for (night,) in session.rows("drafted_nights", day=day)[-1:]:
        live_recall.measure(session, settings, night)
    nights = good_drafts(session, settings, day)
    counts = {"nights": len(nights), "gates": len(checks())}
    n_notes = len(session.notes) - before
    return {**counts, "warnings": n_notes} if n_notes else counts


def good_drafts(session: Session, settings: Settings, day: date) -> list[date]:
    """The nights that the run of `day` drafted, ascending: every gate lets them through.

    Raises:
        NightUnfinished: A shard of the lists is not made yet.
        NightRefused: A gate that holds, and that nobody opened, does not.
    """
    left, n_shards = session.rows("shards_left", night=day)[0]
    if left:
        raise NightUnfinished(night=day, left=f"{len(left)} of {n_shards}", shards=left)
    nights = [night for (night,) in session.rows("drafted_nights", day=day)]
    opened = {gate: (who, when) for gate, who, when in session.rows("gate_overrides", day=day)}
    held = []
    for finding in _findings(session, settings, nights):
        if finding.gate in opened:
            who, when = opened[finding.gate]
            session.note(f"{OPENED} by {who} at {when:%Y-%m-%d %H:%M} UTC: {finding}")
        elif action_of(settings, finding.gate) == "warn":
            session.note(f"{WARNING} {finding}")
        else:
            held.append(finding)
    if held:
        raise NightRefused(night=day, reasons="; ".join(map(str, held)))
    return nights


def action_of(settings: Settings, gate: Gate) -> Action:
    """What a gate does when it finds something."""
    return settings.gates.get(gate, GATES[gate])


def open_gates(session: Session, day: date, gates: Collection[Gate]) -> None:
    """Let what these gates find pass for the run of one day, and write down who said so."""
    for gate in gates:
        session.execute("insert_gate_override", day=day, gate=gate)


def _findings(session: Session, settings: Settings, nights: list[date]) -> Iterator[Finding]:
    """What each gate finds, in the order of their names."""
    limits = {
        "nights": nights,
        "list_length": settings.list_length,
        "refresh_days": settings.refresh_days,
        "enough_users": settings.enough_users,
        "enough_overlap": settings.enough_overlap,
        "enough_coverage": settings.enough_coverage,
        "enough_spread": settings.enough_spread,
        "metrics_drop": settings.metrics_drop,
        "volume_drift": settings.volume_drift,
        "unknown_items": settings.unknown_items,
        "stale_hours": settings.stale_hours,
        "enough_recall": settings.enough_recall,
        "reorders": reorders(settings),
    }
    for gate in GATES:
        for (text,) in session.select(checks()[gate], limits):
            yield Finding(gate, text)
