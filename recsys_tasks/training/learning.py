"""A training from a history to a model: fit, choose, fit again on everything."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np
import structlog

from recsys_tasks.cooccurrence import Cooccurrence, cooccurrence
from recsys_tasks.evaluation.baselines import popularity_baselines
from recsys_tasks.evaluation.protocol import Scorer, sample
from recsys_tasks.evaluation.user_days import user_days
from recsys_tasks.histories import user_items
from recsys_tasks.interest_model import Learned
from recsys_tasks.interest_scorer import InterestScorer
from recsys_tasks.reranking import Grown, SecondStage, grow
from recsys_tasks.reranking.describing import Describer
from recsys_tasks.training.choosing import Mix, Trial, mixed
from recsys_tasks.training.fitting import Fitting
from recsys_tasks.training.options import TrainingData, TrainingOptions
from recsys_tasks.training.ranked_days import ranked_days
from recsys_tasks.training.reranked_scorer import RerankedScorer

log = structlog.get_logger()

FIRST_SHARE: Final = 0.7  # of the interactions: the first stage that is judged learns from them
JUDGED_SHARE: Final = 0.15  # of the rest, the last ones: stages are compared on them
ABOUT: Final = 0.98  # of the best validation: less than its noise
SLOWER: Final = 3.0  # what a learning rate that is too fast is divided by
LEAST_GROUPS: Final = 50  # that a second stage can be grown from


class Choice(NamedTuple):
    """What validation decided.

    Attributes:
        n_passes: Over the examples.
        learning_rate: Of the fit.
        mix: Of interests and trends.
        grown: Of the second stage; None where there is none.
        order: Whose order of items was best on the last days: `reranked`, `interest`, `content` or
            a baseline's name.
        validation: NDCG@10 of each, target `new`, on these days.
    """

    n_passes: int
    learning_rate: float
    mix: Mix
    grown: Grown | None
    order: str
    validation: dict[str, float]


class Facts(NamedTuple):
    """What a training met, in numbers.

    Attributes:
        examples: User-days that the first stage learned from.
        passes: Over them.
        has_second_stage: Whether there is one.
    """

    examples: int
    passes: int
    has_second_stage: bool


class Training(NamedTuple):
    """What came out.

    Attributes:
        model: The first stage.
        second_stage: None where it does not help, or was not asked for.
        choice: What validation decided.
        facts: In numbers.
    """

    model: Learned
    second_stage: SecondStage | None
    choice: Choice
    facts: Facts

    @property
    def helpful_second_stage(self) -> SecondStage | None:
        """The second stage, if validation found it better than the first alone."""
        found = self.choice.validation
        helps = found.get("reranked", -1.0) > found.get("interest", -1.0)
        return self.second_stage if helps else None


def train(
    data: TrainingData,
    until: int,
    options: TrainingOptions,
    choice: Choice | None = None,
    on_stage: Callable[[str], None] | None = None,
) -> Training:
    """Train on what precedes a day.

    Args:
        data: The history; what happens from `until` on is not read.
        until: The day after the last that is learned from.
        options: How.
        choice: What an earlier training decided; it is decided anew without.
        on_stage: Told what is being done.
    """
    tell = on_stage or (lambda _: None)
    choice = choice or choose(data, until, options, tell)
    tell("learning from everything")
    fitting = Fitting(data, until, replace(options, learning_rate=choice.learning_rate))
    for _ in fitting.passes(choice.n_passes):
        pass
    model = mixed(fitting.model(), choice.mix)
    stage = None
    if choice.grown is not None:
        stage = _second_stage(choice.grown, data, _together(data, until))
    facts = Facts(fitting.n_examples, choice.n_passes, stage is not None)
    return Training(model, stage, choice, facts)


def choose(
    data: TrainingData, until: int, options: TrainingOptions, tell: Callable[[str], None]
) -> Choice:
    """Decide everything that validation decides."""
    past = data.interactions.before(until)
    cut = _day_at(past.times, FIRST_SHARE, until)
    trial = Trial(past, data.catalogue, cut, until)
    tell("learning from the first part")
    options, model, n_passes = _best_fit(data, cut, options, trial)
    tell("mixing interests and trends")
    mix = trial.mix(
        model,
        InterestScorer("interest", model, data.vectors),
        trends_alone="trends" not in options.without,
    )
    first = mixed(model, mix)
    together = _together(data, cut)
    judged_since = _day_at(past.between(cut, until).times, 1 - JUDGED_SHARE, until)
    scorers: list[Scorer] = [
        InterestScorer("content", data.zero_shot, data.vectors),
        InterestScorer("interest", first, data.vectors),
        *popularity_baselines(),
    ]
    grown = None
    if options.second_stage:
        tell("growing the second stage")
        grown = _grow(data, first, together, cut, until, options)
    if grown is not None:
        stage = _second_stage(grown, data, together)
        scorers.insert(0, RerankedScorer("reranked", first, stage, data.vectors))
    found = Trial(past, data.catalogue, judged_since, until).ndcg(scorers)
    order = max(found, key=lambda name: found[name]) if found else "content"
    log.info("chose", passes=n_passes, mix=tuple(mix), order=order, **_rounded(found))
    return Choice(n_passes, options.learning_rate, mix, grown, order, found)


def _rounded(found: dict[str, float]) -> dict[str, float]:
    return {name: round(value, 4) for name, value in found.items()}


class _Fit(NamedTuple):
    """The best of several passes."""

    options: TrainingOptions
    model: Learned
    n_passes: int
    ndcg: float


def _best_fit(
    data: TrainingData, cut: int, options: TrainingOptions, trial: Trial
) -> tuple[TrainingOptions, Learned, int]:
    """The model that validates best, how it was fitted, and with how many passes.

    Where the first pass is the best one, the fit is too fast for the data: a slower one is tried.
    """
    best = _best_pass(data, cut, options, trial)
    if best.n_passes <= 1:
        slower = replace(options, learning_rate=options.learning_rate / SLOWER)
        best = max(best, _best_pass(data, cut, slower, trial), key=lambda fit: fit.ndcg)
    return best.options, best.model, best.n_passes


def _best_pass(data: TrainingData, cut: int, options: TrainingOptions, trial: Trial) -> _Fit:
    """The model after the last pass that validates about as well as the best one.

    The fit on everything has more to learn from, and wears out later than the one that is judged.
    """
    fitting = Fitting(data, cut, options)
    fits = [_Fit(options, fitting.model(), 0, -1.0)]
    for n, candidate in enumerate(fitting.passes(options.max_passes), start=1):
        scorer = InterestScorer("interest", candidate, data.vectors)
        value = trial.ndcg([scorer]).get("interest", 0.0)
        log.info("passed", n=n, learning_rate=options.learning_rate, ndcg=round(value, 4))
        fits.append(_Fit(options, candidate, n, value))
        if n >= _best(fits).n_passes + options.patience:
            break
    best = _best(fits).ndcg
    enough = min(best, ABOUT * best)  # without any pass, the best is below 0
    return next(fit for fit in reversed(fits) if fit.ndcg >= enough)


def _best(fits: "list[_Fit]") -> _Fit:
    """Of equals, the first."""
    return max(fits, key=lambda fit: fit.ndcg)


def _grow(
    data: TrainingData,
    first: Learned,
    together: Cooccurrence,
    cut: int,
    until: int,
    options: TrainingOptions,
) -> Grown | None:
    """The second stage, from days that the first stage does not know; None of too few."""
    past, n_items = data.interactions.before(until), len(data.catalogue)
    n_users = int(past.users.max(initial=-1)) + 1
    everyone = user_days(past, data.catalogue, n_users, cut, until)
    asked = sample(everyone, options.max_ranked_days, options.seed)
    describer = Describer(first, together, data.vectors, data.catalogue, cut)
    groups = ranked_days(describer, past, asked, n_items)
    if len(groups.sizes) < LEAST_GROUPS or len(np.unique(groups.days)) < 2:  # noqa: PLR2004
        return None
    return grow(groups, options.seed)


def _second_stage(grown: Grown, data: TrainingData, together: Cooccurrence) -> SecondStage:
    return SecondStage(grown.trees, grown.base, data.item_keys, together)


def _together(data: TrainingData, day: int) -> Cooccurrence:
    return cooccurrence(user_items(data.interactions.before(day), len(data.catalogue)))


def _day_at(times: "np.ndarray[tuple[int], np.dtype[np.float64]]", share: float, end: int) -> int:
    """The day on which a share of the interactions lies behind; `end` where there are none."""
    return int(np.floor(times[int(share * len(times))])) if len(times) else end
