"""A Gaussian process over params and epochs: what a new trial would reach, and how a known one would go on."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from welltempered.surrogates.course import OWN, SHARED, own, pairs, shapes
from welltempered.surrogates.features import Features
from welltempered.surrogates.kernel import Array, distances, matern
from welltempered.surrogates.process import inverse_factor

JITTER = 1e-6
EDGE = 1e-6
"""Least distance of a position from the ends of its range, where the bend has infinite slope."""
_LEAST = 1e-9
"""The least variance: rounding must not make one negative."""
_BLOCK = 128
"""Candidates that are looked at together, so that matrices stay in the cache."""


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
    u = np.clip(points, EDGE, 1.0 - EDGE)
    return np.asarray(1.0 - (1.0 - u**a) ** b)


@dataclass(frozen=True)
class Observed:
    """Points of curves, at least one of each trial.

    Attributes:
        features: of the trials, shape (trials, features).
        trial: of each point, its trial.
        epoch: of each point.
        horizon: epochs of a full training.
    """

    features: Array
    trial: np.ndarray
    epoch: Array
    horizon: int

    @cached_property
    def order(self) -> np.ndarray:
        """The points sorted by trial."""
        return np.argsort(self.trial, kind="stable")

    @cached_property
    def first(self) -> np.ndarray:
        """The first point of each trial in that order."""
        return np.searchsorted(self.trial[self.order], np.arange(len(self.features)))

    @cached_property
    def epochs(self) -> tuple[Array, np.ndarray]:
        """The epochs that there are, and which of them each point has."""
        kinds, which = np.unique(self.epoch, return_inverse=True)
        return kinds, which

    def by_trial(self, columns: Array) -> Array:
        """Sums over the columns, one per point, of each trial."""
        return np.asarray(np.add.reduceat(columns[..., self.order], self.first, axis=-1))

    def grown(self, features: Array, trial: np.ndarray, epoch: Array) -> "Observed":
        """The same with further trials and points behind them."""
        trials, epochs = np.concatenate([self.trial, trial]), np.concatenate([self.epoch, epoch])
        return Observed(np.vstack([self.features, features]), trials, epochs, self.horizon)


class Curves:
    """The process given points of curves, as the inverse of the Cholesky factor of their covariance.

    Making it costs O(points³), everything below at most O(points²) per point or row.

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
        self._inverse = inverse_factor(covariance)

    def grown(self, features: Array, trial: np.ndarray, epoch: Array) -> "Curves":
        """The process given more points, some of which may be of trials behind those there are.

        Points only come, until it is made anew: an inverse of which rows are taken away and others added in their place
        loses all its digits in ten such steps.
        """
        more = object.__new__(Curves)
        more.__dict__.update(self.__dict__)
        more.seen = self.seen.grown(features, trial, epoch)
        if len(features):
            more._rows = np.vstack([self._rows, self._scaled(features)])
            more._near = matern(distances(more._rows, more._rows))
        n, size = len(self._inverse), len(more.seen.epoch)
        near = more._between(trial, epoch)
        across = near[:, :n] @ self._inverse.T
        block = near[:, n:] - across @ across.T
        block.flat[:: len(block) + 1] += self.noise
        corner = inverse_factor(block)
        more._inverse = np.zeros((size, size))
        more._inverse[:n, :n] = self._inverse
        more._inverse[n:, :n] = -corner @ (across @ self._inverse)
        more._inverse[n:, n:] = corner
        return more

    def solve(self, targets: Array) -> Array:
        """Covariance⁻¹ targets."""
        return np.asarray((self._inverse @ targets) @ self._inverse)

    def fitted(self, targets: Array, solved: Array) -> Array:
        """The curves at the points themselves, without noise."""
        return targets - self.noise * solved

    def known(self, trials: np.ndarray, epochs: Array, solved: Array) -> tuple[Array, Array]:
        """Mean and deviation of trials, which are known, after further epochs: one epoch each."""
        near = self._between(trials, epochs)
        explained = near @ self._inverse.T
        variance = self._alone(epochs) - np.einsum("ij,ij->i", explained, explained)
        return near @ solved, np.sqrt(np.maximum(variance, _LEAST))

    def unseen(self, epoch: int, solved: Array) -> "Unseen":
        """What trials that nobody has started would reach after an epoch."""
        at = np.array([float(epoch)])
        course = self._course(at)[0]
        wide = self.seen.by_trial(self._inverse * course)
        return Unseen(self, self.seen.by_trial(course * solved), wide.T @ wide, float(self._alone(at)[0]))

    def near(self, features: Array) -> Array:
        """Correlations of candidates with the trials."""
        return matern(distances(self._scaled(features), self._rows))

    def _scaled(self, features: Array) -> Array:
        a, b = (np.exp(self._beliefs[part]) for part in self._layout.bends)
        numbers = self._layout.features.numbers
        moved = features.copy()
        moved[:, numbers] = bent(features[:, numbers], a, b)
        return np.asarray(moved * self._weights)

    def _between(self, trials: np.ndarray, epochs: Array) -> Array:
        """Covariances of points of known trials with the points seen."""
        seen = self.seen
        covariance = self._near[trials][:, seen.trial]
        covariance *= self._course(epochs)
        row, column = np.nonzero(trials[:, None] == seen.trial)
        s, t = epochs[row], seen.epoch[column]
        covariance[row, column] += _weighted(self._own, own(pairs(s, t, seen.horizon)))
        return np.asarray(covariance)

    def _course(self, epochs: Array) -> Array:
        """Of further epochs and those of the points, the sums of the shared shapes; few epochs differ."""
        rows, row = np.unique(epochs, return_inverse=True)
        columns, column = self.seen.epochs
        table = _weighted(self._shared, shapes(rows, columns, self.seen.horizon))
        found: Array = table[row][:, column]
        return found

    def _alone(self, epochs: Array) -> Array:
        """Variances before anything is seen."""
        shared = pairs(epochs, epochs, self.seen.horizon)
        return _weighted(self._shared, shared) + _weighted(self._own, own(shared))


@dataclass(frozen=True)
class Unseen:
    """The process after one epoch, for trials that nobody has started; O(trials²) per candidate."""

    curves: Curves
    vector: Array
    matrix: Array
    alone: float

    def predict(self, features: Array) -> tuple[Array, Array]:
        """Mean and deviation at candidates."""
        mean, variance = np.empty(len(features)), np.empty(len(features))
        for start in range(0, len(features), _BLOCK):
            part = slice(start, start + _BLOCK)
            near = self.curves.near(features[part])
            mean[part] = near @ self.vector
            variance[part] = self.alone - np.einsum("ij,ij->i", near @ self.matrix, near)
        return mean, np.sqrt(np.maximum(variance, _LEAST))


def _weighted(weights: Array, matrices: list[Array]) -> Array:
    total = weights[0] * matrices[0]
    for weight, matrix in zip(weights[1:], matrices[1:], strict=True):
        total += weight * matrix
    return np.asarray(total)
