"""Alerts: what happened, what still serves and what to do, for the log, a webhook and e-mail."""

from recsys_tasks.alerting.alerts import (
    Alert,
    late_lists,
    stopped_run,
    stopped_task,
    warned_night,
)
from recsys_tasks.alerting.deadlines import tell_if_late
from recsys_tasks.alerting.sending import send

__all__ = [
    "Alert",
    "late_lists",
    "send",
    "stopped_run",
    "stopped_task",
    "tell_if_late",
    "warned_night",
]
