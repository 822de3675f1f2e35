"""What a candidate promises: the logarithm of its expected improvement."""

import math

import numpy as np

from welltempered.surrogates.kernel import Array

_C1 = 0.5 * math.log(2.0 * math.pi)
_C2 = 0.5 * math.log(0.5 * math.pi)
_FAR = -1.0 / math.sqrt(np.finfo(float).eps)


def log_improvement(mean: Array, deviation: Array, best: float) -> Array:
    """The logarithm of E[max(best - f, 0)] of a normal f, finite and with a slope even where that would be zero.

    Ament, Daulton, Eriksson, Balandat & Bakshy, "Unexpected improvements to expected improvement for Bayesian
    optimization" (NeurIPS 2023), eq. 9 and 14.
    """
    z = (best - mean) / deviation
    return np.asarray(_log_h(z) + np.log(deviation))


def _log_h(z: Array) -> Array:
    """log(φ(z) + z Φ(z))."""
    from scipy.special import erfcx, ndtr

    found = np.empty_like(z)
    near = z > -1.0
    some = z[near]
    found[near] = np.log(np.exp(-0.5 * some * some - _C1) + some * ndtr(some))
    some = np.maximum(z[~near], _FAR)
    logs = np.log(erfcx(some * -math.sqrt(0.5)) * -some) + _C2
    far = z[~near]
    tail = np.where(far > _FAR, _log1mexp(np.minimum(logs, -1e-300)), -2.0 * np.log(-far))
    found[~near] = -0.5 * far * far - _C1 + tail
    return found


def _log1mexp(x: Array) -> Array:
    """log(1 - exp(x)) for x < 0 (Mächler 2012)."""
    return np.where(x > -math.log(2.0), np.log(-np.expm1(x)), np.log1p(-np.exp(np.minimum(x, -0.5))))
