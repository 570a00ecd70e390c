"""Why a user has the score that they have for an item, listed or not: all of its parts."""

from datetime import date, timedelta
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.errors import NoNight, UnknownItem, UnknownUser, did_you_mean
from recsys_tasks.explaining import Parts, SecondStageParts, contributions_of, put_together
from recsys_tasks.interactions import day_number
from recsys_tasks.settings import Settings, preset_of
from recsys_tasks.steps.rank.inputs import Picture, read_picture
from recsys_tasks.steps.rank.listing import listable
from recsys_tasks.steps.rank.reasoning import Again, first_stage_of, reranked_of
from recsys_tasks.steps.rank.second_stage import reranked, scene_of
from recsys_tasks.steps.rank.shards import read_active
from recsys_tasks.steps.rank.users import read_user_keys
from recsys_tasks.warehouse import Session, Warehouse
from recsys_tasks.warehouse.interests import Users
from recsys_tasks.warehouse.models import LiveModel, StoredModel, load_live, serving_model
from recsys_tasks.warehouse.weighing import Weighed, weighed

_ALL = 2**31 - 1  # interactions


class Part(NamedTuple):
    """One line of a decomposition.

    Attributes:
        text: What it rests on.
        item_id: The item that it rests on; None where it rests on none.
        part: Of the score of the stage that ranked last.
        first_stage: Of the first stage's score.
    """

    text: str
    item_id: str | None
    part: float
    first_stage: float


class Why(NamedTuple):
    """The score that a user has for an item.

    Attributes:
        night: As of which.
        model_id: Which model scored.
        variant: Of the user's list; None for a user who has none.
        stage: `interest` or `reranked`: the stage that ranked last.
        rank: In the list that the user is served; None where it is not in there.
        listed_score: Likewise: the score that it was listed with.
        obstacles: Why no list, or not the user's, may hold it.
        parts: Largest first; none for an item that is not scored. Their sum is the score.
    """

    night: date
    model_id: str
    variant: str | None
    stage: str
    rank: int | None
    listed_score: float | None
    obstacles: list[str]
    parts: list[Part]

    @property
    def scores(self) -> tuple[float, float]:
        """Of the stage that ranked last, and of the first stage."""
        return sum(part.part for part in self.parts), sum(part.first_stage for part in self.parts)


class _Served(NamedTuple):
    """As list_to_explain gives it."""

    night: date
    variant: str | None
    model: StoredModel
    rank: int | None
    score: float | None


class _Item(NamedTuple):
    """As item_to_explain gives it."""

    item_key: int
    title: str
    is_listed: bool
    is_available: bool
    is_to_come: bool | None
    is_filtered: bool


def why(warehouse: Warehouse, settings: Settings, user_id: str, item_id: str) -> Why:
    """Take the score of an item for a user apart, as of the night of the user's list.

    Where events, items or settings changed since, it is what the night would give now.

    Raises:
        UnknownUser: The user did nothing until that night.
        UnknownItem: No item has the id.
        NoNight: None was published yet.
    """
    with warehouse.transaction() as session:
        user_key = _user_key(session, user_id)
        item = _item(session, item_id, session.value("newest_night"))
        served = _served(session, user_key, item.item_key)
        live = load_live(session, served.model)
        picture = _picture_of(session, settings, live, served, user_key)
        if not len(picture.user_keys):
            raise UnknownUser(user_id=user_id, problem=f"did nothing until night {served.night}")
        # Places among candidates are features: they are counted among what lists may show.
        picture = picture if item.is_filtered else listable(session, picture)
        obstacles = _obstacles(session, settings, served, user_key, item)
        at = np.flatnonzero(picture.item_keys == item.item_key)
        stage, parts = "interest", list[Part]()
        if len(at):
            variant = served.variant or ""
            stage, parts = _parts(session, settings, live, picture, variant, int(at[0]))
    made_by = (served.night, served.model.model_id, served.variant, stage)
    return Why(*made_by, served.rank, served.score, obstacles, parts)


def _user_key(session: Session, user_id: str) -> int:
    row = session.row("user_to_explain", user_id=user_id)
    if row is None:
        problem = f"is not known in {session.schema}{_nearest(session, 'ids_like_user', user_id)}"
        raise UnknownUser(user_id=user_id, problem=problem)
    return int(row[0])


def _item(session: Session, item_id: str, newest: date | None) -> _Item:
    if newest is None:
        raise NoNight(schema=session.schema)
    row = session.row("item_to_explain", item_id=item_id, until=newest + timedelta(days=1))
    if row is None:
        nearest = _nearest(session, "ids_like_item", item_id)
        raise UnknownItem(item_id=item_id, schema=session.schema, nearest=nearest)
    return _Item(*row)


