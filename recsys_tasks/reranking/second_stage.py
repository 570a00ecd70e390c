"""The second stage: LightGBM ranks the candidates again.

LambdaMART (Burges, From RankNet to LambdaRank to LambdaMART, 2010) as LightGBM computes it
(`objective="lambdarank"`). One forest starts from nothing, one corrects the first stage's score;
their mean is what counts. What trees give is a sum of one part a feature and a constant
(`pred_contrib`, TreeSHAP of Lundberg et al., 2020), so that reasons stay additive.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Final, NamedTuple

import lightgbm
import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recsys_tasks.cooccurrence import Cooccurrence
from recsys_tasks.interactions import rows_of
from recsys_tasks.reranking.features import FEATURES
from recsys_tasks.reranking.gathering import Candidates

FIRST_STAGE: Final = FEATURES.index("first_stage")
BASES: Final = (0.0, 1.0)  # what the forests start from: nothing, and the first stage's score
# Of the first stage's score, added once more: trees are stopped on the days that judge them, so
# they look a little better than they are.
LEANING: Final = 0.25
MOST_TREES: Final = 600
PATIENCE: Final = 40  # trees without a better nDCG@10 after which growing stops
JUDGED_SHARE: Final = 0.15  # of the days, the last ones: they say when to stop
PARAMETERS: Final = {
    "objective": "lambdarank",
    "metric": "ndcg",
    "eval_at": [10],
    "learning_rate": 0.1,
    "num_leaves": 31,
    "min_data_in_leaf": 100,
    "lambda_l2": 5,
    "feature_fraction": 0.8,
    "lambdarank_truncation_level": 60,
    "max_bin": 63,
    "deterministic": True,
    "force_row_wise": True,
    "verbosity": -1,
}


class Groups(NamedTuple):
    """Candidates with what became of them, in ascending order of day.

    Attributes:
        features: As FEATURES names them, shape (c, len(FEATURES)).
        labels: 1 for what the user took to, shape (c,).
        sizes: Candidates of each group, shape (g,).
        days: Day of each group, shape (g,).
    """

    features: NDArray[np.float32]
    labels: NDArray[np.int8]
    sizes: NDArray[np.intp]
    days: NDArray[np.int32]


@dataclass(frozen=True)
class SecondStage:
    """Grown forests, and how items speak for each other.

    Attributes:
        trees: LightGBM's text of each forest; what they give is averaged.
        base: What the first stage's score is multiplied by before that is added.
        item_keys: Rows and columns of `together`, shape (n_items,).
        together: As of the day until which the model was trained.
    """

    trees: tuple[str, ...]
    base: float
    item_keys: NDArray[np.int32]
    together: Cooccurrence

    @property
    def is_of_these_features(self) -> bool:
        """Whether the forests read what FEATURES names: another version's may read other things."""
        return all(forest.feature_name() == list(FEATURES) for forest in self._forests)

    @cached_property
    def _forests(self) -> list[lightgbm.Booster]:
        return [lightgbm.Booster(model_str=text) for text in self.trees]

    def scores(self, candidates: Candidates) -> NDArray[np.float32]:
        """Higher is better, shape (c,)."""
        if not len(candidates.users):
            return np.zeros(0, np.float32)
        given = [np.asarray(forest.predict(candidates.features)) for forest in self._forests]
        scores = self.base * candidates.features[:, FIRST_STAGE] + np.mean(given, axis=0)
        return np.asarray(scores, np.float32)

    def contributions(self, candidates: Candidates) -> NDArray[np.float32]:
        """What each feature gives to the score, and last the constant: (c, len(FEATURES) + 1).

        The feature `first_stage` has what the score starts from added to what the trees make of it.
        """
        if not len(candidates.users):
            return np.zeros((0, len(FEATURES) + 1), np.float32)
        given = [
            np.asarray(forest.predict(candidates.features, pred_contrib=True))
            for forest in self._forests
        ]
        parts = np.mean(given, axis=0)
        parts[:, FIRST_STAGE] += self.base * candidates.features[:, FIRST_STAGE]
        return np.asarray(parts, np.float32)

    def at(self, item_keys: NDArray[np.int32]) -> "SecondStage":
        """The same for items in another order; those that it never met speak for none."""
        rows, is_known = rows_of(self.item_keys, item_keys)
        places = np.flatnonzero(is_known)
        shape = (len(item_keys), len(self.item_keys))
        chosen = sparse.csr_matrix(
            (np.ones(len(places), np.float32), (places, rows[places])), shape=shape
        )
        together = Cooccurrence(*(chosen @ matrix @ chosen.T for matrix in self.together))
        return SecondStage(self.trees, self.base, item_keys, together)


def with_the_rest(
    found: Candidates, scores: NDArray[np.float32], first: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Scores of all items: below each user's candidates the first stage's order goes on.

    Args:
        found: The candidates of n users.
        scores: Of the candidates.
        first: Of all items, by the first stage, shape (n, n_items).
    """
    least = np.full(len(first), np.inf, np.float32)
    np.minimum.at(least, found.users, scores)
    # Only just below: far away, float32 would not tell the rest apart, nor a policy the candidates.
    highest = np.where(np.isinf(least), 0, least - 1)
    whole = first - first.max(axis=1, keepdims=True) + highest[:, None]
    whole[found.users, found.items] = scores
    return np.asarray(whole, np.float32)


class Grown(NamedTuple):
    """Forests, and what they start from.

    Attributes:
        trees: LightGBM's text of each.
        base: What the first stage's score is multiplied by.
    """

    trees: tuple[str, ...]
    base: float


def grow(groups: Groups, seed: int) -> Grown:
    """Fit a forest that starts from nothing and one that starts from the first stage.

    Their mean is steadier than either. The last days say when growing stops.

    Args:
        groups: Of two days at least.
        seed: Of the columns that each tree sees.
    """
    first_judged = np.quantile(groups.days, 1 - JUDGED_SHARE, method="higher")
    # The first day is learned from even where most groups are of it.
    is_judged = groups.days >= max(first_judged, groups.days.min() + 1)
    forests = [_grow(groups, is_judged, base, seed) for base in BASES]
    trees = tuple(
        str(forest.model_to_string(num_iteration=forest.best_iteration)) for forest in forests
    )
    return Grown(trees, float(np.mean(BASES)) + LEANING)


def _grow(groups: Groups, is_judged: NDArray[np.bool_], base: float, seed: int) -> lightgbm.Booster:
    """The forest, whose best number of trees is the one that ranked the judged days best."""
    learned = _dataset(groups, ~is_judged, base)
    return lightgbm.train(
        {**PARAMETERS, "seed": seed},
        learned,
        MOST_TREES,
        valid_sets=[_dataset(groups, is_judged, base, learned)],
        callbacks=[lightgbm.early_stopping(PATIENCE, verbose=False)],
    )


def _dataset(
    groups: Groups,
    chosen: NDArray[np.bool_],
    base: float,
    reference: lightgbm.Dataset | None = None,
) -> lightgbm.Dataset:
    """The chosen groups, as LightGBM takes them."""
    rows = np.repeat(chosen, groups.sizes)
    features = groups.features[rows]
    return lightgbm.Dataset(
        features,
        groups.labels[rows],
        group=groups.sizes[chosen],
        init_score=base * features[:, FIRST_STAGE].astype(np.float64),
        reference=reference,
        feature_name=list(FEATURES),
    )
