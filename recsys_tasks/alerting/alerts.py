"""What an alert says."""

from collections.abc import Mapping
from datetime import date
from typing import NamedTuple

from recsys_tasks.errors import EbbtideError


class Alert(NamedTuple):
    """What its reader has to know, and nothing that is to be looked up first.

    Attributes:
        title: One line.
        happened: What went wrong.
        serves: What readers are shown meanwhile.
        remedy: What to do.
        facts: The same for a machine: dag, task, run, tenant, day, link, where they are known.
    """

    title: str
    happened: str
    serves: str
    remedy: str
    facts: Mapping[str, str]

    @property
    def text(self) -> str:
        """All of it, for people."""
        parts = (
            self.title,
            f"What happened: {self.happened}",
            f"What still serves: {self.serves}",
            f"What to do: {self.remedy}",
            self.facts.get("link", ""),
        )
        return "\n\n".join(filter(None, parts))


def stopped_task(facts: Mapping[str, str], error: BaseException | str | None, serves: str) -> Alert:
    """A task that failed for good: its retries are used up, or could not have helped.

    Args:
        facts: See Alert.
        error: What the task, or Airflow, says of it; None where the process ended without a word.
        serves: What readers are shown.
    """
    again = f"clear task {facts['task']} in Airflow: it and what comes after it run again"
    if isinstance(error, EbbtideError):
        remedy = f"Do what the message says, then {again}."
    elif error is None or isinstance(error, str):
        remedy = (
            f"The process may have been killed, as when memory runs out: look at the machine and at"
            f" the task's log, then {again}."
        )
    else:
        remedy = (
            f"Read the task's log, and ask `ebbtide doctor` what is wrong with the installation;"
            f" then {again}."
        )
    return Alert(
        f"Ebbtide: {facts['task']} of {_run_of(facts)} failed",
        _in_words(error) or "The task ended without a word.",
        serves,
        remedy,
        facts,
    )


def stopped_run(facts: Mapping[str, str], serves: str) -> Alert:
    """A run that Airflow ended because it took too long."""
    return Alert(
        f"Ebbtide: {_run_of(facts)} took too long",
        "The run reached its time limit, so Airflow ended it and lets later runs begin.",
        serves,
        "See in Airflow which task ran or waited, and why; then clear it, or leave it: the next"
        " night takes the days that are missing.",
        facts,
    )


def late_lists(facts: Mapping[str, str], day: date, publish_by: str, serves: str) -> Alert:
    """Lists that are not published at the time that they are due."""
    return Alert(
        f"Ebbtide: the lists of night {day} are late",
        f"They are not published at {publish_by} UTC; {_run_of(facts)} is"
        f" {facts.get('state', 'unknown')}.",
        serves,
        "Open the run in Airflow. A failed step says why: mend it, then clear it. One that still"
        " runs, or waits, needs time. `ebbtide doctor` says what is wrong with the installation.",
        facts,
    )


def warned_night(facts: Mapping[str, str], warnings: str, serves: str) -> Alert:
    """Lists that are published though a gate found something that is to be known.

    Args:
        facts: See Alert.
        warnings: What the ledger notes of the step `publish`.
        serves: What readers are shown.
    """
    return Alert(
        f"Ebbtide: {_run_of(facts)} is published with warnings",
        warnings,
        serves,
        "Look whether the source is whole, and at the night's page. If lists must not be published"
        " like this, let the gate hold (RECSYS_GATES); if this is how it should be, loosen it by"
        " the setting that the warning names.",
        facts,
    )


def _run_of(facts: Mapping[str, str]) -> str:
    """Which run, in the words that its reader knows it by."""
    known = {"day": facts.get("day"), "tenant": facts.get("tenant")}
    details = ", ".join(f"{name} {fact}" for name, fact in known.items() if fact)
    return facts["dag"] + (f" ({details})" if details else "")


def _in_words(error: BaseException | str | None) -> str:
    """What an error says, and its type where that is no message of ours."""
    if isinstance(error, BaseException) and not isinstance(error, EbbtideError):
        return f"{type(error).__name__}: {error}"
    return str(error or "")
