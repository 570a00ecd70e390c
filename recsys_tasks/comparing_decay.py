"""Policies of decay side by side: what it is worth to let interests ebb, and how.

One window of the past is replayed under each policy, everything else the same: without decay, by
fixed alphas, by single half-lives, by the preset's several, and by models that learned half-lives
and mixing on what precedes the window. What has one number for everybody is fixed; the best fixed
policy is what the others have to beat. It is chosen on the window itself, which favours it.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from itertools import chain, product
from typing import Final, NamedTuple

from recsys_tasks.backtesting import read_everything, training_of, window_of
from recsys_tasks.evaluation import Evaluation, Replay, Scorer, replay
from recsys_tasks.evaluation.intervals import Interval, intervals
from recsys_tasks.evaluation.judging import in_segment
from recsys_tasks.evaluation.measuring import values
from recsys_tasks.evaluation.policies import Policies, best_before, parameters_of, policies
from recsys_tasks.evaluation.user_days import Target
from recsys_tasks.interactions import date_of, day_number
from recsys_tasks.interest_scorer import InterestScorer
from recsys_tasks.settings import Settings, preset_of
from recsys_tasks.warehouse import Warehouse
from recsys_tasks.warehouse.history import History

K: Final = 10
ONE_HALF_LIFE: Final = 14.0  # days; where the model with one half-life starts
NDCG: Final = ("ndcg", K)
RECALL: Final = ("recall", K)


class Compared(NamedTuple):
    """A policy on the user-days of the window.

    Attributes:
        variant: Its name.
        parameters: In words.
        is_chosen: Whether it is the single half-life that was best on the days before the window.
        ndcg: nDCG@10.
        recall: Recall@10.
        gap: Of its nDCG@10 to the best fixed policy's, paired; all 0 for that one itself.
    """

    variant: str
    parameters: str
    is_chosen: bool
    ndcg: Interval
    recall: Interval
    gap: Interval


class Table(NamedTuple):
    """The policies on one target.

    Attributes:
        target: `new` or `all`.
        part: `personal`, the personal part of the score alone, or `whole`.
        best_fixed: The fixed policy with the greatest nDCG@10.
        rows: In the order of the policies.
    """

    target: Target
    part: str
    best_fixed: str
    rows: list[Compared]


class Comparison(NamedTuple):
    """What came out.

    Attributes:
        since: First day of the window.
        until: The day after its last.
        user_days: How many user-days were replayed, out of how many.
        tables: Of each part and target.
    """

    since: date
    until: date
    user_days: tuple[int, int]
    tables: list[Table]

    @property
    def evaluations(self) -> list[Evaluation]:
        """As rows of `evaluations`."""
        night = day_number(self.until) - 1
        return [
            Evaluation(night, table.target, row.variant, "all", metric, K, mean, low, high, n)
            for table in self.tables
            for row in table.rows
            for metric, (mean, low, high, n) in (("ndcg", row.ndcg), ("recall", row.recall))
        ]


def compare_decay(
    warehouse: Warehouse,
    settings: Settings,
    since: date | None = None,
    until: date | None = None,
    *,
    learned: bool = True,
    max_user_days: int | None = None,
    on_day: Callable[[int, int], None] | None = None,
) -> Comparison:
    """Replay a window, from what the warehouse can read.

    Args:
        warehouse: Of the tenant.
        settings: Its settings.
        since: First day; without it the window is the last 20% of interactions, in whole days.
        until: The day after the last.
        learned: Whether models are trained, and compared too.
        max_user_days: Replay a seeded sample of so many.
        on_day: Told how many days of the window are done, and of how many.

    Raises:
        NothingToEvaluate: There is nobody in the window.
    """
    history = read_everything(warehouse, settings)
    first, _ = window_of(history, since, until)
    return compared(
        history,
        settings,
        since,
        until,
        others=learned_policies(history, settings, first) if learned else (),
        max_user_days=max_user_days,
        on_day=on_day,
    )


def learned_policies(history: History, settings: Settings, day: int) -> list[InterestScorer]:
    """First stages that learned from what precedes a day: with several half-lives, and with one.

    Each has learned everything else too (what events weigh, projections, ids, how interests and
    trends mix), so what one half-life costs shows between the two, not beside the others.
    """
    from recsys_tasks.training import train  # noqa: PLC0415  seconds to import; only this pays

    data, options = training_of(history, settings)
    starts = {
        "learned": data.zero_shot,
        "learned_single": data.zero_shot.with_half_life(ONE_HALF_LIFE),
    }
    past = history.interactions.before(day)
    only_first = replace(options, second_stage=False)
    return [
        InterestScorer(
            name,
            train(replace(data, interactions=past, zero_shot=start), day, only_first).model,
            history.vectors,
        )
        for name, start in starts.items()
    ]


def compared(
    history: History,
    settings: Settings,
    since: date | None = None,
    until: date | None = None,
    *,
    others: Sequence[Scorer] = (),
    max_user_days: int | None = None,
    on_day: Callable[[int, int], None] | None = None,
) -> Comparison:
    """Replay a window of a history.

    Args:
        history: All that happened.
        settings: Their preset has the model.
        since: First day; without it the window is the last 20% of interactions, in whole days.
        until: The day after the last.
        others: What else to compare, such as an `InterestScorer` over a learned model; of what is
            none, the whole score alone.
        max_user_days: Replay a seeded sample of so many.
        on_day: Told how many days of the window are done, and of how many.

    Raises:
        NothingToEvaluate: There is nobody in the window.
    """
    first, end = window_of(history, since, until)
    parts = policies(preset_of(settings), history.vectors, others)
    met = replay(
        history.interactions,
        history.catalogue,
        len(history.user_keys),
        [scorer for part in parts for scorer in part.scorers],
        first,
        end,
        ks=(K,),
        max_user_days=max_user_days,
        on_day=(lambda day: on_day(day + 1 - first, end - first)) if on_day else None,
    )
    past = history.interactions.before(first)
    chosen = {best_before(part.single, past, history.catalogue, first) for part in parts}
    n_user_days = len(met.user_days)
    return Comparison(
        date_of(first),
        date_of(end),
        (n_user_days, n_user_days + met.n_left_out),
        [
            _table(met, target, part, chosen)
            for part, target in product(parts, met.targets)
            if len(in_segment(met, target, "all"))
        ],
    )


def _table(met: Replay, target: Target, part: Policies, chosen: set[str]) -> Table:
    """The policies of a part of the score on one target."""
    names = [scorer.name for scorer in part.scorers]
    measured = [values(met, target, name, metrics=("ndcg", "recall")) for name in names]
    means = {name: at[NDCG].mean() for name, at in zip(names, measured, strict=True)}
    best = max((scorer.name for scorer in part.fixed), key=means.__getitem__)
    reference = measured[names.index(best)][NDCG]
    columns = [(at[NDCG], at[RECALL], at[NDCG] - reference) for at in measured]
    users = met.user_days.users[in_segment(met, target, "all")]
    figures = intervals(list(chain.from_iterable(columns)), users)
    rows = [
        Compared(scorer.name, parameters_of(scorer), scorer.name in chosen, *figures[at : at + 3])
        for at, scorer in zip(range(0, len(figures), 3), part.scorers, strict=True)
    ]
    return Table(target, part.part, best, rows)
