"""A list out of ranked candidates: diverse, capped by category, with a share of new items.

Diversity is the greedy mode of a determinantal point process (Chen, Zhang and Zhou, Fast greedy MAP
inference for determinantal point process, NeurIPS 2018): rank by rank, the candidate with the
largest

    (1 - theta) * relevance(item) + theta * log volume(item)

Relevance is the score, stretched so that the best candidate has 1 and the last of the plain list 0.
Volume is what the item adds to the determinant of the cosines of the listed items' centred texts:
the squared sine of the angle between its text and all that the items above it span, 1 where it has
nothing in common with them, or no text. Rank 1 is always the best score.
"""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.interactions import NO_ROW
from recsys_tasks.ranking.exact import Lists
from recsys_tasks.ranking.policy import TEN, ListedItems, ListPolicy

if TYPE_CHECKING:
    from torch import Tensor

_MOST_COSINES = 1 << 23  # held at once: candidates squared, a user
_LEAST_VOLUME = 1e-6  # of an item that says what is said already


def arrange(pool: Lists, policy: ListPolicy, items: ListedItems, device: str = "cpu") -> Lists:
    """The lists that a policy makes of candidates.

    Args:
        pool: Candidates of n users, each once, in any order; NO_ROW stands for none. Shape (n, P).
        policy: What the lists should be.
        items: By row.
        device: Where torch computes.

    Returns:
        Lists of width min(length, P) with the scores of the pool. A list is short only where the
        user has fewer candidates: first the share of new items yields, then the cap. Where two
        items are equally good, the lower row comes first.
    """
    import torch  # noqa: PLC0415  seconds to import; only who ranks pays

    n_candidates = pool.rows.shape[1]
    width = min(policy.length, n_candidates)
    batch_size = max(_MOST_COSINES // max(n_candidates, 1) ** 2, 1)
    lists = Lists(
        np.full((len(pool.rows), width), NO_ROW, np.int32),
        np.full((len(pool.rows), width), -np.inf, np.float32),
    )
    catalogue = _Catalogue(*(torch.from_numpy(known).to(device) for known in items))
    for start in range(0, len(pool.rows) if width else 0, batch_size):
        batch = slice(start, start + batch_size)
        # Ascending rows: the first of equals, which argmax finds, is the lower row.
        order = np.argsort(pool.rows[batch], axis=1, kind="stable")
        rows = np.take_along_axis(pool.rows[batch], order, axis=1)
        scores = np.take_along_axis(pool.scores[batch], order, axis=1)
        with torch.inference_mode():
            known = _Candidates.of(rows, scores, policy, catalogue)
            places = _places(known, policy, width).cpu().numpy()
        is_there = places != NO_ROW
        lists.rows[batch] = np.where(is_there, np.take_along_axis(rows, places, axis=1), NO_ROW)
        lists.scores[batch] = np.where(
            is_there, np.take_along_axis(scores, places, axis=1), -np.inf
        )
    return lists


class _Catalogue(NamedTuple):
    """ListedItems where torch computes."""

    directions: "Tensor"
    categories: "Tensor"
    are_new: "Tensor"


class _Candidates(NamedTuple):
    """What is known of P candidates of each of b users; shape (b, P) where nothing else is said.

    Attributes:
        are_there: Whether it is a candidate at all.
        relevance: 1 for the best, 0 for the last of the plain list; -inf for none.
        cosines: Of each two of them, shape (b, P, P); None where diversity does not count.
        categories: As in ListedItems.
        are_new: As in ListedItems.
    """

    are_there: "Tensor"
    relevance: "Tensor"
    cosines: "Tensor | None"
    categories: "Tensor"
    are_new: "Tensor"

    @classmethod
    def of(
        cls,
        rows: NDArray[np.int32],
        scores: NDArray[np.float32],
        policy: ListPolicy,
        catalogue: _Catalogue,
    ) -> "_Candidates":
        """Candidates by their rows, NO_ROW for none, and scores; shape (b, P) each."""
        import torch  # noqa: PLC0415  as in arrange

        at = torch.from_numpy(rows).to(catalogue.directions.device)
        directions = catalogue.directions[at] if policy.diversity else None
        return cls(
            at != NO_ROW,
            _relevance(torch.from_numpy(scores).to(at.device), policy.length),
            None if directions is None else directions @ directions.transpose(1, 2),
            catalogue.categories[at],
            catalogue.are_new[at],
        )


def _relevance(scores: "Tensor", length: int) -> "Tensor":
    """Scores, stretched so that the best of each row has 1 and the length-th best 0."""
    import torch  # noqa: PLC0415  as in arrange

    best = scores.topk(min(length, scores.shape[1]), dim=1).values
    top = best[:, :1]
    last = torch.where(best.isfinite(), best, torch.inf).amin(dim=1, keepdim=True)
    spread = torch.where(last < top, top - last, 1)
    return torch.where(scores.isfinite(), (scores - last) / spread, -torch.inf)


def _places(known: _Candidates, policy: ListPolicy, width: int) -> "Tensor":
    """Positions of the listed candidates, best first, shape (b, width); NO_ROW after the last."""
    import torch  # noqa: PLC0415  as in arrange

    n, _ = known.are_there.shape
    every = torch.arange(n, device=known.are_there.device)
    left, volumes = known.are_there.clone(), torch.ones_like(known.relevance)
    factors = torch.zeros(n, width if policy.diversity else 0, left.shape[1], device=left.device)
    in_ten = torch.zeros_like(known.categories)
    n_new = torch.zeros(n, dtype=torch.int32, device=left.device)
    places = torch.full((n, width), NO_ROW, device=left.device)
    for place, wanted in enumerate(policy.new_by_rank()[:width].tolist()):
        if place % TEN == 0:
            in_ten.zero_()
        theta = policy.diversity if place else 0.0
        value = (1 - theta) * known.relevance + theta * volumes.clamp(min=_LEAST_VOLUME).log()
        allowed = _allowed(known, policy, left, in_ten, n_new < wanted)
        best = torch.where(allowed, value, -torch.inf).argmax(dim=1)
        places[:, place] = torch.where(allowed.any(dim=1), best, NO_ROW)
        left[every, best] = False
        n_new += known.are_new[every, best]
        if policy.category_cap:
            category = known.categories[every, best, None]
            in_ten += (known.categories == category) & (category != NO_ROW)
        if known.cosines is not None:
            length = volumes[every, best, None].clamp(min=_LEAST_VOLUME).sqrt()
            spanned = factors[every, None, :place, best] @ factors[:, :place]
            factors[:, place] = (known.cosines[every, best] - spanned[:, 0]) / length
            volumes -= factors[:, place].square()
    return places


def _allowed(
    known: _Candidates, policy: ListPolicy, left: "Tensor", in_ten: "Tensor", lacks_new: "Tensor"
) -> "Tensor":
    """Which of the candidates left may take the next rank, shape (b, P)."""
    allowed = left
    if policy.category_cap:
        allowed = _narrowed(allowed, in_ten < policy.category_cap)
    if policy.new_item_share:
        allowed = _narrowed(allowed, known.are_new | ~lacks_new[:, None])
    return allowed


def _narrowed(allowed: "Tensor", wanted: "Tensor") -> "Tensor":
    """Those that are wanted too; where there is none, all that were allowed."""
    import torch  # noqa: PLC0415  as in arrange

    both = allowed & wanted
    return torch.where(both.any(dim=1, keepdim=True), both, allowed)
