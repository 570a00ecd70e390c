"""Give users who are active today new lists, from what the day has brought so far.

**What it does.** At every full hour (UTC) but midnight, which is the night's, it takes today's
interactions and makes new lists for whoever did something today. They stand until tonight's night
replaces them exactly, as if they had never been. Other lists, trends and what strangers are shown
stay last night's. Before the first night there is nothing to refresh: the task is skipped.

**How long events take.** The task's result, and the metrics `ebbtide.refresh.*`, tell how many
events are new and how many seconds passed from what a user did to the list that knows it: the
median and the longest.

**Run it now.** *Trigger*. `Dry run` tells what it would do, and changes nothing.

**When a step fails.** Users keep the lists that they had; the next hour tries again. The message
says what to do. `ebbtide doctor` says what is wrong with an installation.

**Others can follow.** It updates the asset `ebbtide_lists_today`: docs/airflow.md.
"""

from datetime import UTC, datetime, timedelta

from airflow import sdk
from airflow.sdk.exceptions import AirflowSkipException
from ebbtide_forms import is_dry, refresh_form, report, skip_if_dry
from ebbtide_wiring import Tenant, tenants

from recsys_tasks.days import day_so_far, form_of


def define(tenant: Tenant) -> None:
    """Make a tenant's DAG."""
    today = tenant.asset("ebbtide_lists_today")

    @sdk.task(outlets=[today], execution_timeout=timedelta(hours=1), multiple_outputs=False)
    def refresh() -> dict[str, int]:
        from recsys_tasks.nightly import run_refresh
        from recsys_tasks.rehearsing import rehearse_refresh
        from recsys_tasks.serving import served_night

        context, settings = sdk.get_current_context(), tenant.settings()
        day, active_days = day_so_far(context, datetime.now(UTC)), form_of(context)["active_days"]
        if served_night(settings) is None:
            message = "no night is published yet: its lists are what is refreshed"
            raise AirflowSkipException(message)
        if is_dry():
            report(rehearse_refresh(settings, day, active_days))
            skip_if_dry()
        counts = tenant.measured("refresh", run_refresh(settings, day, active_days))
        context["outlet_events"][today].extra = {"day": str(day), **counts}
        return counts

    @sdk.dag(
        dag_id=tenant.called("refresh_today"),
        schedule=sdk.CronTriggerTimetable("0 1-23 * * *", timezone="UTC"),
        catchup=False,
        params=refresh_form(),
        **tenant.every_dag(__doc__),
    )
    def refresh_today() -> None:
        refresh()

    refresh_today()


for each in tenants():
    define(each)
