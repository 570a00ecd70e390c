"""The alert for lists that are late: Airflow's triggerer calls it when a night's time is over.

Airflow imports it wherever it parses the DAG: what is heavy is imported when it is called.
"""

import asyncio
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from recsys_tasks.alerting.alerts import Alert, late_lists
from recsys_tasks.alerting.sending import send
from recsys_tasks.errors import EbbtideError

if TYPE_CHECKING:
    from recsys_tasks.settings import Settings


async def tell_if_late(context: Mapping[str, Any], tenant: str | None = None) -> None:
    """Send an alert if a night's lists are due and not published.

    Args:
        context: Airflow's: `dag_run`, as its REST API shows it.
        tenant: Whose night it is; None for the environment's.
    """
    await asyncio.to_thread(_tell_if_late, context["dag_run"], tenant, datetime.now(UTC))


def _tell_if_late(run: Mapping[str, Any], tenant: str | None, now: datetime) -> None:
    from recsys_tasks.settings import read_settings  # noqa: PLC0415  see above

    settings = read_settings(tenant=tenant)
    alert = lateness(settings, run, now)
    if alert:
        send(alert, settings)


def lateness(settings: "Settings", run: Mapping[str, Any], now: datetime) -> Alert | None:
    """The alert that a run is late; None where readers have its lists, or do not wait for them.

    They wait for the last day that is over. A run that catches up with an earlier one has long
    passed its time, and a run by hand has none.
    """
    from recsys_tasks.serving import serving_in_words  # noqa: PLC0415  see above

    day = _scheduled_day(run)
    wanted = now.astimezone(UTC).date() - timedelta(days=1)
    if day != wanted or _is_served(settings, wanted):
        return None
    facts = {
        "dag": str(run["dag_id"]),
        "run": str(run.get("dag_run_id") or run.get("run_id") or ""),
        "state": str(run.get("state")),
        "tenant": settings.tenant or "",
        "day": str(day),
    }
    return late_lists(facts, wanted, settings.publish_by, serving_in_words(settings))


def _scheduled_day(run: Mapping[str, Any]) -> date | None:
    """The day of a run that the schedule made: its logical date is a midnight."""
    if not run.get("logical_date"):
        return None
    logical = datetime.fromisoformat(run["logical_date"]).astimezone(UTC)
    return logical.date() if logical.time() == time() else None


def _is_served(settings: "Settings", day: date) -> bool:
    """Whether readers have a day's lists; nobody knows where the database does not answer."""
    from recsys_tasks.serving import served_night  # noqa: PLC0415  see above

    try:
        served = served_night(settings)
    except EbbtideError:
        return False
    return served is not None and served.night >= day
