"""Softmax over the head of the list: a user-day's items against those that are put first.

The whole catalogue's softmax spends its fit on the tail, where no list ever reaches (measured:
docs/model.md).
"""

from typing import Final

import numpy as np
import torch
from torch import Tensor

from recsys_tasks.training.examples import Examples

HEAD: Final = 200  # items that compete for the head of a list
OUTSIDE: Final = 0.1  # how much an item counts that the head does not hold
NEVER_LISTED: Final = -1e9  # the score of what no list may hold


def head_loss(scores: Tensor, examples: Examples) -> Tensor:
    """Mean negative log likelihood of the targets against the head of each user-day's list.

    A user-day with t targets counts as sqrt(t): more than one with a single target, less than t.

    Args:
        scores: Of all items, NEVER_LISTED where no list may hold one, shape (B, n_items).
        examples: The B user-days.
    """
    device = scores.device
    n_targets = np.diff(examples.pointers)
    rows = torch.from_numpy(np.repeat(np.arange(len(examples)), n_targets)).to(device)
    items = torch.from_numpy(examples.targets.astype(np.int64)).to(device)
    head = scores.topk(min(HEAD, scores.shape[1]), dim=1).values
    everyone, reached = head.logsumexp(dim=1)[rows], scores[rows, items]
    is_inside = reached >= head[rows, -1]
    against = torch.where(is_inside, everyone, torch.logaddexp(everyone, reached))
    weights = torch.from_numpy(np.repeat(n_targets**-0.5, n_targets).astype(np.float32)).to(device)
    weights = weights * torch.where(is_inside, 1.0, OUTSIDE) * (reached > NEVER_LISTED / 2)
    return (weights * (against - reached)).sum() / weights.sum().clamp(min=1e-9)
