"""What the DAGs share: tenants, retries, time limits, alerts, assets and figures."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import structlog
from airflow import sdk
from airflow.sdk.definitions.callback import AsyncCallback
from airflow.sdk.definitions.deadline import DeadlineAlert, DeadlineReference
from airflow.sdk.observability.stats import Stats
from pydantic import JsonValue, ValidationError

from recsys_tasks import errors
from recsys_tasks.days import behaviour_day
from recsys_tasks.operation import Operation
from recsys_tasks.tenants import tenant_names

if TYPE_CHECKING:
    from recsys_tasks.modelling import Comparison, Outcome, Trial
    from recsys_tasks.settings import Settings

log = structlog.get_logger()

# Trying again does not mend a wrong source, wrong settings or an old program.
HOPELESS: Final[list[type[BaseException] | str]] = [
    errors.BadSettings,
    errors.BadSource,
    errors.BrokenEncoder,
    errors.BrokenModel,
    errors.EmptyCatalogue,
    errors.ErasureIncomplete,
    errors.ErasureKeyMissing,
    errors.NightRefused,
    errors.NothingHeld,
    errors.SchemaTooNew,
    errors.UnknownEncoder,
]
STEP_LIMIT: Final = timedelta(hours=3)
RUN_LIMIT: Final = timedelta(hours=12)  # so long a later night waits for one that hangs


class Tenant(NamedTuple):
    """Whose DAGs they are.

    Attributes:
        name: As in RECSYS_TENANTS; None where the environment's settings are the only ones.
        operation: How its DAGs run.
    """

    name: str | None
    operation: Operation

    def called(self, name: str) -> str:
        """The name of a DAG, or of an asset, of this tenant's own."""
        return name if self.name is None else f"{name}-{self.name}"

    def gpu_pool(self) -> str:
        """The pool of tasks that want a GPU."""
        return self.operation.gpu_pool or self.operation.pool

    def asset(self, name: str) -> sdk.Asset:
        """An asset of this tenant's own."""
        return sdk.Asset(self.called(name))

    def settings(self, **changes: object) -> "Settings":
        """All settings, which are read when a task runs; a change of None is none."""
        from recsys_tasks.settings import read_settings

        return read_settings(tenant=self.name, **changes)

    def every_dag(self, manual: str | None) -> dict[str, Any]:
        """What every DAG is made with."""
        return {
            "start_date": datetime.combine(self.operation.first_day, time(), UTC),
            "max_active_runs": 1,
            "dagrun_timeout": RUN_LIMIT,
            "default_args": self._every_task(),
            "on_failure_callback": self._tell_of_run,
            "doc_md": manual,
            "tags": ["ebbtide", *([self.name] if self.name else [])],
        }

    def _every_task(self) -> dict[str, Any]:
        hopeless = sdk.RetryRule(HOPELESS, sdk.RetryAction.FAIL)
        return {
            "retries": 3,
            "retry_delay": timedelta(minutes=1),
            "retry_exponential_backoff": 2.0,
            "max_retry_delay": timedelta(minutes=15),
            "retry_policy": sdk.ExceptionRetryPolicy([hopeless]),
            "execution_timeout": STEP_LIMIT,
            # max_active_runs does not bound a backfill; nights side by side would only wait for
            # the lock.
            "max_active_tis_per_dag": 1,
            "pool": self.operation.pool,
            "on_failure_callback": self._tell_of_task,
        }

    def deadline(self) -> DeadlineAlert | None:
        """The alert for lists that are late; a day's are due on the day after."""
        due = self.operation.published_after
        if due is None:
            return None
        tell = AsyncCallback("recsys_tasks.alerting.tell_if_late", {"tenant": self.name})
        midnight = DeadlineReference.DAGRUN_LOGICAL_DATE
        return DeadlineAlert(midnight, timedelta(days=1) + due, tell, name="lists are late")

    def measured(self, task: str, counts: Mapping[str, int]) -> dict[str, int]:
        """Hand what a task did to Airflow's metrics, and on."""
        for name, n in counts.items():
            tags = {"tenant": self.name} if self.name else None
            Stats.gauge(f"ebbtide.{task}.{name}", n, tags=tags)
        return dict(counts)

    def _tell_of_task(self, context: Mapping[str, Any]) -> None:
        from recsys_tasks.alerting import send, stopped_task

        error = context.get("exception")
        send(stopped_task(self._facts(context), error, self._serving()), self.operation)

    def _tell_of_run(self, context: Mapping[str, Any]) -> None:
        from recsys_tasks.alerting import send, stopped_run

        # Of a failed task, its own alert has told.
        if context.get("reason") == "timed_out":
            send(stopped_run(self._facts(context), self._serving()), self.operation)

    def tell_of_warnings(self, day: str) -> None:
        """Send an alert if a night was published though a gate found something."""
        from recsys_tasks.alerting import send, warned_night
        from recsys_tasks.serving import warnings_of

        warnings = warnings_of(self.settings(), date.fromisoformat(day))
        if warnings:
            facts = self._facts(sdk.get_current_context())
            send(warned_night(facts, warnings, self._serving()), self.operation)

    def _facts(self, context: Mapping[str, Any]) -> dict[str, str]:
        """What an alert says of a run; Airflow knows less of one whose process has died."""
        task = context.get("task_instance")
        facts = {
            "dag": context["dag"].dag_id,
            "run": str(context.get("run_id") or ""),
            "task": task.task_id if task else "",
            "tenant": self.name or "",
            "link": getattr(task, "log_url", ""),
        }
        if "resolve_day" in context["dag"].task_ids:
            try:
                facts["day"] = str(behaviour_day(context, datetime.now(UTC)))
            except (errors.BadSettings, KeyError):
                log.info("the run is about no day", run=facts["run"])
        return facts

    def _serving(self) -> str:
        """What readers are shown; also where settings are what is wrong."""
        from recsys_tasks.serving import serving_in_words

        try:
            return serving_in_words(self.settings())
        except errors.BadSettings as error:
            return f"Nobody can tell: {error}"


