"""Lists for whoever is active today, from the day so far; they stand until its night.

What the night takes last, the day's interactions, is taken now: extracted, embedded, accumulated
and merged as the night will do again when the day is over. So any number of refreshes leaves the
night what it would have made without them (tested). Lists are made for the day's users alone and
pass the night's gates; trends, the cold-start list, item vectors and all other lists stay last
night's. Late events of earlier days are left to the night.
"""

from datetime import UTC, date, datetime
from math import inf

from recsys_tasks.errors import BadSettings
from recsys_tasks.settings import Settings
from recsys_tasks.steps import Counts, accumulate, embed_items, extract, merge
from recsys_tasks.steps.check import good_drafts
from recsys_tasks.steps.rank import draft_day
from recsys_tasks.warehouse import Session

PROVISIONAL = "provisional"  # in place of the fingerprint of what a night's lists are made from


def run(session: Session, settings: Settings, day: date) -> Counts:
    """Show provisional lists of a day, in place of those that it has.

    Returns:
        How many interactions were taken, how many of them are new, how many lists are shown; and
        where something is new, the seconds from what a user did to the list that knows it.

    Raises:
        BadSettings: The day's night is published, or being made.
        NightRefused: A gate found something wrong with the lists.
    """
    night = session.value("night_in_the_way", day=day)
    if night is not None:
        raise BadSettings(
            problem=f"Day {day} cannot be refreshed: night {night} is published or being made"
        )
    # A day that goes on has neither everybody's lists nor all its interactions yet.
    unfinished = {"late_days": 0, "enough_users": 0.0, "volume_drift": inf}
    todays = settings.model_copy(update=unfinished)
    session.execute("create_known_events", day=day)
    taken = extract.run(session, todays, day)
    for step in (embed_items, accumulate, merge):
        step.run(session, todays, day)
    draft_day(session, todays, day, PROVISIONAL)
    good_drafts(session, todays, day)
    n_lists = session.value("publish_provisional", night=day)
    return {"interactions": taken["interactions"], "lists": n_lists, **_delays(session, day)}


def _delays(session: Session, day: date) -> Counts:
    """From event to list: what the refresh was for."""
    now = datetime.now(UTC)
    n_new, median, longest = session.rows("event_to_list_delays", day=day, now=now)[0]
    session.execute("drop_known_events")
    if not n_new:
        return {"new": 0}
    return {
        "new": n_new,
        "seconds_of_median_delay": round(median),
        "seconds_of_longest_delay": round(longest),
    }
