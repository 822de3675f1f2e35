"""Densities of encoded params, as mixtures of kernels around trials: the Parzen estimators of `TPE`.

All densities are relative to the uniform one over the space, whose logarithm is 0. So a parameter that is inactive in a
trial or a candidate says nothing there, and the prior is one more kernel. The logarithm of a product kernel is an inner
product of what depends on the candidate (`Axes.features`) with what depends on the trial (`Kernels.weights`): a
density of many candidates is one product of matrices.
"""

import math

import numpy as np
from numpy.typing import NDArray

from welltempered.space import Choice, Space

Array = NDArray[np.float64]

WIDTH = 0.2
"""σ of one kernel alone, as a part of the range; it shrinks as Scott's rule says, n^(-1/(d+4)) (Optuna's multivariate
estimator: Watanabe, "Tree-structured Parzen estimator", arXiv:2304.11127, 2023, section 3.3.4)."""
NARROWEST = 100
"""No kernel is narrower than one part in so many of the range, or in n + 1 (the "magic clipping" there)."""


MOVED = 8
"""Parameters in which a candidate differs from the trial it is drawn around, in the mean: if all thirty changed at
once, hardly any candidate would be better (as Regis & Shoemaker perturb few coordinates, "Combining radial basis
function surrogates and dynamic coordinate search", Engineering Optimization 45, 2013)."""


class Axes:
    """The columns of encoded params, as kernels see them: numbers lie on a line, options lie apart."""

    def __init__(self, space: Space) -> None:
        parameters = list(enumerate(space.values()))
        self.dimensions = len(parameters)
        self.numbers = np.array([c for c, p in parameters if not isinstance(p, Choice)], dtype=np.int64)
        self.choices = np.array([c for c, p in parameters if isinstance(p, Choice) and p.size > 1], dtype=np.int64)
        sizes = [int(parameter.size) for _, parameter in parameters if isinstance(parameter, Choice)]
        self.options = np.array([size for size in sizes if size > 1], dtype=np.float64)
        # One feature per option: the choice it belongs to, and its rank there.
        self._owner = np.repeat(np.arange(len(self.options)), self.options.astype(np.int64))
        self._rank = np.concatenate([np.arange(size) for size in self.options] or [np.empty(0)])
        self._bins = np.array([_equal_bins(parameter.bijection) for _, parameter in parameters])
        self._binned = np.isfinite(self._bins)
        self.steps = 1 / np.array([parameter.size for _, parameter in parameters])[self.numbers]

    def features(self, rows: Array) -> Array:
        """What a kernel needs to know of encoded params, shape (n, features): x, x², 1 and the options."""
        x = rows[:, self.numbers]
        active = ~np.isnan(x)
        x = np.where(active, x, 0.0)
        return np.concatenate([x, x * x, active, self.chosen(rows)], axis=1)

    def chosen(self, rows: Array) -> NDArray[np.bool_]:
        """Which options are chosen, shape (n, options of all choices); none of an inactive choice."""
        ranks = np.floor(rows[:, self.choices] * self.options)
        found: NDArray[np.bool_] = ranks[:, self._owner] == self._rank
        return found

    def per_option(self, values: Array) -> Array:
        """A value per choice, repeated for its options."""
        return values[..., self._owner]

    def snapped(self, rows: Array) -> Array:
        """The same positions, in the middle of their bins where a parameter has equal ones."""
        bins = np.where(self._binned, self._bins, 1.0)
        middle = (np.minimum(np.floor(rows * bins), bins - 1) + 0.5) / bins
        return np.where(self._binned, middle, rows)


def _equal_bins(scale: object) -> float:
    """How many equal bins a scale divides [0, 1] into; `inf` if it does not."""
    size, at, encode = scale.size, scale.at, scale.encode  # type: ignore[attr-defined]
    equal = at is not None and abs(encode(at(0)) * 2 * size - 1) < 1e-9
    return float(size) if equal else float("inf")


class Kernels:
    """A mixture of kernels around trials, all of the same widths, and of the uniform prior, which is one more.

    A number has a normal kernel; of a choice the kernel keeps the option, or draws any (Aitchison & Aitken,
    "Multivariate binary discrimination by the kernel method", Biometrika 63, 1976). What of a normal kernel lies beyond
    the ends of the range is reflected when candidates are drawn, and left out of the density: cutting the kernels off
    exactly takes longer and found nothing better.

    Args:
        axes: of the space.
        rows: encoded params of the trials, shape (n, parameters), NaN where a parameter is inactive.
    """

    def __init__(self, axes: Axes, rows: Array) -> None:
        n = max(1, len(rows))
        scott = WIDTH * n ** (-1 / (axes.dimensions + 4))
        self._axes = axes
        self._rows = rows
        # At least half of a step, or between steps there would be nothing.
        self._widths = np.maximum(max(scott, 1 / min(NARROWEST, n + 1)), axes.steps / 2)
        self._spread = 1 / (n + 1)  # the weight of each option, beside 1 of the trial's own

    def log_density(self, features: Array) -> Array:
        """The logarithm of the density at candidates, of which `Axes.features` are given; shape (candidates,)."""
        logs = features @ self._weights().T
        top = logs.max(axis=1, initial=0.0)  # the prior's is 0
        total = np.exp(logs - top[:, None]).sum(axis=1) + np.exp(-top)
        density: Array = np.log(total) + top - np.log(len(self._rows) + 1)
        return density

    def _weights(self) -> Array:
        """What the logarithms of the kernels are linear in, shape (n, features)."""
        axes, widths = self._axes, self._widths
        x = self._rows[:, axes.numbers]
        precision = 1 / widths**2
        height = -np.log(math.sqrt(2 * math.pi) * widths) - x * x * (precision / 2)
        total = (1 + self._spread * axes.options) / axes.options
        own, other = np.log((1 + self._spread) / total), np.log(self._spread / total)
        options = np.where(axes.chosen(self._rows), axes.per_option(own), axes.per_option(other))
        options *= axes.per_option(~np.isnan(self._rows[:, axes.choices]))
        found = np.concatenate([x * precision, 0 * x - precision / 2, height, options], axis=1)
        weights: Array = np.nan_to_num(found, copy=False)
        return weights

    def draw(self, rng: np.random.Generator, count: int) -> Array:
        """Candidates from the density, shape (count, parameters); what a trial says nothing of is uniform.

        In more dimensions than `MOVED` a candidate leaves the others where the trial has them.
        """
        axes = self._axes
        prior = np.full((1, axes.dimensions), np.nan)
        origins = np.concatenate([self._rows, prior])[rng.integers(0, len(self._rows) + 1, count)]
        uniform, rows = rng.random(origins.shape), origins.copy()
        steps = self._widths * rng.standard_normal((count, len(axes.numbers)))
        rows[:, axes.numbers] = np.clip(1 - np.abs(1 - np.abs(rows[:, axes.numbers] + steps)), 0.0, 1.0)
        anew = rng.random((count, len(axes.options))) * (1 + self._spread * axes.options) > 1
        rows[:, axes.choices] = np.where(anew, uniform[:, axes.choices], rows[:, axes.choices])
        rows = np.where(rng.random(rows.shape) * axes.dimensions < MOVED, rows, origins)
        return axes.snapped(np.where(np.isnan(origins), uniform, rows))
