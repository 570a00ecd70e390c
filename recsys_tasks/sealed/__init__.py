"""Scores under encryption: a partner ranks its own items for a user whom it never gets to see.

The owner of an interest encrypts it; the partner, who has neither the key nor a way to read
anything of it, computes the inner products with its items; the owner decrypts the scores. The owner
sees no vector of an item, but its id and its score.

The scheme is CKKS (Cheon, Kim, Kim, Song, "Homomorphic Encryption for Arithmetic of Approximate
Numbers", 2017) by TenSEAL, with 128-bit security. Decrypted scores belong to the owner alone: CKKS
does not protect a key whose owner publishes what it decrypts (Li, Micciancio, "On the Security of
Homomorphic Encryption on Approximate Numbers", 2021).
"""

from recsys_tasks.sealed.files import Items, SealedInterest, SealedScores
from recsys_tasks.sealed.keys import make_keys, read_public_key, read_secret_key
from recsys_tasks.sealed.owning import open_scores, seal_interest
from recsys_tasks.sealed.partnering import read_items, score

__all__ = [
    "Items",
    "SealedInterest",
    "SealedScores",
    "make_keys",
    "open_scores",
    "read_items",
    "read_public_key",
    "read_secret_key",
    "score",
    "seal_interest",
]
