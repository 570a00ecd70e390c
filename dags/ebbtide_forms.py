"""The trigger forms of the DAGs, and what is made of what they hold.

Each DAG has a form of its own: Airflow writes what a run was given into it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import TYPE_CHECKING, Any

import structlog
from airflow import sdk
from airflow.sdk.exceptions import AirflowSkipException

if TYPE_CHECKING:
    from ebbtide_wiring import Tenant

    from recsys_tasks.rehearsing import Rehearsal
    from recsys_tasks.settings import Settings

Form = dict[str, sdk.Param]
log = structlog.get_logger()


def night_form() -> Form:
    """What a night can be asked for."""
    return {
        "day": _day("Behaviour day", _OF_NIGHT),
        "refresh_days": _field(
            None,
            "Users active within days",
            "Lists only for users who did something within so many days; the others keep theirs."
            " Empty: as `RECSYS_REFRESH_DAYS` says.",
            type=["null", "integer"],
            minimum=1,
        ),
        "variants": _field(
            None,
            "Variants",
            "Variants of `RECSYS_VARIANTS` to make lists by, one a line; users of the others are"
            " shown the default. Empty: all of them.",
            type=["null", "array"],
            items={"type": "string"},
        ),
        "despite": _field(
            None,
            "Despite gates",
            "Gates whose findings are let through for this day, one a line, as the failed `check`"
            " names them. The ledger says so. Empty: none.",
            type=["null", "array"],
            items={"type": "string"},
        ),
        "dry_run": _switch("Dry run", _OF_DRY_RUN),
    }


def refresh_form() -> Form:
    """What a refresh can be asked for."""
    return {
        "day": _day("Day", "A day (UTC) whose night has not run. Empty: today."),
        "active_days": _field(
            1,
            "Users active within days",
            "New lists for users who did something within so many days; 1: on the day itself.",
            type="integer",
            minimum=1,
        ),
        "dry_run": _switch("Dry run", _OF_DRY_RUN),
    }


def training_form() -> Form:
    """What a training can be asked for."""
    serve = "Otherwise the new model serves only if it beats the serving one beyond noise."
    second_stage = "Train what ranks the first stage's candidates again, as well."
    ablations = "Then say what each part of the model is worth: eight trainings more, or so."
    return {
        "until": _day("Until", "The day after the last to learn from. Empty: all that there are."),
        "force": _switch("Let it serve in any case", serve),
        "second_stage": _switch("Second stage", second_stage, default=True),
        "ablations": _switch("Ablations", ablations),
        "seed": _field(0, "Seed", "Of everything random in it.", type="integer", minimum=0),
    }


def tuning_form() -> Form:
    """What a fine-tuning of the encoder can be asked for."""
    until = "The day after the last to learn from. Empty: all but the days it is then judged on."
    lora = "Train low-rank adapters in place of all weights; they are merged at the end."
    return {
        "name": _field(
            "tuned",
            "Name",
            "Of the new encoder, as in `gifts-2026-11`: not one that there is.",
            type="string",
            pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$",
        ),
        "base": _field(
            None, "Base", "An encoder by name. Empty: the one that serves.", type=["null", "string"]
        ),
        "until": _day("Until", until),
        "window": _field(
            7,
            "Window",
            "Days between two deeds of a user that are joined.",
            type="integer",
            minimum=0,
        ),
        "lora": _switch("Adapters", lora),
        "minutes": _field(
            60,
            "Minutes",
            "Training ends there, with what it has learned.",
            type="number",
            minimum=1,
            maximum=600,
        ),
        "seed": _field(0, "Seed", "Of everything random in it.", type="integer", minimum=0),
    }


def erasure_form() -> Form:
    """What an erasure has to be told."""
    user = "The source's user_id. **Everything** that is held of this user goes."
    again = "The same id: an erasure cannot be undone."
    return {
        "user_id": sdk.Param(type="string", minLength=1, title="User", description_md=user),
        "confirmation": sdk.Param(
            type="string", minLength=1, title="User, once more", description_md=again
        ),
        "from_source": _switch(
            "From the source too",
            "Delete the user from the tables that `ebbtide load` fills, as well. Any other source"
            " is only read: delete there yourself.",
        ),
        "leave_tombstone": _switch(
            "Keep out an unknown user",
            "Also where nothing is held of the user: a keyed hash keeps them out from now on.",
        ),
    }


_OF_NIGHT = (
    "The day (UTC) to take in; its lists are for the day after. Empty: the last day that is over."
    " A day that was done before is done again."
)
_OF_DRY_RUN = (
    "Does the work and takes it back; the first task's log and its XCom `report` tell what would"
    " be done. Nothing changes. It takes as long as the real run."
)


def _field(default: object, title: str, description: str, **schema: Any) -> sdk.Param:  # noqa: ANN401  JSON Schema
    return sdk.Param(default, title=title, description_md=description, **schema)


def _day(title: str, description: str) -> sdk.Param:
    return _field(None, title, description, type=["null", "string"], format="date")


def _switch(title: str, description: str, *, default: bool = False) -> sdk.Param:
    return _field(default, title, description, type="boolean")


def settings_of_night(tenant: "Tenant") -> "Settings":
    """The settings, with what the night's form changes."""
    from recsys_tasks.settings import with_variants

    form: dict[str, Any] = sdk.get_current_context()["params"]
    settings = tenant.settings(refresh_days=form["refresh_days"])
    chosen = form["variants"]
    return settings if chosen is None else with_variants(settings, chosen)


def settings_to_run(tenant: "Tenant") -> "Settings":
    """The night's settings, for a task that changes something: in a dry run it ends here."""
    skip_if_dry()
    return settings_of_night(tenant)


def begin_night(tenant: "Tenant", day: date) -> str:
    """Do what the night's form asks for before the first step: open gates, or rehearse the night.

    What the form cannot mean is refused.

    Returns:
        The day, as tasks hand it on.
    """
    settings = settings_of_night(tenant)
    if is_dry():
        from recsys_tasks.rehearsing import rehearse_night

        report(rehearse_night(settings, day))
    else:
        from recsys_tasks import nightly

        nightly.open_gates(day, settings, sdk.get_current_context()["params"]["despite"] or ())
    return day.isoformat()


def is_dry() -> bool:
    """Whether the run is a dry one."""
    return bool(sdk.get_current_context()["params"]["dry_run"])


def skip_if_dry() -> None:
    """End a task that would change something, in a dry run; those after it are skipped too.

    Raises:
        AirflowSkipException: The run is a dry one.
    """
    if is_dry():
        message = "a dry run: nothing is changed, and the report tells what would be"
        raise AirflowSkipException(message)


def skip_unless(field: str) -> None:
    """End a task that was not asked for.

    Raises:
        AirflowSkipException: The switch of this name was left off.
    """
    if not sdk.get_current_context()["params"][field]:
        message = f"not asked for: {field} is off"
        raise AirflowSkipException(message)


@contextmanager
def skipped_by(*kinds: type[Exception]) -> Iterator[None]:
    """End the task as skipped, with the reason in its log, where one of these is raised."""
    try:
        yield
    except kinds as error:
        raise AirflowSkipException(str(error)) from error


def report(rehearsal: "Rehearsal") -> None:
    """Tell what a dry run found: in the task's log, and as its XCom."""
    found = rehearsal._asdict() | {"notes": list(rehearsal.notes)}
    log.info("dry run", **found)
    sdk.get_current_context()["ti"].xcom_push("report", found)
