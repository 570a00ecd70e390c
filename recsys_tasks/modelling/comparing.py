"""A candidate beside the model that serves, on days that neither learned from.

Both replay the same user-days by the protocol; what decides is the paired bootstrap interval of
NDCG@10. The candidate that is compared was trained on what precedes those days.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.errors import NothingToEvaluate
from recsys_tasks.evaluation import Scorer, differences, last_fifth, replay
from recsys_tasks.evaluation.measuring import values
from recsys_tasks.evaluation.replays import Replay
from recsys_tasks.evaluation.user_days import Target
from recsys_tasks.finetuning import tuned_until
from recsys_tasks.interactions import ALWAYS, Catalogue, Interactions, date_of, day_number
from recsys_tasks.interest_model import InterestModel, ZeroShot
from recsys_tasks.interest_scorer import InterestScorer
from recsys_tasks.modelling.fitting import Fitted
from recsys_tasks.presets import Preset
from recsys_tasks.warehouse.history import History

if TYPE_CHECKING:
    from recsys_tasks.reranking import SecondStage

MOST_DAYS = 28  # that a candidate is judged on: what came long ago says little of next week
MOST_USER_DAYS = 20_000  # replayed, a seeded sample of all; the interval hardly narrows with more
CANDIDATE, SERVING = "candidate", "serving"


class Comparison(NamedTuple):
    """What the replay found: the column validation.

    Attributes:
        since: First day of it.
        until: The day after its last.
        target: `new`, or `all` where lists may repeat whatever the user had.
        rival: Id of the model that served.
        candidate_ndcg: Mean NDCG@10 of the candidate.
        rival_ndcg: Of the model that served.
        difference: Of the means.
        ci_low: Lower end of the paired 95% bootstrap interval over users.
        ci_high: Its upper end.
        n: User-days.
        rival_knew_it: Whether the model that served had learned from these days.
    """

    since: date
    until: date
    target: str
    rival: str
    candidate_ndcg: float
    rival_ndcg: float
    difference: float
    ci_low: float
    ci_high: float
    n: int
    rival_knew_it: bool

    @property
    def wins(self) -> bool:
        """Whether the candidate is better beyond noise."""
        return self.ci_low > 0


class Rival(NamedTuple):
    """The model that serves, or one that was not trained.

    Attributes:
        model_id: Its name.
        model: Its parameters.
        second: Its second stage; None where it has none.
        trained_until: The day after the last that it learned from; None where it did not learn.
    """

    model_id: str
    model: InterestModel
    second: "SecondStage | None"
    trained_until: date | None


def window(interactions: Interactions, until: int, rival: Rival) -> int:
    """The first day of those that a candidate is judged on; they end before `until`.

    At most the last fifth of interactions and MOST_DAYS. Of the days since the rival's training,
    the first half is left to learn from: a candidate that knows no more than the rival cannot win.
    A rival that knows (nearly) all days is judged on days that it knows, in its favour.
    """
    since, _ = last_fifth(interactions.before(until))
    since = max(since, until - MOST_DAYS)
    if rival.trained_until is None:
        return since
    known = day_number(rival.trained_until)
    half = known + (until - known + 1) // 2
    return max(since, half) if half < until else since


def first_judged(interactions: Interactions, until: int) -> int:
    """The first day of those that a candidate is judged on where nothing was trained yet."""
    return window(interactions, until, Rival("", ZeroShot((), (), 0, (), ()), None, None))


def first_unknown(model: str, until: int) -> int:
    """The first day that an encoder's weights have not learned from.

    Raises:
        NothingToEvaluate: It is not before `until`.
    """
    known = tuned_until(model)
    first = day_number(known) if known else ALWAYS
    if first >= until:
        raise NothingToEvaluate(since=date_of(first), until=date_of(until))
    return first


def compare(
    history: History,
    candidate: Fitted | Rival,
    rival: Rival,
    since: int,
    until: int,
    preset: Preset,
    rival_history: History | None = None,
) -> Comparison:
    """Replay [since, until) with both, each with its second stage.

    Args:
        history: With the vectors that the candidate reads.
        candidate: Trained on what precedes `since`, or on nothing.
        rival: The model that serves.
        since: First day.
        until: The day after the last.
        preset: Says what lists may repeat.
        rival_history: The same with the vectors of another encoder, where the rival reads those.

    Raises:
        NothingToEvaluate: Nobody took to anything there.
    """
    scorers: list[Scorer] = [_scorer(CANDIDATE, history, candidate.model, candidate.second)]
    theirs = rival_history or history
    scorers.append(Reading(theirs.catalogue, _scorer(SERVING, theirs, rival.model, rival.second)))
    met, target = replayed(history, scorers, since, until, preset, MOST_USER_DAYS)
    found = differences(met, [CANDIDATE], metrics=["ndcg"], segments=["all"])
    if not found:
        raise NothingToEvaluate(since=date_of(since), until=date_of(until))
    return Comparison(
        date_of(since),
        date_of(until),
        target,
        rival.model_id,
        mean_ndcg(met, target, CANDIDATE),
        mean_ndcg(met, target, SERVING),
        found[0].difference,
        found[0].ci_low,
        found[0].ci_high,
        found[0].n,
        rival.trained_until is not None and day_number(rival.trained_until) > since,
    )


def replayed(
    history: History,
    scorers: Sequence[Scorer],
    since: int,
    until: int,
    preset: Preset,
    max_user_days: int,
) -> tuple[Replay, Target]:
    """Lists of 10 on [since, until), for what lists are there for.

    Args:
        history: All that happened.
        scorers: What ranks.
        since: First day.
        until: The day after the last.
        preset: Says what lists may repeat.
        max_user_days: Replay a seeded sample of so many.

    Returns:
        The replay, and its only target.
    """
    target: Target = "all" if preset.repeat.kind == "allow" else "new"
    met = replay(
        history.interactions,
        history.catalogue,
        len(history.user_keys),
        scorers,
        since,
        until,
        ks=(10,),
        targets=(target,),
        max_user_days=max_user_days,
    )
    return met, target


def everything(happened: Interactions) -> Interactions:
    """All that happened: what is seen where nothing is hidden."""
    return happened


@dataclass(frozen=True)
class Reading:
    """A scorer over vectors of its own: a replay has one catalogue, and two encoders have two.

    Attributes:
        catalogue: The replay's, with these vectors.
        scorer: What ranks.
        seen: What the scorer may see of what happened.
    """

    catalogue: Catalogue
    scorer: Scorer
    seen: Callable[[Interactions], Interactions] = everything

    @property
    def name(self) -> str:
        """Of the scorer."""
        return self.scorer.name

    def fit(self, past: Interactions, catalogue: Catalogue, day: int) -> None:
        """As the scorer does, on its own vectors."""
        del catalogue
        self.scorer.fit(self.seen(past), self.catalogue, day)

    def scores(self, past: Interactions, users: NDArray[np.int32], day: int) -> NDArray[np.float32]:
        """Of the scorer."""
        return self.scorer.scores(self.seen(past), users, day)


def _scorer(
    name: str, history: History, model: InterestModel, second: "SecondStage | None"
) -> Scorer:
    first = model.at(history.item_keys)
    if second is None:
        return InterestScorer(name, first, history.vectors)
    # Seconds to import; only who compares second stages pays.
    from recsys_tasks.training import RerankedScorer  # noqa: PLC0415

    return RerankedScorer(name, first, second.at(history.item_keys), history.vectors)


def mean_ndcg(met: Replay, target: Target, name: str) -> float:
    """Mean NDCG@10 of one of the scorers."""
    return float(np.nanmean(values(met, target, name, metrics=["ndcg"])["ndcg", 10]))
