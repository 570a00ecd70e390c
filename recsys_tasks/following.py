"""People to follow: whom those follow whom a user follows, and who is interested in the same.

    score(user, person) = cos(u_user, u_person)+ + f / (f + 1)
    f = sum over friends v of  2^(-age(user follows v) / h) * 2^(-age(v follows person) / h)

The first part is 0 without an interest, or for a person without one. f counts friends of friends
(Liben-Nowell, Kleinberg, The link-prediction problem for social networks, CIKM 2003), with decay.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recsys_tasks.interactions import NO_ROW
from recsys_tasks.ranking import Lists


class Suggestions(NamedTuple):
    """People for n users, best first; shape (n, k) each.

    Attributes:
        lists: Rows of people and their scores.
        friends: Row of the friend who weighs most among those who follow the person; NO_ROW where
            interest gave more.
        n_friends: How many friends follow the person.
    """

    lists: Lists
    friends: NDArray[np.int32]
    n_friends: NDArray[np.int32]


def suggest(
    asked: NDArray[np.int32],
    follows: sparse.csr_array,
    met: sparse.csr_array,
    interests: NDArray[np.float32],
    k: int,
    *,
    batch_size: int = 256,
) -> Suggestions:
    """The best people for some users.

    Args:
        asked: Rows of the n users among the people.
        follows: What is left of each follow that still holds, shape (n_people, n_people).
        met: Nonzero where somebody follows a person, did, or turned away, shape as `follows`.
        interests: Unit vectors of the people, shape (n_people, rank); zero where none is known.
        k: People wanted.
        batch_size: Users at once; memory is batch_size * n_people floats.

    Returns:
        Width min(k, n_people). Nobody is listed who gives nothing: with neither a friend who
        follows them, nor an interest that is anything alike.
    """
    width = min(k, len(interests))
    found = Suggestions(
        Lists(
            np.full((len(asked), width), NO_ROW, np.int32),
            np.full((len(asked), width), -np.inf, np.float32),
        ),
        np.full((len(asked), width), NO_ROW, np.int32),
        np.zeros((len(asked), width), np.int32),
    )
    for start in range(0, len(asked) if width else 0, batch_size):
        batch = slice(start, start + batch_size)
        lists, friends, n_friends = _suggest(asked[batch], follows, met, interests, width)
        found.lists.rows[batch], found.lists.scores[batch] = lists
        found.friends[batch], found.n_friends[batch] = friends, n_friends
    return found


def _suggest(
    asked: NDArray[np.int32],
    follows: sparse.csr_array,
    met: sparse.csr_array,
    interests: NDArray[np.float32],
    k: int,
) -> Suggestions:
    """The best people for a batch of users."""
    own = sparse.csr_array(follows[asked])
    through = (own @ follows).toarray()
    through /= through + 1
    alike = np.maximum(interests[asked] @ interests.T, 0)
    scores = (alike + through).astype(np.float32)
    scores[scores <= 0] = -np.inf
    scores[met[asked].nonzero()] = -np.inf
    scores[np.arange(len(asked)), asked] = -np.inf
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    places = np.arange(len(asked))[:, None], order
    best = scores[places]
    is_listed = best > -np.inf
    lists = Lists(np.where(is_listed, order, NO_ROW).astype(np.int32), best)
    friends, n_friends = _friends(own, follows, lists.rows)
    by_friends = is_listed & (through[places] >= alike[places])
    return Suggestions(lists, np.where(by_friends, friends, NO_ROW).astype(np.int32), n_friends)


def _friends(
    own: sparse.csr_array, follows: sparse.csr_array, people: NDArray[np.int32]
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Of the friends who follow a listed person, the one who weighs most, and how many.

    Args:
        own: What is left of the follows of n users, shape (n, n_people).
        follows: Of everybody.
        people: Rows of listed people, shape (n, k); NO_ROW after the end of a list.
    """
    strongest = np.full(people.shape, NO_ROW, np.int32)
    n_friends = np.zeros(people.shape, np.int32)
    for row, listed in enumerate(people):
        start, end = own.indptr[row : row + 2]
        friends = own.indices[start:end]
        if not len(friends):
            continue
        brought = follows[friends].toarray()[:, listed] * own.data[start:end, None]
        strongest[row] = friends[brought.argmax(axis=0)]
        n_friends[row] = np.where(listed != NO_ROW, np.count_nonzero(brought, axis=0), 0)
    return strongest, n_friends
