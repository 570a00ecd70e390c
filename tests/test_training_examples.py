"""What a training is asked, and what of it weighs how much."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tastes import Act, interactions_of
from worlds import Deed, catalogue_of, deeds, history_of

from recsys_tasks.evaluation.user_days import user_days
from recsys_tasks.interactions import NO_ROW
from recsys_tasks.training.examples import Examples, events_of, examples_of, histories_of
from recsys_tasks.training.head_loss import HEAD, NEVER_LISTED, OUTSIDE, head_loss

N_USERS, N_ITEMS = 5, 6


def pairs_of(examples: Examples) -> list[tuple[int, int, int]]:
    """Day, user and item of every target."""
    owners = np.repeat(np.arange(len(examples)), np.diff(examples.pointers))
    columns = (examples.days[owners], examples.users[owners], examples.targets)
    return list(zip(*(column.tolist() for column in columns), strict=True))


@given(deeds(), st.integers(0, 12), st.integers(0, 13))
def test_examples_are_the_user_days_of_the_protocols_target_new(
    happened: list[Deed], since: int, until: int
) -> None:
    history = history_of(happened)
    since = min(since, until - 1) if until else 0
    examples = examples_of(history, since, until)
    truth = user_days(history, catalogue_of(N_ITEMS), N_USERS, since, max(until, since + 1))
    asked = truth.relevant("new") & (truth.days[truth.rows] < until)
    days, users = truth.days[truth.rows[asked]], truth.users[truth.rows[asked]]

    expected = zip(days.tolist(), users.tolist(), truth.items[asked].tolist(), strict=True)
    assert pairs_of(examples) == list(expected)


@given(deeds(), st.integers(0, 8), st.integers(0, 8))
def test_examples_between_are_those_of_the_places(
    happened: list[Deed], start: int, length: int
) -> None:
    examples = examples_of(history_of(happened), 0, 12)
    start = min(start, len(examples))
    part = examples.between(start, start + length)

    assert part.days.tolist() == examples.days[start : start + length].tolist()
    first = examples.pointers[start]
    assert pairs_of(part) == pairs_of(examples)[first : first + len(part.targets)]


def test_what_was_touched_before_is_no_target_and_what_is_liked_on_that_day_is() -> None:
    history = history_of([
        Deed(0, 1, 1.0, -1.0),  # disliked first,
        Deed(0, 1, 3.0),  # so no target later
        Deed(0, 2, 3.1, -1.0),  # disliked and liked on one day
        Deed(0, 2, 3.2),
        Deed(0, 3, 3.3, 0.0),  # no more than seen
        Deed(1, 1, 3.0),
    ])

    assert pairs_of(examples_of(history, 0, 9)) == [(3, 0, 2), (3, 1, 1)]


def test_events_tell_likes_dislikes_and_texts() -> None:
    """By user and then by time; what says nothing is left out."""
    history = interactions_of(
        [
            Act(1, 0, 0.5, weight=2.0, kind=4),
            Act(0, 2, 1.5, weight=-1.0, kind=7),
            Act(0, NO_ROW, 0.25, kind=4, text=0),
            Act(0, 1, 2.5, kind=4, text=1),  # its text has no vector
            Act(0, 1, 3.5, weight=0.0, kind=4),
        ],
        n_items=3,
    )
    is_known = np.array([True, True, True, True, False])
    events = events_of(history, np.array([4, 7], np.int16), is_known, 3)

    assert events.starts.tolist() == [0, 3, 4, 4]
    assert events.rows.tolist() == [3, 2, 1, 0]
    assert events.weights.tolist() == [1, -1, 1, 2]
    assert events.types.tolist() == [0, 1, 0, 0]
    assert events.kinds.tolist() == [2, 1, 0, 0]
    assert events.times.tolist() == [0.25, 1.5, 2.5, 0.5]


@given(deeds(), st.integers(1, 50))
def test_a_history_is_the_latest_of_what_precedes_the_day(happened: list[Deed], most: int) -> None:
    history = history_of(happened)
    events = events_of(history, np.ones(1, np.int16), np.ones(N_ITEMS, np.bool_), N_USERS)
    examples = examples_of(history, 0, 12)
    begins, ends = histories_of(events, examples, most)

    for user, day, begin, end in zip(examples.users, examples.days, begins, ends, strict=True):
        own = [deed for deed in sorted(happened, key=lambda deed: deed.time) if deed.user == user]
        counted = [d for d in own if d.time < day and d.item != NO_ROW and d.weight != 0]
        assert events.times[begin:end].tolist() == [deed.time for deed in counted][-most:]


def examples_with(targets: list[list[int]]) -> Examples:
    sizes = [len(each) for each in targets]
    return Examples(
        np.arange(len(targets), dtype=np.int32),
        np.zeros(len(targets), np.int32),
        np.cumsum([0, *sizes]),
        np.array([item for each in targets for item in each], np.int32),
    )


def test_the_loss_of_a_small_catalogue_is_the_softmax() -> None:
    """A user-day of t targets counts as sqrt(t)."""
    scores = torch.randn(2, 7, generator=torch.Generator().manual_seed(0))
    log_shares = scores.log_softmax(dim=1)
    expected = -(log_shares[0, 3] + (log_shares[1, 1] + log_shares[1, 2]) / 2**0.5) / (1 + 2**0.5)

    loss = head_loss(scores, examples_with([[3], [1, 2]]))

    torch.testing.assert_close(loss, expected)


def test_below_the_head_an_item_competes_with_the_head_and_counts_little() -> None:
    scores = -torch.arange(2 * HEAD, dtype=torch.float32)[None] / HEAD
    rows = scores.repeat(2, 1)
    inside, outside = 3, HEAD + 50
    head = scores[0, :HEAD].logsumexp(0)
    costs = (
        head - scores[0, inside],
        torch.logaddexp(head, scores[0, outside]) - scores[0, outside],
    )
    expected = (costs[0] + OUTSIDE * costs[1]) / (1 + OUTSIDE)

    torch.testing.assert_close(head_loss(rows, examples_with([[inside], [outside]])), expected)


@pytest.mark.parametrize("targets", [[[0]], [[0], [1]]])
def test_what_no_list_may_hold_costs_nothing(targets: list[list[int]]) -> None:
    """A target that does not exist on the day moves no parameter."""
    scores = torch.zeros(len(targets), 4, requires_grad=True)
    masked = scores.masked_fill(torch.tensor([True, True, False, False]), NEVER_LISTED)
    loss = head_loss(masked, examples_with(targets))
    torch.autograd.backward(loss)

    assert loss.item() == 0
    assert scores.grad is not None
    assert not scores.grad.any()
