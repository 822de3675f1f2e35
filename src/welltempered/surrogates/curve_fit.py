"""Hyperparameters of the process over curves by maximum a posteriori."""

import math
from collections.abc import Callable

import numpy as np

from welltempered.surrogates.course import own, pairs, shapes
from welltempered.surrogates.curves import EDGE, JITTER, Layout, Observed, bent
from welltempered.surrogates.kernel import Array, distances, matern_and_slope

_FIRST, _LATER = 40, 12
"""Iterations of L-BFGS: of the first fit, and of those that begin at the last one."""
_LENGTH = (math.log(0.7), 0.7)
"""Log of a length at seven parameters, and deviation; grows with the root of their number (Hvarfner et al. 2024)."""
_SHARED = (0.6, 0.5, 0.5, 0.4, 0.3, 0.1)
_OWN = (0.05, 0.05, 0.08)
_NOISE = 0.02
_SPREAD = 0.8
"""Deviation of the logs of amplitudes; 1 for the noise."""
_BEND = 0.3
"""Deviation of the logs of the bends' exponents: a range is rarely far from even."""
_REACH = 4.0
"""Deviations from the prior's mean within which a fit stays."""


def prior(layout: Layout) -> tuple[Array, Array]:
    """Means and deviations of normal beliefs on the logarithms of all hyperparameters.

    They were chosen on half of the tasks of LCBench and of TaskSet.
    """
    mean, deviation = np.zeros(layout.size), np.full(layout.size, _BEND)
    mean[layout.lengths] = _LENGTH[0] + 0.5 * math.log(layout.features.groups / 7.0)
    deviation[layout.lengths] = _LENGTH[1]
    mean[layout.shared], mean[layout.own] = np.log(_SHARED), np.log(_OWN)
    deviation[layout.shared] = deviation[layout.own] = _SPREAD
    mean[layout.noise], deviation[layout.noise] = math.log(_NOISE), 1.0
    return mean, deviation


def fit(layout: Layout, seen: Observed, targets: Array, begin: Array | None) -> Array:
    """The most probable hyperparameters, by L-BFGS with analytic gradients; O(points³) per iteration.

    Args:
        layout: of the vector.
        seen: the points.
        targets: what was seen there.
        begin: where to begin; `None` is the mean of the prior.
    """
    from scipy.optimize import minimize

    mean, deviation = prior(layout)
    bounds = list(zip(mean - _REACH * deviation, mean + _REACH * deviation, strict=True))
    steps = _FIRST if begin is None else _LATER
    start = mean if begin is None else begin
    objective = _posterior(layout, seen, targets, mean, deviation)
    found = minimize(objective, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": steps})
    return np.asarray(found.x)


def _posterior(
    layout: Layout, seen: Observed, targets: Array, mean: Array, deviation: Array
) -> Callable[[Array], tuple[float, Array]]:
    """The negative logarithm of the posterior density and its gradient (Rasmussen & Williams, eq. 5.8 and 5.9)."""
    from scipy.linalg import lapack

    epochs, which = seen.epochs
    hot = np.asarray(which[:, None] == np.arange(len(epochs)), dtype=float)
    shared = np.array(shapes(epochs, epochs, seen.horizon))  # few epochs differ
    row, column = np.nonzero(seen.trial[:, None] == seen.trial)
    alone = np.array(own(pairs(seen.epoch[row], seen.epoch[column], seen.horizon)))
    columns = layout.features.numbers
    numbers = np.clip(seen.features[:, columns], EDGE, 1.0 - EDGE)

    def objective(x: Array) -> tuple[float, Array]:
        a2, b2, noise = np.exp(2 * x[layout.shared]), np.exp(2 * x[layout.own]), math.exp(2 * x[layout.noise])
        a, b = (np.exp(x[part]) for part in layout.bends)
        weights = np.exp(-x[layout.lengths])[layout.features.group]
        rows = seen.features.copy()
        rows[:, columns] = bent(numbers, a, b)
        rows *= weights
        near, slope = matern_and_slope(distances(rows, rows))
        course = np.tensordot(a2, shared, 1)[which][:, which]
        wide = near[seen.trial][:, seen.trial]
        covariance = wide * course
        covariance[row, column] += b2 @ alone
        covariance.flat[:: len(covariance) + 1] += noise + JITTER
        factor, failed = lapack.dpotrf(covariance.T, lower=1, overwrite_a=1)
        if failed:
            return 1e10, np.zeros_like(x)
        solved, _ = lapack.dpotrs(factor, targets, lower=1)
        away = (x - mean) / deviation
        value = 0.5 * targets @ solved + np.log(np.diagonal(factor)).sum() + 0.5 * away @ away
        pull = np.outer(solved, solved)  # -2 d value / d covariance
        inverse, _ = lapack.dpotri(factor, lower=1, overwrite_c=1)
        pull -= inverse
        pull -= np.tril(inverse, -1).T
        gradient = away / deviation
        gradient[layout.own] -= b2 * (alone @ pull[row, column])
        gradient[layout.noise] -= noise * np.trace(pull)
        wide *= pull
        gradient[layout.shared] -= a2 * np.tensordot(shared, hot.T @ (wide @ hot), 2)
        course *= pull
        stress = seen.by_trial(seen.by_trial(course).T) * slope
        total = stress.sum(axis=1)
        drag = total @ (rows * rows) - np.einsum("ij,ij->j", rows, stress @ rows)
        gradient[layout.lengths] += 2.0 * np.bincount(layout.features.group, drag, layout.features.groups)
        for part, change in zip(layout.bends, _slopes(numbers, a, b), strict=True):
            moved = change * weights[columns]
            inner = rows[:, columns]
            gradient[part] -= 2.0 * (total @ (inner * moved) - np.einsum("ij,ij->j", inner, stress @ moved))
        return float(value), gradient

    return objective


def _slopes(u: Array, a: Array, b: Array) -> tuple[Array, Array]:
    """Derivatives of the bent positions by log a and log b."""
    power = u**a
    rest = 1.0 - power
    return b * a * rest ** (b - 1.0) * power * np.log(u), -b * rest**b * np.log(rest)
