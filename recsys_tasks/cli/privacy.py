"""The command that tells what noise was added and what it adds up to."""

from typing import Annotated

import typer

from recsys_tasks.accounting import DELTA, Account, account
from recsys_tasks.cli.options import Dsn, Schema, settings_of
from recsys_tasks.cli.output import ANSWERS
from recsys_tasks.settings import Privacy, Settings
from recsys_tasks.terminal import table
from recsys_tasks.warehouse import connect


def privacy(
    releases: Annotated[
        int, typer.Option("--releases", min=0, help="Newest releases to show one by one.")
    ] = 7,
    dsn: Dsn = None,
    schema: Schema = None,
) -> None:
    """What was told with noise, epsilon by day and in all, and what is told without."""
    settings = settings_of(dsn, schema, None)
    found = account(connect(settings), settings, releases)
    ANSWERS.print(_stance(settings))
    if found.mechanisms:
        _print_spent(found)
    if found.newest:
        _print_newest(found)
    ANSWERS.print("Without noise:")
    for what in found.uncovered:
        ANSWERS.print(f"- {what}")


def _stance(settings: Settings) -> str:
    """What the settings ask for."""
    wanted = settings.privacy
    if wanted is None:
        return "RECSYS_PRIVACY is not set: what users share is told exactly."
    evaluations = (
        f"evaluations: epsilon {wanted.evaluation_epsilon:g} a person and night"
        if wanted.evaluation_epsilon is not None
        else "no evaluations"
    )
    return (
        f"Trends: epsilon {wanted.epsilon:g} for all that one person did in one day, which counts"
        f" {wanted.most_items} items at most; {evaluations}; {_models(wanted)}."
    )


def _models(wanted: Privacy) -> str:
    """What the settings ask for of models."""
    if wanted.exact_models:
        return "models learn without noise"
    if wanted.model_epsilon is None:
        return "no models are trained"
    return f"models: epsilon {wanted.model_epsilon:g} a training for all that a person ever did"


def _print_spent(found: Account) -> None:
    """One line a mechanism, and what they come to for a person."""
    shown = table("told", "days ", "releases ", "epsilon a day ", "delta ")
    for one in found.mechanisms:
        figures = (f"{one.epsilon:.6g}", f"{one.delta:.1e}")
        shown.add_row(one.name, f"{one.n_days:,}", f"{one.n_releases:,}", *figures)
    ANSWERS.print(shown)
    ANSWERS.print(
        f"A person who is in every evaluation so far: epsilon {found.all_evaluations:.6g} of them,"
        f" delta {DELTA:.0e}. k days of a person: k times the epsilon a day of trends."
    )
    ANSWERS.print(
        f"All that a person ever did, by every model so far: epsilon {found.all_models:.6g},"
        f" delta {DELTA:.0e}."
    )


def _print_newest(found: Account) -> None:
    shown = table(
        "day", "told", "epsilon ", "delta ", "sensitivity ", "scale ", "counted by", "key"
    )
    for one in found.newest:
        figures = (f"{value:.6g}" for value in (one.sensitivity, one.scale))
        shown.add_row(
            str(one.day),
            one.mechanism,
            f"{one.epsilon:.6g}",
            f"{one.delta:.1e}",
            *figures,
            one.configuration,
            one.key_id,
        )
    ANSWERS.print(shown)


COMMANDS = (privacy,)
