"""Texts without what leads to a person: e-mail addresses, phone, card and account numbers."""

from recsys_tasks.texts.scrubbing.scrubber import KINDS, Scrubber, known_regions

__all__ = ["KINDS", "Scrubber", "known_regions"]
