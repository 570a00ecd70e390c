"""Commands about scores under encryption: sealed keys, interest, items, score, open."""

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from recsys_tasks import sealed
from recsys_tasks.cli.options import Dsn, Schema, settings_of
from recsys_tasks.cli.output import ANSWERS, ERRORS
from recsys_tasks.errors import BadSettings
from recsys_tasks.sealed import files
from recsys_tasks.terminal import table

app = typer.Typer(
    no_args_is_help=True,
    help="A partner's items scored for a user whom the partner never gets to see.",
)
Output = Annotated[Path, typer.Option("--output", metavar="FILE", help="Write it there.")]
Secret = Annotated[Path, typer.Option("--key", metavar="FILE", help="The secret key.")]
Public = Annotated[Path, typer.Option("--key", metavar="FILE", help="The public key.")]


@app.callback()
def _before() -> None:
    if find_spec("tenseal") is None:
        problem = "This needs the package tenseal: pip install 'recsys_tasks[sealed]'"
        raise BadSettings(problem=problem)


@app.command()
def keys(folder: Annotated[Path, typer.Argument(help="Where they are written.")]) -> None:
    """Owner: a new pair of keys. The secret one opens scores; partners get the public one."""
    secret, public = sealed.make_keys(folder)
    ANSWERS.print(f"{secret} stays here; {public} is for partners.")


@app.command()
def interest(
    user: Annotated[str, typer.Argument(help="The source's user_id.")],
    key: Public,
    output: Output,
    dsn: Dsn = None,
    schema: Schema = None,
) -> None:
    """Owner: a user's interest, sealed for partners."""
    public = sealed.read_public_key(key)
    files.write(output, sealed.seal_interest(settings_of(dsn, schema), user, public))


@app.command()
def items(output: Output, dsn: Dsn = None, schema: Schema = None) -> None:
    """Partner: the vectors of the listed items' texts."""
    found = sealed.read_items(settings_of(dsn, schema))
    files.write(output, found)
    ANSWERS.print(f"{len(found.item_ids):,} items, by encoder {found.encoder_id}.")


@app.command()
def score(
    interest: Annotated[Path, typer.Argument(help="As its owner sealed it.")],
    items: Annotated[Path, typer.Argument(help="As `ebbtide sealed items` wrote them.")],
    key: Public,
    output: Output,
) -> None:
    """Partner: the scores of the items, which only the interest's owner can open."""
    public = sealed.read_public_key(key)
    theirs, own = files.read(interest, sealed.SealedInterest), files.read(items, sealed.Items)
    with ERRORS.console.status("computing under encryption"):
        found = sealed.score(theirs, own, public)
    files.write(output, found)


@app.command("open")
def open_(
    scores: Annotated[Path, typer.Argument(help="As the partner computed them.")],
    key: Secret,
    n: Annotated[int, typer.Option("-n", min=1, help="How many.")] = 10,
) -> None:
    """Owner: the best of a partner's items. Keep the scores: whoever has them can seek your key."""
    found = files.read(scores, sealed.SealedScores)
    opened = sealed.open_scores(found, sealed.read_secret_key(key))
    made = table("rank ", "item", "score ")
    for rank, row in enumerate(np.argsort(-opened, kind="stable")[:n], start=1):
        made.add_row(str(rank), str(found.item_ids[row]), f"{opened[row]:.3f}")
    ANSWERS.print(made)
