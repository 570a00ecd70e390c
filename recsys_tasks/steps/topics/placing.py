"""Which topic every item has: new items go to the nearest; now and then topics are found anew."""

from datetime import date, timedelta
from typing import Final, NamedTuple

import numpy as np
import structlog
from numpy.typing import NDArray

from recsys_tasks.interactions import NO_ROW, rows_of
from recsys_tasks.settings import Settings
from recsys_tasks.topics import NEW, Topics, cluster, how_many, nearest, same_topics
from recsys_tasks.warehouse import Session, copying
from recsys_tasks.warehouse.models import StoredModel
from recsys_tasks.warehouse.text_vectors import read_vectors

log = structlog.get_logger()

POOR: Final = 0.1  # of the texts, by definition, when topics are found
MOST_POOR: Final = 0.2  # of the items: beyond, topics are found anew
GROWTH: Final = 2  # times the texts: there are more topics to tell apart


class Placed(NamedTuple):
    """What became of the catalogue.

    Attributes:
        fit: Names the topics that were found together; 0 where there are none.
        is_new: Whether they were found just now.
        n_topics: How many live.
        n_items: Items that were placed, or moved.
    """

    fit: int
    is_new: bool
    n_topics: int
    n_items: int


class _Fit(NamedTuple):
    """The row of topic_fits."""

    fit: int
    encoder_id: str
    wanted: int | None
    n_texts: int
    poor_below: float


class _Catalogue(NamedTuple):
    """Items with a vector, by their ids; shape (n,) each."""

    item_keys: NDArray[np.int32]
    text_keys: NDArray[np.int32]
    are_listed: NDArray[np.int16]


def place_items(
    session: Session, settings: Settings, model: StoredModel, night: date, *, anew: bool
) -> Placed:
    """Give every item of a night its topic."""
    catalogue = _Catalogue(
        *session.copy_out(
            "topic_catalogue",
            (copying.INT4, copying.INT4, copying.INT2),
            encoder_id=model.encoder_id,
            until=night + timedelta(days=1),
        )
    )
    row = session.row("topic_fit")
    fit = _Fit(*row) if row else None
    session.execute("recount_users_of_lost_items")
    session.execute("delete_lost_topic_items")
    if fit and fit.encoder_id == model.encoder_id and fit.wanted == settings.topics and not anew:
        n_items, n_topics = _place_new(session, model, catalogue)
        if not _is_outgrown(session, fit):
            return Placed(fit.fit, is_new=False, n_topics=n_topics, n_items=n_items)
    if not catalogue.are_listed.any():
        return Placed(fit.fit if fit else 0, is_new=False, n_topics=0, n_items=0)
    return _find_anew(session, settings, model, night, catalogue, fit)


def _is_outgrown(session: Session, fit: _Fit) -> bool:
    n_texts, poor = session.rows("topic_fitness", poor_below=fit.poor_below)[0]
    return bool(n_texts >= GROWTH * fit.n_texts or poor > MOST_POOR)


def _place_new(session: Session, model: StoredModel, catalogue: _Catalogue) -> tuple[int, int]:
    """Place the items that are new, or whose text is.

    Returns:
        How many they are, and how many topics live.
    """
    topics, centroids = read_topics(session, model.dim)
    items, texts, _ = _placed(session)
    rows, are_known = rows_of(items, catalogue.item_keys)
    are_new = np.ones(len(catalogue.item_keys), np.bool_)
    are_new[are_known] = texts[rows[are_known]] != catalogue.text_keys[are_known]
    _write_items(
        session,
        catalogue.item_keys[are_new],
        catalogue.text_keys[are_new],
        *_nearest(session, model, topics, centroids, catalogue.text_keys[are_new]),
    )
    return int(are_new.sum()), len(topics)


