"""What was told with noise, what that adds up to for one person, and what is told without."""

from collections.abc import Iterator
from datetime import date
from typing import Final, NamedTuple

from recsys_tasks.noise import composed, worth
from recsys_tasks.settings import Settings
from recsys_tasks.warehouse import Session, Warehouse

DELTA: Final = 1e-6  # at which evaluations of many nights, and trainings, are added up
_ALWAYS: Final = (
    "similar_users and people_to_follow name other users",
    "the scale of ratings is told by the largest one, where it weighs a user's own interests",
    "the ledger, gates, interaction_days and `ebbtide backtest` count exactly: the operator's own",
)


class Mechanism(NamedTuple):
    """What was released of one kind.

    Attributes:
        name: Of the mechanism.
        n_days: Days that were released.
        n_releases: How often, with those that were released anew.
        epsilon: The most that one day's releases add up to.
        delta: As much.
    """

    name: str
    n_days: int
    n_releases: int
    epsilon: float
    delta: float


class Noted(NamedTuple):
    """A release as it was noted; sensitivity and scale in users."""

    day: date
    mechanism: str
    epsilon: float
    delta: float
    sensitivity: float
    scale: float
    configuration: str
    key_id: str


class Account(NamedTuple):
    """What a schema has spent.

    Attributes:
        mechanisms: One each, in the order of names.
        all_evaluations: Epsilon for a person who is in every released night's, for DELTA.
        all_models: Epsilon of all trainings together, for a person and all they ever did, for
            DELTA.
        newest: The newest releases, newest first.
        uncovered: What of many users is told without noise, in words.
    """

    mechanisms: list[Mechanism]
    all_evaluations: float
    all_models: float
    newest: list[Noted]
    uncovered: list[str]


def account(warehouse: Warehouse, settings: Settings, n_newest: int) -> Account:
    """What a schema has spent until now.

    Args:
        warehouse: Of the tenant.
        settings: Its settings.
        n_newest: Releases that are wanted one by one.
    """
    with warehouse.transaction() as session:
        mechanisms = [Mechanism(*row) for row in session.rows("spent_by_mechanism")]
        nightly = [float(epsilon) for (epsilon,) in session.rows("spent_on_evaluations")]
        reaches = [float(reach) for (reach,) in session.rows("spent_on_models")]
        newest = [Noted(*row) for row in session.rows("newest_releases", n=n_newest)]
        uncovered = [*_uncovered(session, settings), *_ALWAYS]
    in_all = worth(sum(reach**2 / 2 for reach in reaches), DELTA)
    return Account(mechanisms, composed(nightly, DELTA), in_all, newest, uncovered)


def _uncovered(session: Session, settings: Settings) -> Iterator[str]:
    """What this schema, and no other, tells."""
    n_days, n_nights, n_compared = session.rows("told_exactly")[0]
    if n_days:
        yield f"trends of {n_days:,} days count exactly, until a night runs with RECSYS_PRIVACY"
    if n_nights:
        yield f"evaluations of {n_nights:,} nights are exact, and stay until they are deleted"
    if n_compared:
        yield "sums of experiments are exact, and stay until they are deleted"
    for (model_id,) in session.rows("models_that_learned"):
        yield f"{model_id} learned without noise: ebbtide models retire {model_id}"
    if settings.from_attributes:
        yield "newcomers are told by exact means over users with the same attributes"
