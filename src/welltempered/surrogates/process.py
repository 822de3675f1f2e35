"""A Gaussian process that grows by one observation at a time."""

from dataclasses import dataclass

import numpy as np

from welltempered.surrogates.kernel import Array, distances, matern

JITTER = 1e-8
"""Added to the noise, in units of the variance: equal points must not make the matrix singular."""


@dataclass(frozen=True)
class Beliefs:
    """Hyperparameters of a process: natural logarithms, as they are fitted.

    Attributes:
        lengths: log of the lengths, one per group of features.
        scale: log of the variance of the process.
        noise: log of the variance of the noise.
    """

    lengths: tuple[float, ...]
    scale: float
    noise: float

    def weights(self, group: np.ndarray) -> Array:
        """By what each feature is multiplied so that distances are in units of the lengths."""
        return np.asarray(np.exp(-np.array(self.lengths))[group])


class Process:
    """The inverse of the Cholesky factor of the covariance of all points so far, kept up to date row by row.

    A further row costs O(n²), and so does the posterior of one candidate; with the inverse instead of the factor both
    are products, which are fast and need no solver.

    Args:
        beliefs: hyperparameters, fixed for its life.
        weights: of the features, see `Beliefs.weights`.
        features: of the first points, shape (n, features).
    """

    def __init__(self, beliefs: Beliefs, weights: Array, features: Array) -> None:
        self.beliefs = beliefs
        self._weights = weights
        self._scale = float(np.exp(beliefs.scale))
        self._noise = float(np.exp(beliefs.noise)) + JITTER * self._scale
        self.size = len(features)
        self._points = features * weights
        covariance = self._scale * matern(distances(self._points, self._points))
        covariance.flat[:: self.size + 1] = self._scale + self._noise
        self._inverse = inverse_factor(covariance)

    def grown(self, features: Array) -> "Process":
        """The process with further points, shape (k, features)."""
        more = object.__new__(Process)
        more.__dict__.update(self.__dict__)
        for row in features:
            more._append(row * self._weights)
        return more

    def _append(self, point: Array) -> None:
        n = self.size
        near = self._scale * matern(distances(point[None], self._points))[0]
        row = self._inverse @ near
        pivot = np.sqrt(max(self._scale + self._noise - float(row @ row), self._noise))
        inverse = np.zeros((n + 1, n + 1))
        inverse[:n, :n] = self._inverse
        inverse[n, :n] = (row @ self._inverse) / -pivot
        inverse[n, n] = 1.0 / pivot
        self._inverse, self._points, self.size = inverse, np.vstack([self._points, point]), n + 1

    def solve(self, targets: Array) -> Array:
        """Covariance⁻¹ targets, which `predict` takes; a shorter vector is that of the first points alone."""
        first = self._inverse[: len(targets), : len(targets)]
        return np.asarray((first @ targets) @ first)

    def predict(self, features: Array, solved: Array) -> tuple[Array, Array]:
        """Mean and standard deviation of the process, without noise, at candidates.

        The deviation is that given all points, the mean that given the points of `solved`. Those beyond are pending
        and believed to turn out as the mean says, which leaves it as it is: the "kriging believer" of Ginsbourger, Le
        Riche & Carraro, "Kriging is well-suited to parallelize optimization" (2010).
        """
        near = self._scale * matern(distances(features * self._weights, self._points))
        mean = near[:, : len(solved)] @ solved
        explained = near @ self._inverse.T
        variance = self._scale - np.einsum("ij,ij->i", explained, explained)
        return mean, np.sqrt(np.maximum(variance, 1e-12 * self._scale))


def inverse_factor(covariance: Array) -> Array:
    """The inverse of the lower Cholesky factor."""
    """The inverse of the lower Cholesky factor."""
    from scipy.linalg import lapack

    factor, failed = lapack.dpotrf(covariance, lower=1, clean=1)
    assert not failed, "the noise keeps the covariance positive definite"
    inverse, _ = lapack.dtrtri(factor, lower=1)
    return np.ascontiguousarray(inverse)