def read_topics(session: Session, dim: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Keys of the topics that live and their centroids, the largest first."""
    keys, centroids = session.copy_out("topic_centroids", (copying.INT4, copying.vector(dim)))
    return keys, centroids


def _nearest(
    session: Session,
    model: StoredModel,
    topics: NDArray[np.int32],
    centroids: NDArray[np.float32],
    text_keys: NDArray[np.int32],
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """The nearest topic of each text, and its cosine."""
    labels, closeness = nearest(centroids, read_vectors(session, model, text_keys))
    return topics[labels], closeness


def _placed(session: Session) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
    """Items, their texts and their topics, as they are placed."""
    columns = (copying.INT4, copying.INT4, copying.INT4)
    items, texts, topics = session.copy_out("placed_items", columns)
    return items, texts, topics


def _write_items(session: Session, *columns: NDArray[np.generic]) -> None:
    """Write rows of topic_items: items, texts, topics and closeness."""
    session.execute("create_staged_topic_items")
    kinds = (copying.INT4, copying.INT4, copying.INT4, copying.FLOAT4)
    session.copy_in("copy_staged_topic_items", kinds, columns)
    if since := session.value("moved_items_met_on"):
        session.execute("recount_users_of_moved_items", since=since)
    session.execute("upsert_topic_items")
    session.execute("drop_staged_topic_items")


def _find_anew(
    session: Session,
    settings: Settings,
    model: StoredModel,
    night: date,
    catalogue: _Catalogue,
    fit: _Fit | None,
) -> Placed:
    """Find topics among the listed items' texts, and know those of before again."""
    is_listed = catalogue.are_listed > 0
    texts, first = np.unique(catalogue.text_keys[is_listed], return_index=True)
    texts = texts[np.argsort(first)]  # by items' ids: keys differ from one database to the next
    start = np.zeros((0, model.dim), np.float32)
    if fit and fit.encoder_id == model.encoder_id:
        _, start = read_topics(session, model.dim)
    found = cluster(
        read_vectors(session, model, texts), settings.topics or how_many(len(texts)), start
    )
    rows, _ = rows_of(texts, catalogue.text_keys[is_listed])
    topics = _keys(session, _before(session, catalogue)[is_listed], found.labels[rows])
    _write_topics(session, model, night, topics, found.centroids)
    _write_items(
        session,
        catalogue.item_keys,
        catalogue.text_keys,
        *_nearest(session, model, topics, found.centroids, catalogue.text_keys),
    )
    number = fit.fit + 1 if fit else 1
    _write_fit(session, settings, night, number, model.encoder_id, found)
    return Placed(number, is_new=True, n_topics=len(topics), n_items=len(rows))


def _write_fit(
    session: Session, settings: Settings, night: date, fit: int, encoder_id: str, found: Topics
) -> None:
    """Remember how topics were found."""
    facts: dict[str, object] = {
        "fit": fit,
        "encoder_id": encoder_id,
        "wanted": settings.topics,
        "n_texts": len(found.labels),
        "poor_below": float(np.quantile(found.closeness, POOR)),
    }
    session.execute("forget_topic_fit")
    session.execute("insert_topic_fit", **facts, night=night)
    log.info("found topics", topics=len(found.centroids), night=night, **facts)


def _before(session: Session, catalogue: _Catalogue) -> NDArray[np.int32]:
    """The topic that each item of the catalogue had; NEW where none."""
    items, _, topics = _placed(session)
    rows, are_known = rows_of(items, catalogue.item_keys)
    before = np.full(len(catalogue.item_keys), NEW, np.int32)
    before[are_known] = topics[rows[are_known]]
    return before


def _keys(
    session: Session, before: NDArray[np.int32], after: NDArray[np.int32]
) -> NDArray[np.int32]:
    """The keys of the topics that were found: the old one where it is one, else one never used."""
    keys = same_topics(before, after)
    is_new = keys == NO_ROW
    keys[is_new] = int(session.value("last_topic")) + 1 + np.arange(is_new.sum())
    return keys


def _write_topics(
    session: Session,
    model: StoredModel,
    night: date,
    topics: NDArray[np.int32],
    centroids: NDArray[np.float32],
) -> None:
    """Retire the topics that were not found again, and forget what was placed."""
    session.execute("create_staged_topics")
    columns = (copying.INT4, copying.vector(model.dim))
    session.copy_in("copy_staged_topics", columns, (topics, centroids))
    session.execute("retire_topics", night=night)
    session.execute("upsert_topics", night=night, encoder_id=model.encoder_id)
    session.execute("drop_staged_topics")
    session.execute("forget_placed")
    session.execute("forget_placed_texts")
