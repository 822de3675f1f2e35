"""A Gaussian process over params and epochs: what a new trial would reach, and how a known one would go on."""

import math
from dataclasses import dataclass

import numpy as np

from welltempered.surrogates.course import OWN, SHARED, own, shapes
from welltempered.surrogates.features import Features
from welltempered.surrogates.kernel import Array, distances, matern

JITTER = 1e-6
_EDGE = 1e-6
"""Least distance of a position from the ends of its range, where the bend has infinite slope."""


@dataclass(frozen=True)
class Layout:
    """Where which hyperparameter stands in the vector: all are natural logarithms.

    Lengths per group of features, amplitudes of shared and own shapes, the deviation of the noise, and the exponents
    of the bend of each number (Kumaraswamy's distribution; Snoek, Swersky, Zemel & Adams, "Input warping for Bayesian
    optimization of non-stationary functions", ICML 2014): losses change faster near one end of a range than elsewhere.
    """

    features: Features

    @property
    def lengths(self) -> slice:
        """One per group."""
        return slice(0, self.features.groups)

    @property
    def shared(self) -> slice:
        """Amplitudes of the shared shapes."""
        return slice(self.lengths.stop, self.lengths.stop + SHARED)

    @property
    def own(self) -> slice:
        """Amplitudes of the shapes of a trial's own."""
        return slice(self.shared.stop, self.shared.stop + OWN)

    @property
    def noise(self) -> int:
        """Deviation of the noise."""
        return int(self.own.stop)

    @property
    def bends(self) -> tuple[slice, slice]:
        """The exponents a and b, one each per number."""
        n, k = self.noise + 1, int(self.features.numbers.sum())
        return slice(n, n + k), slice(n + k, n + 2 * k)

    @property
    def size(self) -> int:
        """Hyperparameters in all."""
        return int(self.bends[1].stop)


def bent(points: Array, a: Array, b: Array) -> Array:
    """1 - (1 - u^a)^b of positions u in [0, 1], by column."""
    u = np.clip(points, _EDGE, 1.0 - _EDGE)
    return np.asarray(1.0 - (1.0 - u**a) ** b)


@dataclass(frozen=True)
class Observed:
    """Points of curves: trials in order, and for each its epochs.

    Attributes:
        features: of the trials, shape (trials, features).
        trial: of each point, its trial; sorted.
        epoch: of each point.
        horizon: epochs of a full training.
    """

    features: Array
    trial: np.ndarray
    epoch: Array
    horizon: int

    @property
    def first(self) -> np.ndarray:
        """The first point of each trial."""
        return np.searchsorted(self.trial, np.arange(len(self.features)))

    def by_trial(self, matrix: Array) -> Array:
        """Sums over the points of each pair of trials, shape (trials, trials)."""
        rows = np.add.reduceat(matrix, self.first, axis=0)
        return np.asarray(np.add.reduceat(rows, self.first, axis=1))


class Curves:
    """The process given points of curves; everything below costs at most O(points²) per call, making it O(points³).

    Args:
        layout: of the hyperparameters.
        beliefs: the hyperparameters.
        seen: the points.
    """

    def __init__(self, layout: Layout, beliefs: Array, seen: Observed) -> None:
        self._layout, self._beliefs, self.seen = layout, beliefs, seen
        self._weights = np.exp(-beliefs[layout.lengths])[layout.features.group]
        self._shared, self._own = np.exp(2.0 * beliefs[layout.shared]), np.exp(2.0 * beliefs[layout.own])
        self.noise = math.exp(2.0 * beliefs[layout.noise]) + JITTER
        self._rows = self._scaled(seen.features)
        self._near = matern(distances(self._rows, self._rows))
        covariance = self._between(seen.trial, seen.epoch)
        covariance.flat[:: len(covariance) + 1] += self.noise
        self._inverse = _inverse(covariance)

    def solve(self, targets: Array) -> Array:
        """Covariance⁻¹ targets."""
        return np.asarray(self._inverse @ targets)

    def fitted(self, targets: Array, solved: Array) -> Array:
        """The curves at the points themselves, without noise."""
        return targets - self.noise * solved

    def known(self, trials: np.ndarray, epochs: Array, solved: Array) -> tuple[Array, Array]:
        """Mean and deviation of trials, which are known, after further epochs: one epoch each."""
        near = self._between(trials, epochs)
        variance = self._alone(epochs, own_too=True) - np.einsum("ij,ij->i", near @ self._inverse, near)
        return near @ solved, np.sqrt(np.maximum(variance, 1e-9))

    def unseen(self, epoch: int, solved: Array) -> "Unseen":
        """What trials that nobody has started would reach after an epoch."""
        seen, at = self.seen, np.array([float(epoch)])
        course = self._course(at, seen.epoch, self._shared)[0]
        vector = np.add.reduceat(course * solved, seen.first)
        matrix = seen.by_trial(course[:, None] * self._inverse * course)
        return Unseen(self, vector, matrix, float(self._alone(at, own_too=True)[0]))

    def near(self, features: Array) -> Array:
        """Correlations of candidates with the trials."""
        return np.asarray(matern(distances(self._scaled(features), self._rows)))

    def _scaled(self, features: Array) -> Array:
        a, b = (np.exp(self._beliefs[part]) for part in self._layout.bends)
        numbers = self._layout.features.numbers
        moved = features.copy()
        moved[:, numbers] = bent(features[:, numbers], a, b)
        return np.asarray(moved * self._weights)

    def _between(self, trials: np.ndarray, epochs: Array) -> Array:
        """Covariances of points of known trials with the points seen."""
        seen = self.seen
        shared = shapes(epochs, seen.epoch, seen.horizon)
        same = trials[:, None] == seen.trial[None, :]
        covariance = self._near[np.ix_(trials, seen.trial)] * _weighted(self._shared, shared)
        return np.asarray(covariance + same * _weighted(self._own, own(shared)))

    def _course(self, s: Array, t: Array, weights: Array) -> Array:
        return _weighted(weights, shapes(s, t, self.seen.horizon))

    def _alone(self, epochs: Array, *, own_too: bool) -> Array:
        """Variances before anything is seen."""
        kinds, which = np.unique(epochs, return_inverse=True)
        shared = [np.diagonal(shape) for shape in shapes(kinds, kinds, self.seen.horizon)]
        found = _weighted(self._shared, shared) + own_too * _weighted(self._own, own(shared))
        return np.asarray(found[which])


@dataclass(frozen=True)
class Unseen:
    """The process after one epoch, for trials that nobody has started; O(trials²) per candidate."""

    curves: Curves
    vector: Array
    matrix: Array
    alone: float

    def predict(self, features: Array) -> tuple[Array, Array]:
        """Mean and deviation at candidates."""
        near = self.curves.near(features)
        variance = self.alone - np.einsum("ij,ij->i", near @ self.matrix, near)
        return near @ self.vector, np.sqrt(np.maximum(variance, 1e-9))


def _weighted(weights: Array, matrices: list[Array]) -> Array:
    total = weights[0] * matrices[0]
    for weight, matrix in zip(weights[1:], matrices[1:], strict=True):
        total += weight * matrix
    return np.asarray(total)


def _inverse(covariance: Array) -> Array:
    from scipy.linalg import lapack

    factor, failed = lapack.dpotrf(covariance, lower=1)
    assert not failed, "the noise keeps the covariance positive definite"
    inverse, _ = lapack.dpotri(factor, lower=1)
    return np.ascontiguousarray(np.tril(inverse) + np.tril(inverse, -1).T)
