"""Commands that tell interests in words: topics, profile."""

import json
from typing import Annotated

import typer

from recsys_tasks.cli.options import Dsn, Preset, Schema, settings_of
from recsys_tasks.cli.output import ANSWERS, ERRORS
from recsys_tasks.errors import NoNight
from recsys_tasks.steps.topics import bring_topics
from recsys_tasks.terminal import table
from recsys_tasks.warehouse import connect

AsJson = Annotated[bool, typer.Option("--json", help="Everything, as JSON.")]

_TOPIC = ("topic_key", "name", "named_by", "n_items", "since", "keywords", "examples")
_SENTENCE = (
    *("rank", "sentence", "topic_key", "topic", "share", "trend", "n_interactions", "n_days"),
    *("first_day", "last_day", "event_ids", "item_ids"),
)


def topics(
    *,
    anew: Annotated[
        bool, typer.Option("--anew", help="Find them anew first, as of the newest night.")
    ] = False,
    as_json: AsJson = False,
    dsn: Dsn = None,
    schema: Schema = None,
    preset: Preset = None,
) -> None:
    """The topics of the catalogue, the largest first."""
    settings = settings_of(dsn, schema, preset)
    warehouse = connect(settings)
    if anew:
        with (
            ERRORS.console.status("finding topics"),
            warehouse.transaction(exclusive=True) as session,
        ):
            night = session.value("newest_night")
            if night is None:
                raise NoNight(schema=settings.schema_name)
            bring_topics(session, settings, night, anew=True)
    with warehouse.transaction() as session:
        rows = session.rows("topics_told")
    if as_json:
        _print_json(_TOPIC, rows)
        return
    if not rows:
        ANSWERS.print("There are no topics: no night has found any yet.")
        return
    made = table("topic ", "items ", "name", "since", "keywords", "examples")
    for key, name, _, n_items, since, keywords, examples in rows:
        words = (", ".join(keywords[:6]), ", ".join(examples[:3]))
        made.add_row(str(key), str(n_items), name, str(since), *words)
    ANSWERS.print(made)


def profile(
    user: Annotated[str, typer.Argument(help="The source's user_id.")],
    n: Annotated[int, typer.Option("-n", min=1, help="How many topics.")] = 5,
    *,
    as_json: AsJson = False,
    dsn: Dsn = None,
    schema: Schema = None,
) -> None:
    """What a user is interested in, in sentences, each with the events that it stands on."""
    warehouse = connect(settings_of(dsn, schema))
    with warehouse.transaction() as session:
        rows = session.rows("profile_of", user_id=user, n=n)
    if as_json:
        _print_json(_SENTENCE, rows)
        return
    if not rows:
        ANSWERS.print(f"Nothing is known of the interests of user {user} in words.")
        return
    for _, sentence, *_, events, _ in rows:
        ANSWERS.print(sentence)
        ANSWERS.print(f"    events {', '.join(events)}")


def _print_json(names: tuple[str, ...], rows: list[tuple[object, ...]]) -> None:
    told = [dict(zip(names, row, strict=True)) for row in rows]
    ANSWERS.print_json(json.dumps(told, default=str))


COMMANDS = (topics, profile)
