"""Topics: groups of items that mean much the same, their names, and users' shares in them."""

from recsys_tasks.topics.clustering import Topics, cluster, how_many, nearest
from recsys_tasks.topics.naming import COMMON, Titles, distinct_names, keywords
from recsys_tasks.topics.sharing import Contributions, Shares, share
from recsys_tasks.topics.tracking import NEW, same_topics

__all__ = [
    "COMMON",
    "NEW",
    "Contributions",
    "Shares",
    "Titles",
    "Topics",
    "cluster",
    "distinct_names",
    "how_many",
    "keywords",
    "nearest",
    "same_topics",
    "share",
]
