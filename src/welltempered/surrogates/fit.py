"""Hyperparameters of a Gaussian process by maximum a posteriori."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from welltempered.surrogates.kernel import Array, matern_and_slope
from welltempered.surrogates.process import JITTER, Beliefs

_STEPS = 40
"""Iterations of L-BFGS; a fit that begins at the last one needs about ten."""


@dataclass(frozen=True)
class Prior:
    """Normal beliefs on the logarithms of the hyperparameters: (mean, deviation) each.

    Attributes:
        length: of each length.
        scale: of the variance of the process; targets have variance 1.
        noise: of the variance of the noise. A lower mean takes the noise of forty trials for short lengths.
    """

    length: tuple[float, float]
    scale: tuple[float, float] = (0.0, 0.5)
    noise: tuple[float, float] = (-5.0, 2.0)

    @classmethod
    def of(cls, groups: int) -> "Prior":
        """Lengths that grow with the root of their number, so that a process is as complex in 30 dimensions as in 3.

        After Hvarfner, Hellsten & Nardi, "Vanilla Bayesian optimization performs great in high dimensions" (ICML 2024),
        section 5: log length ~ N(√2 + ½ log D, √3). As a density of the length it has its mode at √2 - 3 + ½ log D,
        which is the mean here, where the density is one of the logarithm; rounded up, and with a deviation of 1.
        """
        return cls((-1.3 + 0.5 * math.log(groups), 1.0))

    def start(self, groups: int) -> Beliefs:
        """Where a first fit begins: the means."""
        return Beliefs((self.length[0],) * groups, self.scale[0], self.noise[0])

    def table(self, groups: int) -> tuple[Array, Array]:
        """Means and deviations, in the order of the vector of the fit."""
        rows = np.array([self.length] * groups + [self.scale, self.noise])
        return rows[:, 0], rows[:, 1]


def fit(features: Array, group: np.ndarray, targets: Array, begin: Beliefs, prior: Prior) -> Beliefs:
    """The most probable hyperparameters, found from `begin` by L-BFGS with analytic gradients.

    O(n³ + n² groups) per iteration.

    Args:
        features: of the points, shape (n, features).
        group: of each feature.
        targets: what was observed there, about standardised.
        begin: where to begin.
        prior: of the hyperparameters.
    """
    from scipy.optimize import minimize

    groups = len(begin.lengths)
    x = np.array([*begin.lengths, begin.scale, begin.noise])
    mean, deviation = prior.table(groups)
    bounds = [(-4.0, 7.0)] * groups + [(-4.0, 4.0), (-12.0, 1.0)]
    objective = _posterior(_pairs(features, group, groups), targets, mean, deviation)
    found = minimize(objective, x, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": _STEPS}).x
    return Beliefs(tuple(map(float, found[:groups])), float(found[groups]), float(found[groups + 1]))


def _pairs(features: Array, group: np.ndarray, groups: int) -> Array:
    """Squared distances of all pairs below the diagonal, by group: shape (groups, pairs)."""
    below = np.tril_indices(len(features), -1)
    pairs = np.zeros((groups, len(below[0])))
    for column, g in enumerate(group):
        values = features[:, column]
        pairs[g] += (values[below[0]] - values[below[1]]) ** 2
    return pairs


def _posterior(pairs: Array, targets: Array, mean: Array, deviation: Array) -> Callable[[Array], tuple[float, Array]]:
    """The negative logarithm of the posterior density and its gradient, as functions of the vector of the fit.

    Rasmussen & Williams, eq. 5.8 and 5.9, of which only the pairs below the diagonal are computed.
    """
    from scipy.linalg import lapack

    n, groups = len(targets), len(pairs)
    below = np.tril_indices(n, -1)
    covariance = np.zeros((n, n), order="F")

    def objective(x: Array) -> tuple[float, Array]:
        weights, scale, noise = np.exp(-2.0 * x[:groups]), math.exp(x[groups]), math.exp(x[groups + 1])
        correlation, slope = matern_and_slope(weights @ pairs)
        covariance[below] = scale * correlation
        np.fill_diagonal(covariance, scale * (1.0 + JITTER) + noise)
        factor, failed = lapack.dpotrf(covariance, lower=1)
        if failed:
            return 1e10, np.zeros_like(x)
        solved, _ = lapack.dpotrs(factor, targets, lower=1)
        inverse, _ = lapack.dpotri(factor, lower=1)
        off = solved[below[0]] * solved[below[1]] - inverse[below]
        on = solved * solved - np.diagonal(inverse)
        away = (x - mean) / deviation
        value = 0.5 * targets @ solved + np.log(np.diagonal(factor)).sum() + 0.5 * away @ away
        gradient = away / deviation
        gradient[:groups] += 2.0 * scale * weights * (pairs @ (off * slope))
        gradient[groups] -= scale * (off @ correlation + 0.5 * (1.0 + JITTER) * on.sum())
        gradient[groups + 1] -= 0.5 * noise * on.sum()
        return float(value), gradient

    return objective
