"""Lists by a policy, chunk by chunk of users."""

import numpy as np

from recsys_tasks.interactions import NO_ROW
from recsys_tasks.ranking.arranging import arrange
from recsys_tasks.ranking.candidates import Ranking, candidates
from recsys_tasks.ranking.exact import Lists
from recsys_tasks.ranking.policy import ListedItems, ListPolicy

_CHUNK = 4096  # users whose candidates are held at once


def make_lists(
    ranking: Ranking, policy: ListPolicy, items: ListedItems, *, device: str = "cpu"
) -> Lists:
    """The lists of all users, as the policy says.

    Args:
        ranking: Of n users and n_items items; what no list may hold is left out of it.
        policy: What the lists should be.
        items: By row.
        device: Where torch computes.

    Returns:
        Lists of width min(length, n_items); a list is shorter only where the user has fewer items
        left. Scores are the ranking's own: where `policy.reorders`, they need not descend, but the
        first is the best.
    """
    everybody = np.arange(len(ranking))
    if not policy.reorders:
        return ranking.best(everybody, policy.length)
    shape = (len(ranking), min(policy.length, len(items.categories)))
    lists = Lists(np.full(shape, NO_ROW, np.int32), np.full(shape, -np.inf, np.float32))
    for start in range(0, len(ranking), _CHUNK):
        users = everybody[start : start + _CHUNK]
        found = arrange(candidates(ranking, users, policy, items), policy, items, device)
        # There may be more places for candidates than items.
        for target, values in zip(lists, found, strict=True):
            target[users] = values[:, : shape[1]]
    return lists
