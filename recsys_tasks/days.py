"""Which behaviour day a run is about: the only place that answers it, whoever started the run."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from recsys_tasks.errors import BadSettings

ONE_DAY = timedelta(days=1)


def behaviour_day(context: Mapping[str, Any], now: datetime) -> date:
    """The behaviour day (UTC) of the run that an Airflow context describes.

    The first that applies: the `day` of the trigger form; a partition key; the day that the logical
    date names; the data interval's day; the day before the run may start. Logical date and interval
    are missing, not None, in a run that Airflow was told to start without a logical date.

    Args:
        context: Airflow's task context; read are dag, params, dag_run, partition_key, logical_date
            and the data interval's two ends.
        now: The present, with its time zone.

    Raises:
        BadSettings: The run's configuration holds a key that the form does not have, the day cannot
            be read, or it has not begun.
    """
    asked = day_of_form(context) or _day(context.get("partition_key"))
    return _begun(asked or _scheduled(context, now), now)


def day_so_far(context: Mapping[str, Any], now: datetime) -> date:
    """The day (UTC) that a run during the day is about: that of the form, else today.

    Args:
        context: Airflow's task context; read are dag, params and dag_run.
        now: The present, with its time zone.

    Raises:
        BadSettings: As for `behaviour_day`.
    """
    return _begun(day_of_form(context) or _utc(now).date(), now)


def day_of_form(context: Mapping[str, Any], field: str = "day") -> date | None:
    """The day that a field of the trigger form holds; None where it is empty.

    Raises:
        BadSettings: As for `form_of`; or it is no day.
    """
    return _day(form_of(context)[field])


def form_of(context: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the trigger form holds, or its defaults.

    Airflow takes any key of a run's configuration for a parameter; one that the form does not have
    is misspelt, and would pass in silence.

    Raises:
        BadSettings: There is such a key.
    """
    known = list(context["dag"].params)  # not their values: a field may have no default
    if unknown := sorted(set(context["dag_run"].conf or {}) - set(known)):
        takes = ", ".join(f"`{name}`" for name in known) or "nothing"
        raise BadSettings(problem=f"A run takes {takes} and no other key, not {', '.join(unknown)}")
    return {name: context["params"][name] for name in known}


def _begun(day: date, now: datetime) -> date:
    if day > _utc(now).date():
        raise BadSettings(problem=f"Day {day} has not begun")
    return day


def _day(text: str | None) -> date | None:
    """The day that a form or a partition key names; None for no text."""
    if not text:
        return None
    try:
        return date.fromisoformat(text[:10])
    except ValueError as error:
        raise BadSettings(problem=f"Day {text!r} is not a date like 2011-12-01") from error


def _scheduled(context: Mapping[str, Any], now: datetime) -> date:
    """The day that the run's logical date, data interval or start stands for."""
    since, until = context.get("data_interval_start"), context.get("data_interval_end")
    if since is None or until is None or since == until:
        # No data interval (a run started by an asset), or an empty one (a plain cron schedule).
        return _utc(context["dag_run"].run_after).date() - ONE_DAY
    # A scheduled run's logical date is the start of its interval. One started by hand for a date,
    # as by `airflow dags test`, gets the interval of the day before. So midnight names a day, and
    # any other instant is the moment of a click.
    logical = _utc(context["logical_date"])
    if logical.time() == time() and logical + ONE_DAY <= now:
        return logical.date()
    return _utc(since).date()


def _utc(instant: datetime) -> datetime:
    # The scheduler's instants are pendulum's: turned to UTC by astimezone they lose the zone as
    # soon as something is added to them.
    return datetime.fromtimestamp(instant.timestamp(), UTC)
