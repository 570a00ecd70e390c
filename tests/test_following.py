"""People to follow: friends of friends, and who is interested in the same."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from numpy.typing import NDArray
from scipy import sparse

from recsys_tasks.following import Suggestions, suggest
from recsys_tasks.interactions import NO_ROW

ANN, BOB, CEM, DEE, EVE = range(5)
Follows = dict[tuple[int, int], float]


def graph(follows: Follows, n: int = 5) -> sparse.csr_array:
    matrix = np.zeros((n, n), np.float32)
    for pair, left in follows.items():
        matrix[pair] = left
    return sparse.csr_array(matrix)


def asked(
    follows: Follows,
    *users: int,
    interests: NDArray[np.float32] | None = None,
    met: Follows | None = None,
    batch_size: int = 256,
) -> Suggestions:
    known = np.zeros((5, 2), np.float32) if interests is None else interests
    return suggest(
        np.array(users, np.int32),
        graph(follows),
        graph({**follows, **(met or {})}),
        known,
        3,
        batch_size=batch_size,
    )


def people(found: Suggestions, row: int = 0) -> list[int]:
    rows = found.lists.rows[row]
    return [int(person) for person in rows if person != NO_ROW]


TRIANGLE = {(ANN, BOB): 1.0, (BOB, CEM): 1.0, (BOB, DEE): 0.25}


def test_friends_of_friends_come_by_how_fresh_their_follows_are() -> None:
    found = asked(TRIANGLE, ANN)

    assert people(found) == [CEM, DEE]
    assert_allclose(found.lists.scores[0, :2], [1 / 2, 0.25 / 1.25])
    assert found.friends[0, :2].tolist() == [BOB, BOB]


def test_the_friend_who_weighs_most_is_named_and_all_are_counted() -> None:
    found = asked({(ANN, BOB): 0.5, (ANN, EVE): 1.0, (BOB, CEM): 1.0, (EVE, CEM): 1.0}, ANN)

    assert people(found) == [CEM]
    assert (found.friends[0, 0], found.n_friends[0, 0]) == (EVE, 2)


def test_nobody_is_suggested_whom_the_user_knows() -> None:
    """Whom one follows, left, or is."""
    follows = {**TRIANGLE, (BOB, ANN): 1.0, (ANN, DEE): 1.0}

    assert people(asked(follows, ANN)) == [CEM]
    assert people(asked(follows, ANN, met={(ANN, CEM): 1.0})) == []


def test_who_is_interested_in_the_same_is_suggested_without_any_friend() -> None:
    interests = np.array([[1, 0], [1, 0], [0.6, 0.8], [-1, 0], [0, 0]], np.float32)
    found = asked({}, ANN, interests=interests)

    assert people(found) == [BOB, CEM]
    assert_allclose(found.lists.scores[0, :2], [1, 0.6], rtol=1e-6)
    assert found.friends[0, :2].tolist() == [NO_ROW, NO_ROW]


def test_interest_and_friends_add_up() -> None:
    interests = np.array([[1, 0], [0, 1], [0.6, 0.8], [0, 1], [0, 0]], np.float32)
    found = asked(TRIANGLE, ANN, interests=interests)

    assert people(found) == [CEM, DEE]
    assert_allclose(found.lists.scores[0, :2], [0.6 + 1 / 2, 0.25 / 1.25], rtol=1e-6)


@pytest.mark.parametrize("batch_size", [1, 2, 3, 9])
def test_batches_agree(batch_size: int) -> None:
    whole = asked(TRIANGLE, ANN, BOB, EVE)
    parts = asked(TRIANGLE, ANN, BOB, EVE, batch_size=batch_size)

    assert whole.lists.rows.tolist() == parts.lists.rows.tolist()
    assert whole.friends.tolist() == parts.friends.tolist()


def test_nobody_is_asked() -> None:
    assert asked(TRIANGLE).lists.rows.shape == (0, 3)
