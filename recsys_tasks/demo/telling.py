"""What the demo tells: a user's list, how it changed, how good the nights were, and how to ask."""

from collections.abc import Mapping, Sequence
from datetime import date
from shlex import quote
from time import perf_counter
from typing import NamedTuple

from rich.console import Console

from recsys_tasks.errors import BadSource
from recsys_tasks.terminal import table
from recsys_tasks.warehouse import Session, Warehouse

N_SHOWN = 10
N_CHANGES = 4


class Day(NamedTuple):
    """What a user did on a day."""

    day: date
    n_interactions: int
    verb: str
    best: str | None


def tell(
    console: Console,
    warehouse: Warehouse,
    since: date,
    until: date,
    *,
    environment: Mapping[str, str],
) -> None:
    """Tell what the nights of [since, until) left.

    Args:
        console: What is told goes there; titles are anybody's text, so without markup.
        warehouse: That the nights filled.
        since: First night.
        until: The day after the last.
        environment: Variables with which commands find the same database and preset.

    Raises:
        BadSource: Nobody got a list.
    """
    with warehouse.transaction() as session:
        user_id = session.value("busiest_user", since=since, until=until)
        if user_id is None:
            problem = "nobody got a list; rejected_interactions says what was wrong with the rows"
            raise BadSource(place="events", problem=problem)
        _tell_list(console, session, user_id)
        _tell_changes(console, session, user_id, since, until)
        _tell_evaluation(console, session, since, until)
        _tell_how_to_ask(console, session, user_id, environment)


def _tell_list(console: Console, session: Session, user_id: str) -> None:
    rows = session.rows("recommendations_of", user_id=user_id, n=N_SHOWN)
    title = f"\nRecommended to user {user_id}"
    made = table("rank ", "item", "score ", "reason", title=title)
    for rank, item_id, name, score, reason, *_ in rows:
        made.add_row(str(rank), name or item_id, f"{score:.2f}", reason)
    console.print(made)


def _tell_changes(
    console: Console, session: Session, user_id: str, since: date, until: date
) -> None:
    """The list after the days on which the user did something, and at the end."""
    span = {"user_id": user_id, "since": since, "until": until}
    did = {day.day: day for day in map(Day._make, session.rows("days_of_user", **span))}
    lists: dict[date, Sequence[str]] = dict(session.rows("lists_of_user", **span, n=N_SHOWN))
    nights = sorted(lists)
    active = [night for night in nights if night in did]
    headings = ("night", "what the user did", "new ", "the list begins with")
    made = table(*headings, title="\nHow the list changed")
    earlier: Sequence[str] = ()
    for night in sorted({nights[0], *active[:1], *active[-N_CHANGES:], nights[-1]}):
        titles = lists[night]
        n_new = len(set(titles) - set(earlier))
        begins = "; ".join(titles[:3])
        made.add_row(str(night), _in_words(did.get(night)), str(n_new), begins)
        earlier = titles
    console.print(made)
    console.print(f"new: of the first {N_SHOWN}, those that the line before did not have.")


def _in_words(day: Day | None) -> str:
    if day is None:
        return "nothing"
    best = f", most valued: {day.best}" if day.best else ""
    return f"{day.verb} {day.n_interactions:,}{best}"


def _tell_evaluation(console: Console, session: Session, since: date, until: date) -> None:
    """The lists beside popularity, on items new to the user."""
    rows = session.rows("mean_evaluations", since=since, until=until)
    judged = [row[1:] for row in rows if row[0] == "new"]
    n = judged[0][-1] if judged else 0
    title = f"\nWhat users then did, against last night's lists: {n:,} user-days"
    made = table("variant", "NDCG@10 ", "recall@10 ", "hit rate@10 ", title=title)
    for variant, *figures, _ in judged:
        made.add_row(variant, *(f"{figure:.4f}" for figure in figures))
    console.print(made)
    console.print("decayed_popular_7: what was popular, with a half-life of 7 days; equal for all.")


def _tell_how_to_ask(
    console: Console, session: Session, user_id: str, environment: Mapping[str, str]
) -> None:
    """The statement, how long it takes, and the commands for more."""
    start = perf_counter()
    rows = session.rows("recommendations_of", user_id=user_id, n=N_SHOWN)
    took = 1000 * (perf_counter() - start)
    literal = "'" + user_id.replace("'", "''") + "'"
    statement = f"select * from {session.schema}.recommend({literal}, {N_SHOWN})"  # noqa: S608  shown, not run
    prefix = "".join(f"{name}={quote(value)} " for name, value in sorted(environment.items()))
    console.print(f"\nThe SQL to ask for it ({len(rows)} rows in {took:.1f} ms):\n")
    console.print(f"    {statement};\n\nAnd from here:\n", markup=False, soft_wrap=True)
    for command in (f"recommend {quote(user_id)}", f'sql "{statement}"', "doctor"):
        console.print(f"    {prefix}.venv/bin/ebbtide {command}", markup=False, soft_wrap=True)
