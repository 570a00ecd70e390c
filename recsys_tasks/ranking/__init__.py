"""Lists: the exact top-k of every user, neighbours, and lists that are worth showing.

`top_k` is the list by score alone. `make_lists` makes it diverse, caps categories and gives new
items a share, as a `ListPolicy` says; `arrange` does that with candidates that are ranked already.
"""

from recsys_tasks.ranking.arranging import arrange
from recsys_tasks.ranking.candidates import Products, Ranking, Scores
from recsys_tasks.ranking.exact import Lists, products, top_k
from recsys_tasks.ranking.making import make_lists
from recsys_tasks.ranking.neighbours import nearest
from recsys_tasks.ranking.policy import NEW_FOR, ListedItems, ListPolicy
from recsys_tasks.ranking.renewing import renewed

__all__ = [
    "NEW_FOR",
    "ListPolicy",
    "ListedItems",
    "Lists",
    "Products",
    "Ranking",
    "Scores",
    "arrange",
    "make_lists",
    "nearest",
    "products",
    "renewed",
    "top_k",
]
