"""The warehouse: the only room that speaks SQL. Statements live in sql/, values are parameters."""

from recsys_tasks.warehouse.connecting import Warehouse, connect
from recsys_tasks.warehouse.session import Session

__all__ = ["Session", "Warehouse", "connect"]
