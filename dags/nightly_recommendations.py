"""Turn a day's behaviour into tomorrow's recommendations.

**What it does.** Every midnight (UTC) it takes the day that has just ended. It reads the day's
interactions from the source (`extract`), embeds new and changed texts (`embed_items`), sums up each
user's day (`accumulate`), adds it to what is known of them (`merge`), scores every item for every
user (`rank`, in shards), holds the lists against the gates (`check`), puts them before readers
(`publish`), names interests (`topics`) and measures last night's lists on the day (`evaluate`).

**Run it for a day.** *Trigger*, and pick a day; without one it takes the last that is over. For
many days: *Backfill*. Any order gives the same totals. `Dry run` tells what a night would do.

**When a step fails.** Readers keep the lists that they had. A lost connection is tried again by
itself, three times. What that cannot mend fails at once, and its message says what to do: do it,
then *Clear* the failed task. When `check` fails, most often the source is to blame; if not, trigger
the day with the gate in *Despite gates*. A night left out costs nothing but its lists.

**Others can follow.** `publish` updates the asset `ebbtide_lists`, a partition a day.
"""

from datetime import UTC, date, datetime
from typing import Any

from airflow import sdk
from ebbtide_forms import begin_night, night_form, settings_to_run
from ebbtide_wiring import Tenant, announce, tenants, testable

from recsys_tasks.days import behaviour_day


def define(tenant: Tenant) -> None:
    """Make a tenant's DAG."""
    lists, model = tenant.asset("ebbtide_lists"), tenant.asset("ebbtide_model")

    @sdk.task
    def resolve_day() -> str:
        day = behaviour_day(sdk.get_current_context(), datetime.now(UTC))
        return begin_night(tenant, day)

    @sdk.task
    def plan_shards(day: str) -> list[int]:
        from recsys_tasks import nightly

        return nightly.plan_shards(date.fromisoformat(day), settings_to_run(tenant))

    @sdk.task(multiple_outputs=False)
    def run_step(step: str, day: str, shard: int | None = None) -> dict[str, int]:
        from recsys_tasks import nightly

        counts = nightly.run_step(step, date.fromisoformat(day), settings_to_run(tenant), shard)
        if step == "publish":
            announce(lists, tenant.settings(), day)
            tenant.tell_of_warnings(day)
        return tenant.measured(step, counts)

    @sdk.dag(
        dag_id=tenant.called("nightly_recommendations"),
        schedule=sdk.CronDataIntervalTimetable("0 0 * * *", timezone="UTC"),
        catchup=True,
        deadline=tenant.deadline(),
        params=night_form(),
        **tenant.every_dag(__doc__),
    )
    def nightly_recommendations() -> None:
        def step(name: str, **edges: Any) -> Any:  # noqa: ANN401  what Airflow makes of a task
            return run_step.override(task_id=name, **edges)(name, day)

        day: Any = resolve_day()  # Airflow replaces it by its result when a step runs
        shards: Any = plan_shards(day)
        at_once = run_step.override(task_id="rank", inlets=[model], max_active_tis_per_dag=None)
        rank = at_once.partial(step="rank", day=day).expand(shard=shards)
        before = map(step, ("extract", "embed_items", "accumulate", "merge"))
        lists_out = (step("check"), step("publish", outlets=[lists]))
        sdk.chain(day, *before, shards, rank, *lists_out, *map(step, ("topics", "evaluate")))

    testable(nightly_recommendations())


for each in tenants():
    define(each)
