"""The command why: all parts of a score."""

import json
from typing import Annotated

import typer

from recsys_tasks import justifying
from recsys_tasks.cli.options import Dsn, Preset, Schema, settings_of
from recsys_tasks.cli.output import ANSWERS
from recsys_tasks.justifying import Part, Why
from recsys_tasks.terminal import table
from recsys_tasks.warehouse import connect

MOST_LINES = 30  # of parts; the rest is one line more
NOTEWORTHY = 1e-3  # of a score: more than adding up in another order changes


def why(
    user: Annotated[str, typer.Argument(help="The source's user_id.")],
    item: Annotated[str, typer.Argument(help="The source's item_id.")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Every part, as JSON.")] = False,
    dsn: Dsn = None,
    schema: Schema = None,
    preset: Preset = None,
) -> None:
    """Why a user has the score that they have for an item, listed or not: parts that add up."""
    settings = settings_of(dsn, schema, preset)
    found = justifying.why(connect(settings), settings, user, item)
    if as_json:
        facts = {**found._asdict(), "night": str(found.night)}
        facts |= dict(zip(("score", "first_stage"), found.scores, strict=True))
        facts["parts"] = [part._asdict() for part in found.parts]
        ANSWERS.print_json(json.dumps(facts))
        return
    _print(found, user, item)


def _print(found: Why, user: str, item: str) -> None:
    place = f"rank {found.rank} of the list" if found.rank else "not in the list"
    variant = f", variant {found.variant}" if found.variant else ""
    ANSWERS.print(f"Item {item} for user {user}, night {found.night}: {place}{variant}.")
    for obstacle in found.obstacles:
        ANSWERS.print(f"No list of the user's holds it: {obstacle}.")
    if not found.parts:
        ANSWERS.print("It has no score: the night did not rank it.")
        return
    is_reranked = found.stage == "reranked"
    headings = ["score ", "first stage "] if is_reranked else ["score "]
    made = table(*headings, "part")
    lines = found.parts[:MOST_LINES]
    if rest := found.parts[MOST_LINES:]:
        sums = (sum(part.part for part in rest), sum(part.first_stage for part in rest))
        lines = [*lines, Part(f"{len(rest)} more", None, *sums)]
    for part in [*lines, Part("in all", None, *found.scores)]:
        sizes = [part.part, part.first_stage] if is_reranked else [part.part]
        made.add_row(*(f"{size:+.4f}" for size in sizes), part.text)
    ANSWERS.print(made)
    if found.listed_score is not None and abs(found.listed_score - found.scores[0]) > NOTEWORTHY:
        ANSWERS.print(
            f"It was listed with {found.listed_score:+.4f}: something changed since that night."
        )


COMMANDS = (why,)
