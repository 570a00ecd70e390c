"""Names of topics from the titles of their items: words that are theirs and not the others'.

A word's weight in a topic is class-based TF-IDF (Grootendorst, 2022, BERTopic, arXiv:2203.05794):

    W(word, topic) = tf(word, topic) * log(1 + A / f(word))

tf counts the topic's titles that have the word, f those of all topics, and A is the mean number of
words of a topic. A word that fewer than COMMON titles have names nothing: nobody's title can put a
word into a name by itself, nor a second one like it.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from sklearn.feature_extraction.text import CountVectorizer

WORD = r"(?u)\b[^\W\d_]{3,}\b"  # letters alone: no numbers, no addresses
N_KEYWORDS = 10
IN_NAME = 3
COMMON = 3  # titles that have a word, at least, for it to be one of the catalogue's
_SHARED = 2  # of them in the topic, unless it has but one


class Titles(NamedTuple):
    """Items' titles, cleaned, and the topic of each, counted from 0; of one length."""

    titles: Sequence[str]
    topics: NDArray[np.int32]


def keywords(listed: Titles, n_topics: int) -> list[tuple[str, ...]]:
    """The words that tell each topic from the others: at most N_KEYWORDS, best first.

    Of equal weights the first in the alphabet; of a word and its plural the better one. A topic
    whose titles have no words gets none.
    """
    counting = CountVectorizer(binary=True, token_pattern=WORD, stop_words="english")
    try:
        has_word = counting.fit_transform(listed.titles)
    except ValueError:  # there is no word at all
        return [()] * n_topics
    n = len(listed.titles)
    of_topic = csr_array((np.ones(n), (listed.topics, np.arange(n))), (n_topics, n))
    counts = (of_topic @ has_word).toarray().astype(np.float64)
    sizes = np.bincount(listed.topics, minlength=n_topics)
    everywhere = counts.sum(axis=0)
    weights = counts * np.log1p(counts.sum() / n_topics / everywhere)
    weights[counts < np.minimum(_SHARED, sizes)[:, None]] = 0
    weights[:, everywhere < COMMON] = 0
    words = counting.get_feature_names_out()
    return [_best(words, row) for row in weights]


def distinct_names(found: Iterable[tuple[int, tuple[str, ...]]]) -> dict[int, str]:
    """A name for each topic by its key: its first keywords, as many more as tell it from others.

    Args:
        found: Keys of topics and their keywords; of two that have the same, the first has its way.
    """
    names: dict[int, str] = {}
    taken: set[str] = set()
    for key, words in found:
        longer = (", ".join(words[:n]) for n in range(IN_NAME, len(words) + 1))
        short = [", ".join(words)] if 0 < len(words) < IN_NAME else []
        free = (name for name in (*short, *longer) if name not in taken)
        names[key] = next(free, f"topic {key}")
        taken.add(names[key])
    return names


def _best(words: NDArray[np.str_], weights: NDArray[np.float64]) -> tuple[str, ...]:
    order = np.lexsort((np.arange(len(words)), -weights))
    chosen: list[str] = []
    for row in order[weights[order] > 0].tolist():
        word = str(words[row])
        if not {
            word + "s",
            word + "es",
            word.removesuffix("s"),
            word.removesuffix("es"),
        }.intersection(chosen):
            chosen.append(word)
        if len(chosen) == N_KEYWORDS:
            break
    return tuple(chosen)
