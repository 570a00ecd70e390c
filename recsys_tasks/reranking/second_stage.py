"""The second stage: LightGBM ranks the candidates again.

LambdaMART (Burges, From RankNet to LambdaRank to LambdaMART, 2010) as LightGBM computes it
(`objective="lambdarank"`). Where the last days prefer it, the trees correct the first stage's
score; else they start from nothing. What they give is a sum of one part a feature and a constant
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
BASES: Final = (0.0, 1.0)
MOST_TREES: Final = 600
PATIENCE: Final = 40  # trees without a better nDCG@10 after which growing stops
JUDGED_SHARE: Final = 0.15  # of the days, the last ones: they say when to stop
PARAMETERS: Final = {
    "objective": "lambdarank",
    "metric": "ndcg",
    "eval_at": [10],
    "learning_rate": 0.1,
    "num_leaves": 15,
    "min_data_in_leaf": 50,
    "lambda_l2": 5,
    "feature_fraction": 0.8,
    "lambdarank_truncation_level": 20,
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
    """A grown ranker, and how items speak for each other.

    Attributes:
        trees: LightGBM's text of the model.
        base: What the first stage's score is multiplied by before the trees' is added.
        item_keys: Rows and columns of `together`, shape (n_items,).
        together: As of the day until which the model was trained.
    """

    trees: str
    base: float
    item_keys: NDArray[np.int32]
    together: Cooccurrence

    @cached_property
    def _booster(self) -> lightgbm.Booster:
        return lightgbm.Booster(model_str=self.trees)

    def scores(self, candidates: Candidates) -> NDArray[np.float32]:
        """Higher is better, shape (c,)."""
        if not len(candidates.users):
            return np.zeros(0, np.float32)
        grown = np.asarray(self._booster.predict(candidates.features))
        scores = self.base * candidates.features[:, FIRST_STAGE] + grown
        return np.asarray(scores, np.float32)

    def contributions(self, candidates: Candidates) -> NDArray[np.float32]:
        """What each feature gives to the score, and last the constant: (c, len(FEATURES) + 1).

        The feature `first_stage` has what the score starts from added to what the trees make of it.
        """
        if not len(candidates.users):
            return np.zeros((0, len(FEATURES) + 1), np.float32)
        parts = np.asarray(self._booster.predict(candidates.features, pred_contrib=True))
        parts[:, FIRST_STAGE] += self.base * candidates.features[:, FIRST_STAGE]
        return parts.astype(np.float32)

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


class Grown(NamedTuple):
    """Trees, and what they start from.

    Attributes:
        trees: LightGBM's text of them.
        base: What the first stage's score is multiplied by.
        ndcg: NDCG@10 on the days that decided.
    """

    trees: str
    base: float
    ndcg: float


def grow(groups: Groups, seed: int) -> Grown:
    """Fit rankers that start from nothing and from the first stage; the better one.

    The last days say when growing stops, and which is better; of equals, what starts from nothing.

    Args:
        groups: Of two days at least.
        seed: Of the columns that each tree sees.
    """
    first_judged = np.quantile(groups.days, 1 - JUDGED_SHARE, method="higher")
    # The first day is learned from even where most groups are of it.
    is_judged = groups.days >= max(first_judged, groups.days.min() + 1)
    return max((_grow(groups, is_judged, base, seed) for base in BASES), key=lambda one: one.ndcg)


def _grow(groups: Groups, is_judged: NDArray[np.bool_], base: float, seed: int) -> Grown:
    """The ranker at the number of trees that ranked the judged days best."""
    learned = _dataset(groups, ~is_judged, base)
    booster = lightgbm.train(
        {**PARAMETERS, "seed": seed},
        learned,
        MOST_TREES,
        valid_sets=[_dataset(groups, is_judged, base, learned)],
        callbacks=[lightgbm.early_stopping(PATIENCE, verbose=False)],
    )
    trees = booster.model_to_string(num_iteration=booster.best_iteration)
    return Grown(str(trees), base, float(booster.best_score["valid_0"]["ndcg@10"]))


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
