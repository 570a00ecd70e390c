"""The backtest: the protocol over a window of the past, all variants beside all baselines.

It takes what it needs from the source (interactions, texts and their vectors) as a night would, and
gives it up again where lists are published: settings to try change nothing that is served. Before
the first night it keeps what it took, which spares that night the work.
"""

from collections.abc import Callable
from datetime import date, timedelta
from typing import TYPE_CHECKING, NamedTuple

from recsys_tasks.errors import NothingToEvaluate
from recsys_tasks.evaluation import (
    Difference,
    Evaluation,
    differences,
    last_fifth,
    replay,
    summarise,
)
from recsys_tasks.evaluation.baselines import baselines
from recsys_tasks.interactions import date_of, day_number
from recsys_tasks.interest_model import ZeroShot
from recsys_tasks.interest_scorer import InterestScorer
from recsys_tasks.settings import Settings, preset_of
from recsys_tasks.steps import embed_items, extract
from recsys_tasks.warehouse import Warehouse
from recsys_tasks.warehouse.history import History, read_history
from recsys_tasks.warehouse.models import serving_model

if TYPE_CHECKING:
    from recsys_tasks.training import TrainedScorer, TrainingData, TrainingOptions

ONE_DAY = timedelta(days=1)


class Backtest(NamedTuple):
    """What came out.

    Attributes:
        since: First day of the window.
        until: The day after its last.
        user_days: How many user-days were replayed, out of how many.
        evaluations: Of the whole window; their night is its last day.
        differences: Of each variant to the best baseline.
    """

    since: date
    until: date
    user_days: tuple[int, int]
    evaluations: list[Evaluation]
    differences: list[Difference]


def backtest(
    warehouse: Warehouse,
    settings: Settings,
    since: date | None = None,
    until: date | None = None,
    *,
    max_user_days: int | None = None,
    retrain_every: int | None = None,
    on_day: Callable[[int, int], None] | None = None,
) -> Backtest:
    """Replay a window: the zero-shot model, both learned stages, and all baselines.

    Args:
        warehouse: Of the tenant.
        settings: Its settings.
        since: First day; without it the window is the last 20% of interactions, in whole days.
        until: The day after the last.
        max_user_days: Replay a seeded sample of so many.
        retrain_every: Train and fit anew after so many days; None for once, before the window.
        on_day: Told how many days of the window are done, and of how many.

    Raises:
        NothingToEvaluate: There is nobody in the window.
    """
    history = read_everything(warehouse, settings)
    first, end = window_of(history, since, until)
    content, learned = _variants(history, settings)
    rivals = baselines(len(history.catalogue))
    met = replay(
        history.interactions,
        history.catalogue,
        len(history.user_keys),
        [*learned, content, *rivals],
        first,
        end,
        max_user_days=max_user_days,
        retrain_every=retrain_every,
        on_day=(lambda day: on_day(day + 1 - first, end - first)) if on_day else None,
    )
    n_user_days = len(met.user_days)
    names = [scorer.name for scorer in rivals]
    return Backtest(
        date_of(first),
        date_of(end),
        (n_user_days, n_user_days + met.n_left_out),
        summarise(met),
        [
            # What is learned has the zero-shot model among its baselines.
            *differences(
                met, [scorer.name for scorer in learned], baselines=[content.name, *names]
            ),
            *differences(met, [content.name], baselines=names),
        ],
    )


def window_of(history: History, since: date | None, until: date | None) -> tuple[int, int]:
    """The days asked for, half-open; else the last 20% of interactions, in whole days.

    Raises:
        NothingToEvaluate: There is no day between them.
    """
    first, end = last_fifth(history.interactions)
    first, end = (day_number(since) if since else first), (day_number(until) if until else end)
    if first >= end:
        raise NothingToEvaluate(since=date_of(first), until=date_of(end))
    return first, end


def _variants(history: History, settings: Settings) -> "tuple[InterestScorer, list[TrainedScorer]]":
    """The zero-shot model, and both stages of the learned one."""
    from recsys_tasks.training import (  # noqa: PLC0415  seconds to import; only who trains pays
        INTEREST,
        RERANKED,
        SharedTraining,
        TrainedScorer,
    )

    shared = SharedTraining(*training_of(history, settings))
    learned = [TrainedScorer(name, shared) for name in (INTEREST, RERANKED)]
    content = InterestScorer("content", shared.data.zero_shot, history.vectors)
    return content, learned


def training_of(history: History, settings: Settings) -> "tuple[TrainingData, TrainingOptions]":
    """What a training on the history reads, and how the settings want it done."""
    from recsys_tasks.training import (  # noqa: PLC0415  as above
        TrainingData,
        TrainingOptions,
        options_of,
    )

    data = TrainingData(
        history.interactions,
        history.catalogue,
        history.item_keys,
        history.vectors,
        ZeroShot.of(preset_of(settings)),
    )
    return data, options_of(settings.training, TrainingOptions(device=settings.device))


def read_everything(warehouse: Warehouse, settings: Settings) -> History:
    """Everything that the source has, taken as a night takes it.

    Raises:
        NothingToEvaluate: The source has no events.
    """
    with warehouse.transaction(exclusive=True) as session:
        session.map_source(settings.source)
        _, last = session.rows("source_span")[0]
        if last is None:
            raise NothingToEvaluate(since="the first day", until="the last")
        extract.run(session, settings, last)
        embed_items.run(session, settings, last)
        model = serving_model(session)
        history = read_history(session, preset_of(settings), model, last + ONE_DAY)
        if session.value("newest_night") is not None:
            session.undo()
        return history
