"""What readers are shown: the newest published night, and what a night's run published."""

from contextlib import closing
from datetime import date, timedelta
from typing import NamedTuple

from recsys_tasks.errors import EbbtideError
from recsys_tasks.settings import Settings
from recsys_tasks.warehouse import connect


class ServedNight(NamedTuple):
    """A published night.

    Attributes:
        night: The behaviour day; its lists are for the day after.
        n_lists: Of users.
        model_id: What made them.
    """

    night: date
    n_lists: int
    model_id: str


def served_night(settings: Settings) -> ServedNight | None:
    """The night whose lists readers are shown; None before the first one.

    Raises:
        DatabaseUnavailable: There is no asking the database.
    """
    with closing(connect(settings)) as warehouse, warehouse.transaction() as session:
        row = session.row("night_that_serves")
    return ServedNight(*row) if row else None


def nights_published_with(settings: Settings, day: date) -> list[ServedNight]:
    """The nights that the run of a day published together, ascending.

    Raises:
        DatabaseUnavailable: There is no asking the database.
    """
    with closing(connect(settings)) as warehouse, warehouse.transaction() as session:
        return [ServedNight(*row) for row in session.rows("nights_published_with", day=day)]


def warnings_of(settings: Settings, day: date) -> str | None:
    """What gates found in the lists that the run of a day published all the same.

    None where they found nothing, where the run published nothing, and where nobody can tell.
    """
    try:
        with closing(connect(settings)) as warehouse, warehouse.transaction() as session:
            found: str | None = session.value("note_of_publish", day=day)
    except EbbtideError:
        return None
    return found


def serving_in_words(settings: Settings) -> str:
    """What readers are shown, in a sentence; also where nobody can tell."""
    try:
        served = served_night(settings)
    except EbbtideError as error:
        return f"Nobody can tell: {error}"
    if served is None:
        return "No night is published yet: there is nothing that readers could lose."
    night, n_lists, model_id = served
    return (
        f"Readers keep the lists of night {night} (made for {night + timedelta(days=1)}):"
        f" {n_lists:,} users, model {model_id}."
    )
