"""Make the lists of a night: of every user to refresh, and what is shown beside them.

Everything is read as it was at the end of the night, so a night ranks alike whenever it runs. A
night before the newest published one may have changed what that one was made from: then it is
ranked again too. Lists go to a draft, which `check` looks at and `publish` shows.

In one piece, that is one transaction. In shards it is a plan, which makes everything but the lists
and fixes the shards and what they are made from, and then a transaction a shard; the lists are the
same, to the bit.
"""

from datetime import UTC, date, datetime

from recsys_tasks.errors import PlanOutdated
from recsys_tasks.settings import Settings, fingerprint_of
from recsys_tasks.steps import Counts
from recsys_tasks.steps.merge import bring_totals, ready_models
from recsys_tasks.steps.rank.asking import ask_about_lists
from recsys_tasks.steps.rank.beside import Beside, read_beside, write_after, write_before
from recsys_tasks.steps.rank.drafts import open_draft
from recsys_tasks.steps.rank.inputs import Picture, read_items
from recsys_tasks.steps.rank.listing import filter_catalogue, listable
from recsys_tasks.steps.rank.making import draft_lists, show_moved
from recsys_tasks.steps.rank.shards import claim, finish, write_shards
from recsys_tasks.steps.rank.users import read_user_keys
from recsys_tasks.steps.rank.variants import Shown, draft_variants, shown_variants
from recsys_tasks.warehouse import Session
from recsys_tasks.warehouse.models import live_models, serving_model

_SECOND_STAGE = 2e8  # multiplications that take a core as long as the second stage of a user: 4 ms


def run(session: Session, settings: Settings, day: date) -> Counts:
    """Draft the lists of `day`, and of the newest night if they are out of date."""
    shown = _ready(session, settings)
    nights = _nights(session, settings, shown, day)
    n_lists = 0
    for night, inputs in nights:
        picture, beside = _begin(session, settings, shown, night, inputs)
        users = beside.user_keys
        n_lists += draft_lists(session, settings, shown, picture, users, beside)
        write_after(session, settings, shown[0].live, picture, beside)
    return {"nights": len(nights), "lists": n_lists}


def plan(session: Session, settings: Settings, day: date) -> None:
    """Draft all of the same nights but the lists, and fix the shards in which these are made.

    A plan that is still true stays, with the shards that are made already.
    """
    shown = _ready(session, settings)
    nights = _nights(session, settings, shown, day)
    if _planned(session, nights) == [(*night, settings.shards or 1) for night in nights]:
        return
    has_second_stage = any(variant.live.second_stage is not None for variant in shown)
    for night, inputs in nights:
        picture, beside = _begin(session, settings, shown, night, inputs)
        show_moved(session, settings, shown, picture, beside)
        write_after(session, settings, shown[0].live, picture, beside)
        users = beside.user_keys
        write_shards(session, settings, night, users, has_second_stage=has_second_stage)


def work(session: Session, settings: Settings, day: date) -> float:
    """How much there is to multiply for a night's lists, or what takes as long."""
    row = session.row("size_of_lists", night=day, refresh_days=settings.refresh_days)
    if row is None:
        return 0.0
    n_users, n_items, dim, has_second_stage = row
    of_a_user = float(n_items * dim) + (_SECOND_STAGE if has_second_stage else 0.0)
    return float(n_users * of_a_user)


def draft_shard(session: Session, settings: Settings, day: date, shard: int) -> int:
    """Draft the lists of a shard's users as the plan of `day` says; what is made stays.

    Beside others: it writes to nothing else.

    Returns:
        The number of lists that were made now.

    Raises:
        PlanOutdated: There is no plan, or something that it was made from has changed.
        NightBusy: Somebody else is making them at this moment.
    """
    serving, live = serving_model(session), live_models(session)
    if live[0].stored != serving:
        raise PlanOutdated(day=day)
    shown = shown_variants(session, settings, live)
    nights = _nights(session, settings, shown, day)
    if nights != [(night, inputs) for night, inputs, _ in _planned(session, nights)]:
        raise PlanOutdated(day=day)
    return sum(_draft_shard(session, settings, shown, night, shard) for night, _ in nights)


def _draft_shard(
    session: Session, settings: Settings, shown: list[Shown], night: date, shard: int
) -> int:
    began, users = datetime.now(UTC), claim(session, night, shard)
    if users is None:
        return 0
    picture = listable(session, read_items(session, settings, shown[0].live, night))
    user_keys = read_user_keys(session, settings, night, users)
    n_lists = draft_lists(session, settings, shown, picture, user_keys)
    finish(session, night, shard, n_lists, began)
    return n_lists


def draft_day(session: Session, settings: Settings, day: date, inputs_fingerprint: str) -> int:
    """Draft the lists of one day, as they would be at its end, and touch nothing else.

    Returns:
        Their number.
    """
    shown = shown_variants(session, settings, ready_models(session, settings))
    filter_catalogue(session, settings)
    picture = _open(session, settings, shown, day, inputs_fingerprint)
    user_keys = read_user_keys(session, settings, day)
    return draft_lists(session, settings, shown, picture, user_keys)


def _ready(session: Session, settings: Settings) -> list[Shown]:
    """Who is shown what, with all that lists are made from up to date.

    Totals may wait for the merge of another night, which has accumulated already.
    """
    ready = ready_models(session, settings)
    for live in ready:
        bring_totals(session, live)
    filter_catalogue(session, settings)
    return shown_variants(session, settings, ready)


def _nights(
    session: Session, settings: Settings, shown: list[Shown], day: date
) -> list[tuple[date, str]]:
    """The nights to rank, the newest first, each with the fingerprint of what it is made from."""
    models = [variant.live.stored for variant in shown]
    rows = session.rows(
        "nights_to_rank",
        day=day,
        settings_fingerprint=fingerprint_of(settings),
        model_id=" ".join(model.model_id for model in models),
        model_key=models[0].model_key,
        model_keys=[model.model_key for model in models],
    )
    return [(night, inputs) for night, inputs in rows]


def _planned(session: Session, nights: list[tuple[date, str]]) -> list[tuple[date, str, int]]:
    """What those of some nights that have a plan were planned from, and in how many shards."""
    rows = session.rows("planned_nights", nights=[night for night, _ in nights])
    return [(night, inputs, n_shards) for night, inputs, n_shards in rows]


def _begin(
    session: Session, settings: Settings, shown: list[Shown], night: date, inputs_fingerprint: str
) -> tuple[Picture, Beside]:
    """Open the draft of a night, and make what waits for no user."""
    picture = _open(session, settings, shown, night, inputs_fingerprint)
    user_keys = read_user_keys(session, settings, night)
    ask_about_lists(session, settings, shown, picture, user_keys)
    beside = read_beside(session, settings, shown[0].live, picture, user_keys)
    write_before(session, settings, picture)
    return picture, beside


def _open(
    session: Session, settings: Settings, shown: list[Shown], night: date, inputs_fingerprint: str
) -> Picture:
    """Open the draft of a night, and write down who is shown what.

    Returns:
        The items, as the default ranks them.
    """
    picture = listable(session, read_items(session, settings, shown[0].live, night))
    draft_variants(session, settings, shown, night)
    open_draft(session, settings, picture, inputs_fingerprint)
    return picture
