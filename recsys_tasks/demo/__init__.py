"""The demo: a stretch of real nights, and what they leave for one user."""

from recsys_tasks.demo.films import movielens
from recsys_tasks.demo.nights import run

__all__ = ["movielens", "run"]
