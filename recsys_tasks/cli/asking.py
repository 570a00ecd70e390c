"""Commands that ask: recommend, similar, sql."""

from typing import Annotated

import psycopg2
import typer

from recsys_tasks.cli.options import Dsn, Schema, settings_of
from recsys_tasks.cli.output import ANSWERS
from recsys_tasks.errors import BadStatement, UnknownItem, did_you_mean, first_line
from recsys_tasks.terminal import table
from recsys_tasks.warehouse import connect

Number = Annotated[int, typer.Option("-n", min=1, help="How many.")]


def recommend(
    user: Annotated[str, typer.Argument(help="The source's user_id.")],
    n: Number = 10,
    dsn: Dsn = None,
    schema: Schema = None,
) -> None:
    """A user's list with reasons; for a user never seen, the cold-start list."""
    warehouse = connect(settings_of(dsn, schema))
    with warehouse.transaction() as session:
        rows = session.rows("recommendations_of", user_id=user, n=n)
    if not rows:
        ANSWERS.print("There is nothing to recommend: no item is known. Load items, run a night.")
        return
    night, strategy = rows[0][-2:]
    made = table("rank ", "item", "title", "score ", "reason")
    for rank, item_id, title, score, reason, *_ in rows:
        made.add_row(str(rank), item_id, title, f"{score:.3f}", reason)
    ANSWERS.print(made)
    ANSWERS.print(f"Night {night or 'none yet'}, strategy {strategy}.")


def similar(
    item: Annotated[str, typer.Argument(help="The source's item_id.")],
    n: Number = 10,
    dsn: Dsn = None,
    schema: Schema = None,
) -> None:
    """The items nearest to an item by what their texts mean."""
    settings = settings_of(dsn, schema)
    warehouse = connect(settings)
    with warehouse.transaction() as session:
        if session.row("title_of", item_id=item) is None:
            near = [name for (name,) in session.rows("ids_like_item", id=item)]
            nearest = did_you_mean(item, near)
            raise UnknownItem(item_id=item, schema=settings.schema_name, nearest=nearest)
        rows = session.rows("similar_items_of", item_id=item, n=n)
    if not rows:
        ANSWERS.print(
            f"Item {item} has no neighbours: it has no text, or came after the last night."
        )
        return
    made = table("rank ", "item", "title", "cosine ")
    for rank, neighbour, title, score in rows:
        made.add_row(str(rank), neighbour, title, f"{score:.3f}")
    ANSWERS.print(made)


def sql(
    statement: Annotated[str, typer.Argument(help="As in: select * from recommend('42', 10)")],
    dsn: Dsn = None,
    schema: Schema = None,
) -> None:
    """Run a query that reads, on the output tables: a psql for the embedded server."""
    warehouse = connect(settings_of(dsn, schema))
    with warehouse.transaction() as session:
        session.execute("read_only")
        session.execute("keep_statement", statement=statement)
        try:
            session.execute("open_answer")
            headings, rows = session.table("fetch all from answer")
        except psycopg2.Error as error:
            raise BadStatement(reason=first_line(error)) from error
    made = table(*headings)
    for row in rows:
        made.add_row(*("" if value is None else str(value) for value in row))
    ANSWERS.print(made)


COMMANDS = (recommend, similar)
