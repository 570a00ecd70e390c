"""How much noise a bound on privacy takes, and what noise is worth: by OpenDP."""

from collections.abc import Sequence
from math import exp, log, sqrt
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from recsys_tasks.errors import BadSettings
from recsys_tasks.noise.laplace import defect

if TYPE_CHECKING:
    from opendp.mod import Measurement


_HALVINGS: Final = 40


class Guarantee(NamedTuple):
    """Nothing becomes likelier than exp(epsilon) times, but for a probability of delta.

    Attributes:
        epsilon: For one contribution that is there or not.
        delta: What 64-bit words leave out; the distribution itself has none.
    """

    epsilon: float
    delta: float


def scale_for(epsilon: float, sensitivity: int) -> float:
    """The scale of discrete Laplace noise that gives epsilon.

    Args:
        epsilon: For one contribution.
        sensitivity: What it changes counts by at most in all, in steps.
    """
    return sensitivity / epsilon


def guarantee(scale: float, sensitivity: int) -> Guarantee:
    """What noise of a scale is worth.

    Raises:
        BadSettings: OpenDP is not installed.
    """
    epsilon = float(_measurement(scale).map(sensitivity))  # type: ignore[no-untyped-call]
    # Each step that a contribution changes is at most one cell whose words end somewhere.
    return Guarantee(epsilon, (1 + exp(epsilon)) * sensitivity * defect(scale))


def composed(epsilons: Sequence[float], delta: float) -> float:
    """Epsilon of all releases together for one contributor who is in each of them, for a delta.

    Their sum, or what zero-concentrated privacy makes of it where that is less: each release is
    epsilon^2 / 2-concentrated (Bun and Steinke, Concentrated differential privacy, TCC 2016,
    propositions 1.3, 1.4 and lemma 1.7).

    >>> composed([0.1, 0.1], 1e-6), round(composed([0.1] * 365, 1e-6), 1)
    (0.2, 11.9)
    """
    rho = sum(epsilon**2 for epsilon in epsilons) / 2
    return float(min(sum(epsilons), rho + 2 * sqrt(rho * log(1 / delta))))


def concentrated(epsilon: float, delta: float) -> float:
    """The rho of zero-concentrated privacy that is worth epsilon for a delta, found by bisection.

    Raises:
        BadSettings: OpenDP is not installed.
    """
    low, high = 0.0, epsilon  # what is lost is rho on average, and epsilon at most, nearly always
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if worth(middle, delta) <= epsilon else (low, middle)
    return low


def worth(rho: float, delta: float) -> float:
    """The epsilon that rho of zero-concentrated privacy is worth for a delta: 0 of none.

    Raises:
        BadSettings: OpenDP is not installed.
    """
    if rho <= 0:
        return 0.0
    prelude = _opendp()
    counts = prelude.vector_domain(prelude.atom_domain(T="i64")), prelude.l2_distance(T="i64")
    gaussian = prelude.m.make_gaussian(*counts, scale=sqrt(1 / (2 * rho)))
    curve = prelude.c.make_zCDP_to_approxDP(gaussian).map(1)
    return float(curve.epsilon(delta))


def _measurement(scale: float) -> "Measurement":
    """OpenDP's own measurement of the same distribution, for its privacy map."""
    prelude = _opendp()
    counts = prelude.vector_domain(prelude.atom_domain(T="i64")), prelude.l1_distance(T="i64")
    measurement: Measurement = prelude.m.make_geometric(*counts, scale=scale)
    return measurement


def _opendp() -> Any:  # noqa: ANN401  it has no types of its own
    """OpenDP, if it is installed."""
    try:
        from opendp import prelude  # noqa: PLC0415  seconds to import; only who asks for noise pays
    except ImportError as error:
        problem = "RECSYS_PRIVACY needs OpenDP: pip install 'recsys_tasks[privacy]'"
        raise BadSettings(problem=problem) from error
    prelude.enable_features("contrib")
    return prelude
