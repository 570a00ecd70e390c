"""How an interest ebbs: by half-lives, not at all, or by a fixed alpha.

A policy says how deltas are made (`half_lives`), folded and seen from later. By half-lives or
without decay it is the algebra of sums, which any order of days leaves alone. A fixed alpha is no
sum: its days must be folded in order, and all of them.
"""

from dataclasses import dataclass, field
from typing import ClassVar, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from recsys_tasks.decay.sums import Decayed, blend, fold, fold_by, not_before, seen_from

ENDLESS: Final = (float("inf"),)


@dataclass(frozen=True)
class HalfLives:
    """By elapsed time, at H half-lives side by side: the algebra of decayed sums.

    Attributes:
        half_lives: In days, ascending, length H; deltas are made at the same ones.
    """

    half_lives: tuple[float, ...]

    def seen_from(self, state: Decayed, days: ArrayLike) -> Decayed:
        """As the function `seen_from`."""
        return seen_from(state, days, self.half_lives)

    def fold(
        self, start: Decayed, rows: NDArray[np.intp], deltas: Decayed
    ) -> tuple[Decayed, NDArray[np.float32]]:
        """As the function `fold`, in every bit."""
        return fold(start, rows, deltas, self.half_lives)


@dataclass(frozen=True)
class NoDecay(HalfLives):
    """Nothing ebbs, all that a user ever did counts alike: one half-life, without end."""

    half_lives: tuple[float, ...] = field(default=ENDLESS, init=False)


@dataclass(frozen=True)
class FixedAlpha:
    """By active day: each leaves `alpha` of what was there, however long ago and however much.

    A state is the interest itself, u = totals, at mass 1, and at mass 0 where nothing is known.
    Elapsed time changes nothing. After n active days

        u = alpha^(n-1) * u_1  +  sum over i from 2 to n of (1 - alpha) * alpha^(n-i) * u_i

    Attributes:
        alpha: From 0 (the last active day alone) to below 1.
    """

    alpha: float
    # Deltas are made without decay: of one day, morning and evening count alike.
    half_lives: ClassVar[tuple[float, ...]] = ENDLESS

    def seen_from(self, state: Decayed, days: ArrayLike) -> Decayed:
        """The same interests, on later days."""
        return state._replace(days=not_before(state, days))

    def fold(
        self, start: Decayed, rows: NDArray[np.intp], deltas: Decayed
    ) -> tuple[Decayed, NDArray[np.float32]]:
        """As `fold`, but no sum: where a delta is late, or replaced, all must be folded again.

        A delta of mass 0 moves nothing; its alpha is 1, or 0 where nothing was known.
        """
        return fold_by(self._step, start, rows, deltas)

    def _step(self, older: Decayed, newer: Decayed) -> tuple[Decayed, NDArray[np.float32]]:
        is_known, is_active = older.masses > 0, newer.masses > 0
        alphas = np.where(is_active, self.alpha, 1).astype(np.float32) * is_known
        day = np.zeros_like(newer.totals)
        np.divide(newer.totals, newer.masses[..., None], out=day, where=is_active[..., None])
        totals = blend(older.totals, day, alphas[..., None])
        masses = (is_known | is_active).astype(np.float32)
        return Decayed(totals.astype(np.float32), masses, newer.days), alphas


Policy = HalfLives | FixedAlpha
