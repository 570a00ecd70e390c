"""Tests of the loading room, one file a subject."""
