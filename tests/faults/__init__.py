"""Faults: nights that are disturbed at every step, and what is left of them."""
