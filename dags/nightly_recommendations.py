"""Turn a day's behaviour into tomorrow's recommendations.

**What it does.** Every midnight (UTC) it takes the day that has just ended. It reads the day's
interactions from the source (`extract`), embeds new and changed texts (`embed_items`), sums up each
user's day (`accumulate`), adds it to what is known of them (`merge`), scores every item for every
user (`rank`), holds the lists against the gates (`check`), puts them before readers (`publish`) and
measures last night's lists on what users then did (`evaluate`). Each step is one transaction and
safe to repeat. What it connects to, and all else, stands in RECSYS_ variables: README, Settings.

**Run it for a day.** *Trigger*, then pick a day in the form; without one it takes the last day that
is over. For many days: *Backfill*. Any order gives the same totals: ledger, lock and watermark in
Postgres see to that. In a terminal:
`airflow dags test nightly_recommendations --conf '{"day": "2011-12-01"}'`

**When a step fails.** Readers keep the lists that they had. A lost connection is tried again by
itself, three times. What that cannot mend fails at once, and its message says what to do: do it,
then *Clear* the failed task. When `check` fails the lists look wrong, and the message names the
gates; most often the source is to blame. `ebbtide doctor` says what is wrong with an installation.
A night left out costs nothing but its lists: the next one takes the days that are missing.
"""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from airflow import sdk

from recsys_tasks import errors
from recsys_tasks.days import behaviour_day

STEPS = ("extract", "embed_items", "accumulate", "merge", "rank", "check", "publish", "evaluate")

# Trying again does not mend a wrong source, wrong settings or an old program.
HOPELESS: list[type[BaseException] | str] = [
    errors.BadSettings,
    errors.BadSource,
    errors.EmptyCatalogue,
    errors.NightRefused,
    errors.SchemaTooNew,
]
EVERY_TASK: dict[str, Any] = {
    "retries": 3,
    "retry_delay": timedelta(minutes=1),
    "retry_exponential_backoff": 2.0,
    "max_retry_delay": timedelta(minutes=15),
    "retry_policy": sdk.ExceptionRetryPolicy([sdk.RetryRule(HOPELESS, sdk.RetryAction.FAIL)]),
    "execution_timeout": timedelta(hours=3),
    # max_active_runs does not bound a backfill; nights side by side would only wait for the lock.
    "max_active_tis_per_dag": 1,
}


@sdk.dag(
    schedule=sdk.CronDataIntervalTimetable("0 0 * * *", timezone="UTC"),
    # Every night since is caught up with: set it to your first day.
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=True,
    max_active_runs=1,
    dagrun_timeout=timedelta(hours=12),
    default_args=EVERY_TASK,
    doc_md=__doc__,
    tags=["ebbtide"],
    params={"day": sdk.Param(None, type=["null", "string"], format="date", title="Behaviour day")},
)
def nightly_recommendations() -> None:  # noqa: D103 (the manual is the module's docstring)
    @sdk.task
    def resolve_day() -> str:
        return behaviour_day(sdk.get_current_context(), datetime.now(UTC)).isoformat()

    @sdk.task(multiple_outputs=False)
    def run_step(step: str, day: str) -> dict[str, int]:
        from recsys_tasks import nightly

        return nightly.run_step(step, date.fromisoformat(day))

    day: Any = resolve_day()  # Airflow replaces it by its result when a step runs
    sdk.chain(day, *(run_step.override(task_id=step)(step, day) for step in STEPS))


nightly_recommendations()
