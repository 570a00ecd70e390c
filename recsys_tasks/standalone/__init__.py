"""Airflow on this machine: its processes, started in order, stopped whole. Not for production."""

from recsys_tasks.standalone.following import in_short
from recsys_tasks.standalone.place import Place, place_of
from recsys_tasks.standalone.running import Airflow, running

__all__ = ["Airflow", "Place", "in_short", "place_of", "running"]
