"""Loading: a folder in the source contract into the tables of schema app."""

from recsys_tasks.loading.folders import load_folder
from recsys_tasks.loading.staging import FileReport, Progress

__all__ = ["FileReport", "Progress", "load_folder"]
