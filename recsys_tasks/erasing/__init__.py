"""Erasing a user: everything out of the schema, proof of it, and nothing comes back."""

from recsys_tasks.erasing.erasure import erase, erase_again
from recsys_tasks.erasing.report import ErasureReport, verify

__all__ = ["ErasureReport", "erase", "erase_again", "verify"]
