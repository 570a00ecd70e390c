"""The policies that are compared: everything else about the model stays the same."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.decay import ENDLESS
from recsys_tasks.evaluation.policies.fixed_alpha import FixedAlphaScorer
from recsys_tasks.evaluation.protocol import Scorer
from recsys_tasks.interactions import Catalogue, Interactions
from recsys_tasks.interest_model import InterestModel, ZeroShot
from recsys_tasks.interest_scorer import InterestScorer
from recsys_tasks.presets import Preset

ALPHAS: Final = (0.5, 0.7, 0.9, 0.95, 0.99)
HALF_LIVES: Final = (1.0, 2.0, 3.5, 7.0, 14.0, 30.0, 60.0, 120.0, 240.0)  # days


@dataclass
class PersonalPart:
    """The personal part of a model's score alone, without trends: where decay shows.

    Attributes:
        scorer: Of the whole score.
    """

    scorer: InterestScorer

    @property
    def name(self) -> str:
        """The whole score's, and that it is a part of it."""
        return f"{self.scorer.name}_personal"

    def fit(self, past: Interactions, catalogue: Catalogue, day: int) -> None:
        """As the whole."""
        self.scorer.fit(past, catalogue, day)

    def scores(self, past: Interactions, users: NDArray[np.int32], day: int) -> NDArray[np.float32]:
        """Shape (n, n_items)."""
        rank = self.scorer.model.rank(self.scorer.vectors.shape[1])
        theirs = self.scorer.user_side(past, users, day)[:, :rank]
        items = self.scorer.item_side(self.scorer.facts(past, day))[:, :rank]
        return np.asarray(theirs @ items.T, np.float32)


def personal_parts(scorers: Sequence[Scorer]) -> list[Scorer]:
    """Of those that have one."""
    return [PersonalPart(scorer) for scorer in scorers if isinstance(scorer, InterestScorer)]


class Policies(NamedTuple):
    """What is compared on one part of the score.

    Attributes:
        part: `personal` or `whole`.
        fixed: Policies of one number, which is the same for everybody, or of none.
        single: Those of them that are single half-lives.
        adaptive: The others.
    """

    part: str
    fixed: list[Scorer]
    single: list[Scorer]
    adaptive: list[Scorer]

    @property
    def scorers(self) -> list[Scorer]:
        """All of them, fixed ones first."""
        return [*self.fixed, *self.adaptive]


def policies(
    preset: Preset, vectors: NDArray[np.float32], others: Sequence[Scorer] = ()
) -> tuple[Policies, Policies]:
    """The zero-shot model over interests that do not ebb, ebb by fixed alphas, and by half-lives.

    A fixed alpha knows no evidence. So how strong its interests are beside trends is open, and on
    the whole score each stands twice: at a mass of 1 as any other, and without the prior mass.

    Args:
        preset: Has the model, and the several half-lives.
        vectors: Of items, by row of the catalogue, then of what users wrote.
        others: Adaptive policies besides.

    Returns:
        On the personal part of the score, without those that have none, and on the whole score.
    """
    model = ZeroShot.of(preset)
    endless = model.with_half_life(*ENDLESS)
    single: list[Scorer] = [
        InterestScorer(f"half_life_{days:g}", model.with_half_life(days), vectors)
        for days in HALF_LIVES
    ]
    unshrunk = endless._replace(prior_mass=0.0)
    none = InterestScorer("no_decay", endless, vectors)
    by_alpha = [FixedAlphaScorer(f"fixed_alpha_{a:g}", endless, vectors, a) for a in ALPHAS]
    strong = [FixedAlphaScorer(f"fixed_alpha_{a:g}_strong", unshrunk, vectors, a) for a in ALPHAS]
    adaptive = [InterestScorer("several_half_lives", model, vectors), *others]
    shared = [none, *by_alpha, *single], single, adaptive
    personal = map(personal_parts, shared)
    whole = Policies("whole", [none, *by_alpha, *strong, *single], single, adaptive)
    return Policies("personal", *personal), whole


def parameters_of(scorer: Scorer) -> str:
    """A policy's parameters in words; nothing where it is no policy of decay.

    Half-lives are mixed by their gains for a user of mass 1.
    """
    match scorer:
        case PersonalPart(whole):
            return parameters_of(whole)
        case FixedAlphaScorer(alpha=alpha, model=ZeroShot(prior_mass=0)):
            return f"alpha {alpha:g} an active day, without prior mass"
        case FixedAlphaScorer(alpha=alpha):
            return f"alpha {alpha:g} an active day"
        case InterestScorer(model=model) if model.half_lives == ENDLESS:
            return "all days alike"
        case InterestScorer(model=model):
            return _in_words(model)
    return ""


def _in_words(model: InterestModel) -> str:
    """Half-lives, and how they are mixed if there are several."""
    days = ", ".join(f"{days:.3g}" for days in model.half_lives)
    if len(model.half_lives) == 1:
        return f"{days} day{'' if days == '1' else 's'}"
    gains = model.gains(np.ones((1, len(model.half_lives)), np.float32))[0]
    if not gains.any():
        return f"{days} days, of no weight beside trends"
    shares = ", ".join(f"{share:.2f}" for share in gains / gains.sum())
    return f"{days} days, mixed {shares}"