def _nearest(session: Session, query: str, wrong: str) -> str:
    return did_you_mean(wrong, [name for (name,) in session.rows(query, id=wrong)])


def _served(session: Session, user_key: int, item_key: int) -> _Served:
    if row := session.row("list_to_explain", user_key=user_key, item_key=item_key):
        night, variant, *model, rank, score = row
        return _Served(night, variant, StoredModel(*model), rank, score)
    return _Served(session.value("newest_night"), None, serving_model(session), None, None)


def _picture_of(
    session: Session, settings: Settings, live: LiveModel, served: _Served, user_key: int
) -> Picture:
    """What the night ranks, with the one user, however long ago the user came."""
    shown = settings.variants.get(served.variant or "")
    everybody = settings.model_copy(update={"refresh_days": None})
    user_keys = read_user_keys(session, everybody, served.night, Users(user_key, user_key))
    alpha = shown.own_decay.alpha if shown and shown.own_decay else None
    return read_picture(session, settings, live, served.night, user_keys, alpha)


def _obstacles(
    session: Session, settings: Settings, served: _Served, user_key: int, item: _Item
) -> list[str]:
    """Why no list, or not the user's, may hold the item."""
    repeat, keys = preset_of(settings).repeat, {"user_key": user_key, "item_key": item.item_key}
    had = session.value("last_used_up", night=served.night, **keys)
    is_used_up = had and day_number(had) > repeat.excludes_after(day_number(served.night))
    policy = f"after {repeat.days} days" if repeat.kind == "after" else repeat.kind
    found = {
        "the source's catalogue does not list it": not item.is_listed,
        "it is not available": not item.is_available,
        f"it exists only since after night {served.night}": bool(item.is_to_come),
        "RECSYS_LIST_FILTER does not hold for it": item.is_filtered,
        f"the user had it on {had}, and the repeat policy is {policy!r}": bool(is_used_up),
    }
    return [reason for reason, holds in found.items() if holds]


def _parts(
    session: Session, settings: Settings, live: LiveModel, picture: Picture, variant: str, row: int
) -> tuple[str, list[Part]]:
    """The stage that ranked last, and the parts of its score."""
    history = weighed(
        session,
        "histories_of_users",
        preset_of(settings),
        live.stored,
        texts=picture.texts,
        night=picture.night,
        user_keys=picture.user_keys.tolist(),
        length=_ALL,
    )
    stage = first_stage_of(picture, history, 2 * len(history.interactions) + 1)
    user, rows = np.zeros(1, np.intp), np.array([[row]], np.int32)
    first = stage.parts(user, rows, int(stage.lengths[0]))
    again = _again(session, settings, live, picture, variant, rows)
    reordered = reranked_of(history, again)
    if reordered is None:
        return "interest", _told(session, history, picture.night, first, first.parts)
    last = SecondStageParts(stage, reordered).parts(user, rows, first)
    before = np.zeros_like(last.parts)
    before[..., : first.parts.shape[-1]] = first.parts
    return "reranked", _told(session, history, picture.night, last, before)


def _again(
    session: Session,
    settings: Settings,
    live: LiveModel,
    picture: Picture,
    variant: str,
    rows: NDArray[np.int32],
) -> Again | None:
    """What the second stage gave; None where there is none, or the item was no candidate."""
    shown = settings.variants.get(variant)
    if live.second_stage is None or (shown is not None and shown.stage == "interest"):
        return None
    scene = scene_of(session, picture, live.second_stage)
    active = read_active(session, settings, picture.night)
    batches = reranked(session, settings, picture, scene, active)
    for batch in batches:  # one, of the one user, or none
        given, are_ranked = contributions_of(scene.second, batch.found, rows)
        return Again(scene, given, are_ranked) if are_ranked.all() else None
    return None


def _told(
    session: Session, history: Weighed, night: date, last: Parts, before: NDArray[np.float32]
) -> list[Part]:
    """Parts in words, largest first; a part of nothing is none."""
    parts = put_together(last.grounds, last.parts)[0, 0]
    first = put_together(last.grounds, before)[0, 0]
    order = np.argsort(-parts, kind="stable")
    order = order[(parts[order] != 0) | (first[order] != 0)]
    kinds, items, details, days, _ = (column[0, order] for column in last.grounds)
    words = session.rows(
        "reasons_in_words",
        night=night,
        kinds=kinds.tolist(),
        item_keys=np.append(history.item_keys, 0)[items].tolist(),
        details=details.tolist(),
        days=days.tolist(),
    )
    sizes = (parts[order].tolist(), first[order].tolist())
    return [
        Part(text, item_id, part, of_first)
        for (text, item_id), part, of_first in zip(words, *sizes, strict=True)
    ]