def tenants() -> list[Tenant]:
    """Whoever is to have DAGs.

    Raises:
        BadSettings: RECSYS_TENANTS names a folder without tenants.
    """
    shared = Tenant(None, _operation(None))
    folder = shared.operation.tenants
    if folder is None:
        return [shared]
    one = shared.operation.tenant
    names = [one] if one else tenant_names(folder)
    return [Tenant(name, _operation(folder / f"{name}.env")) for name in names]


def _operation(file: Path | None) -> Operation:
    """How to run; by the defaults where settings are wrong: the first task then says why.

    So one tenant's mistake leaves the DAGs of the others where they are.
    """
    try:
        return Operation(_env_file=file)
    except ValidationError:
        return Operation.model_construct()


def testable(dag: sdk.DAG) -> None:
    """Let `airflow dags test` run a DAG that has a deadline.

    Airflow 3.3.2 ends such a run in an error (apache/airflow#73428).
    """
    test = dag.test

    def test_without_deadline(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401  as it is
        dag.deadline = None
        return test(*arguments, **named)

    dag.test = test_without_deadline  # type: ignore[method-assign]


def announce(lists: sdk.Asset, settings: "Settings", day: str) -> None:
    """Give the asset a partition for each night that a run published, and the figures of its own.

    To be called in a task that has the asset among its outlets.
    """
    from recsys_tasks.serving import nights_published_with

    nights = nights_published_with(settings, date.fromisoformat(day))
    event = sdk.get_current_context()["outlet_events"][lists]
    event.add_partitions([day, *(str(served.night) for served in nights)])
    figures: dict[str, JsonValue] = {
        str(served.night): {"lists": served.n_lists} for served in nights
    }
    event.extra = {
        "day": day,
        "model": nights[0].model_id if nights else None,
        "nights": figures,
    }


def announce_model(model: sdk.Asset, outcome: "Outcome") -> dict[str, JsonValue]:
    """Give the asset what became of a training, and hand it on."""
    figures: dict[str, JsonValue] = {"model": outcome.model_id, "serves": outcome.serves}
    return _announce(model, figures, outcome.comparison)


def announce_encoder(encoder: sdk.Asset, name: str, trial: "Trial") -> dict[str, JsonValue]:
    """Give the asset what became of a fine-tuning, and hand it on."""
    return _announce(encoder, {"encoder": name, "serves": trial.serves}, trial.comparison)


def _announce(
    asset: sdk.Asset, figures: dict[str, JsonValue], found: "Comparison | None"
) -> dict[str, JsonValue]:
    if found:
        figures |= {"ndcg_difference": found.difference, "ci": [found.ci_low, found.ci_high]}
    sdk.get_current_context()["outlet_events"][asset].extra = figures
    return figures
