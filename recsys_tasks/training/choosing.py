"""What validation decides: when to stop, how interests and trends mix, and which stage ranks.

Everything is chosen on the last days before the cut, by the protocol's own replay (target `new`,
NDCG@10): on days that nothing which is compared has learned from.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.errors import NothingToEvaluate
from recsys_tasks.evaluation.judging import judge
from recsys_tasks.evaluation.metrics import ndcg
from recsys_tasks.evaluation.protocol import Scorer, replay
from recsys_tasks.interactions import Catalogue, Interactions
from recsys_tasks.interest_model import Learned
from recsys_tasks.interest_scorer import InterestScorer

K: Final = 10
MOST_USER_DAYS: Final = 1500
MOST_DAYS: Final = 200  # each costs a look at the whole catalogue, however few came
STRENGTHS: Final = (1.0, 0.5, 2.0, 0.25, 0.0)  # of interests against trends; 0 is trends alone


class Mix(NamedTuple):
    """How a learned model's parts are put together.

    Attributes:
        strength: What interests are multiplied by.
        trend: Place of the one trend half-life whose logarithm makes the rest of the score; None
            for all that training learned of items.
    """

    strength: float
    trend: int | None


def mixed(model: Learned, mix: Mix) -> Learned:
    """The model with its parts put together anew."""
    scaled = replace(model, scales=model.scales * np.float32(mix.strength))
    if mix.trend is None:
        return scaled
    tau = np.zeros_like(model.tau)
    tau[mix.trend] = 1
    return replace(scaled, tau=tau, tau_by_mass=np.zeros_like(tau))


def mixes(model: Learned, *, trends_alone: bool = True) -> list[Mix]:
    """What is tried, as it was learned first; a trend alone is a floor, where there are any."""
    alone = range(len(model.trend_half_lives)) if trends_alone else ()
    trends: Sequence[int | None] = (None, *alone)
    return [Mix(strength, trend) for trend, strength in product(trends, STRENGTHS)]


@dataclass
class MixScorer:
    """One mix, beside others over the same two sides of a score.

    Attributes:
        parts: Shared by all mixes of a model.
        mix: The mix.
    """

    parts: "Parts"
    mix: Mix

    @property
    def name(self) -> str:
        """The mix."""
        return str(tuple(self.mix))

    def fit(self, past: Interactions, catalogue: Catalogue, day: int) -> None:
        """Nothing: the model has learned; its counts start."""
        self.parts.fit(past, catalogue, day)

    def scores(self, past: Interactions, users: NDArray[np.int32], day: int) -> NDArray[np.float32]:
        """As the mixed model scores; shape (n, n_items)."""
        personal, trends, learned = self.parts.of(past, users, day)
        rest = learned if self.mix.trend is None else trends[:, self.mix.trend]
        return np.asarray(self.mix.strength * personal + rest, np.float32)


@dataclass
class Parts:
    """Both parts of a model's scores, computed once for all mixes."""

    scorer: InterestScorer
    _asked: tuple[int, bytes] | None = field(init=False, default=None)
    _answer: tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]] = field(
        init=False, repr=False
    )

    def fit(self, past: Interactions, catalogue: Catalogue, day: int) -> None:
        """Let counts start."""
        self.scorer.fit(past, catalogue, day)
        self._asked = None

    def of(
        self, past: Interactions, users: NDArray[np.int32], day: int
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        """The personal part, (n, n_items); the items' features, (n_items, F); what they give."""
        if self._asked != (day, users.tobytes()):
            self._asked = (day, users.tobytes())
            rank = self.scorer.model.rank(self.scorer.vectors.shape[1])
            items = self.scorer.item_side(self.scorer.facts(past, day))
            sides = self.scorer.user_side(past, users, day)
            features = items[:, rank:]
            personal = sides[:, :rank] @ items[:, :rank].T
            self._answer = (personal, features, sides[:, rank:] @ features.T)
        return self._answer


@dataclass(frozen=True)
class Trial:
    """Days on which candidates are compared.

    Attributes:
        interactions: In ascending order of time.
        catalogue: All items.
        since: First day.
        until: The day after the last.
    """

    interactions: Interactions
    catalogue: Catalogue
    since: int
    until: int

    def ndcg(self, scorers: Iterable[Scorer]) -> dict[str, float]:
        """Mean NDCG@10 of each by name, target `new`; nothing where nobody took to anything."""
        judged = list(scorers)
        n_users = int(self.interactions.users.max(initial=-1)) + 1
        try:
            met = replay(
                self.interactions,
                self.catalogue,
                n_users,
                judged,
                self.since,
                self.until,
                ks=(K,),
                targets=("new",),
                max_user_days=MOST_USER_DAYS,
                max_days=MOST_DAYS,
            )
        except NothingToEvaluate:
            return {}
        lists = {scorer.name: judge(met, "new", scorer.name, "all") for scorer in judged}
        found = {name: ndcg(each.hits, each.n_relevant) for name, each in lists.items()}
        return {name: float(values.mean()) for name, values in found.items() if len(values)}

    def mix(self, model: Learned, scorer: InterestScorer, *, trends_alone: bool = True) -> Mix:
        """The best mix of a model; of equals, the first."""
        parts = Parts(scorer)
        tried = mixes(model, trends_alone=trends_alone)
        found = self.ndcg(MixScorer(parts, mix) for mix in tried)
        names = [str(tuple(mix)) for mix in tried]
        return tried[int(np.argmax([found.get(name, 0.0) for name in names]))]
