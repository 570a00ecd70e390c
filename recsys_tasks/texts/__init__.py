"""Texts before any language model: cleaned, put together by rules, and which are near to equal."""

from recsys_tasks.texts.boilerplate import Boilerplate, sentence_hashes
from recsys_tasks.texts.cleaning import clean, content_hash
from recsys_tasks.texts.describing import Rules, item_text, stop_words
from recsys_tasks.texts.near_duplicates import Links, link_near_duplicates
from recsys_tasks.texts.templates import DEFAULT_TEMPLATE, Template

__all__ = [
    "DEFAULT_TEMPLATE",
    "Boilerplate",
    "Links",
    "Rules",
    "Template",
    "clean",
    "content_hash",
    "item_text",
    "link_near_duplicates",
    "sentence_hashes",
    "stop_words",
]
