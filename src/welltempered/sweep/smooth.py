"""Curves through noisy losses: how large the noise is, and a line that outliers do not bend."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_CUT = 5.0
"""Differences count up to that many times their median; of normal noise, one in 1,300 is beyond."""

_FEW = 3.0
"""The estimate of noise from n differences is raised by 3 / n: five differences tell it to a third."""

_SPAN = 0.2
"""Half width of the window, in decades: what falls within a factor of 1.6 is one place of the curve."""

_FEWEST = 8
"""Points in a window at least; it grows where the steps lie further apart. A line needs two, its noise some more."""

_ROUNDS = 3
"""Rounds of weighting by residuals. The first are those from the local median, since a line by least squares may go
through two outliers of a short window; after two more, as Cleveland (1979) finds, nothing changes."""

_TINY = 1e-9
"""Noise is never taken to be smaller, relative to the loss: a full batch has none, and rounding is left."""


def noise_of(*series: Sequence[float]) -> float:
    """The standard deviation of single losses around slow curves, from the differences of neighbours.

    The mean absolute difference of normal losses is 2 σ / √π. It needs fewer losses than their median absolute
    deviation, which counts here, as the first sweep of a short test has a handful; differences far beyond the median
    are cut, as they are steps of the curve and not noise. With few losses the estimate is raised: to take a bad batch
    for a divergence costs more than to see a divergence one step later.

    Args:
        series: losses in the order they were measured, finite; without any difference the noise counts as tiny.
    """
    every = np.concatenate([np.asarray(losses, np.float64) for losses in series])
    differences = np.abs(np.concatenate([np.diff(losses) for losses in series]))
    tiny = _TINY * max(float(np.median(np.abs(every))) if len(every) else 1.0, _TINY)
    if not len(differences):
        return tiny
    cut = np.minimum(differences, _CUT * np.median(differences))
    return max(float(cut.mean()) * math.sqrt(math.pi) / 2 * (1 + _FEW / len(differences)), tiny)


def lowess(at: Floats, x: Floats, y: Floats, rounds: int = _ROUNDS) -> tuple[Floats, Floats]:
    """The smoothed curve at the places `at`: locally weighted lines, robust to outliers.

    Cleveland, "Robust Locally Weighted Regression and Smoothing Scatterplots", JASA 1979: tricube weights by distance,
    bisquare weights by residual. Unlike a moving average (what fastai and Lightning do) it does not lag behind the
    curve, so the steepest point is not shifted to larger rates.

    Args:
        at: places, shape (m,).
        x: logarithms (base 10) of the rates, shape (n,), n of at least 2, in any order.
        y: losses, shape (n,), finite.
        rounds: of reweighting; 0 is quick and not robust.

    Returns:
        Losses, shape (m,), and their standard errors in units of the noise of a single loss.
    """
    distances = np.abs(at[:, None] - x)
    nth = min(_FEWEST, len(x)) - 1
    width = np.maximum(_SPAN, np.partition(distances, nth, axis=1)[:, nth] * 1.01)[:, None]
    near = np.clip(1 - (distances / width) ** 3, 0, None) ** 3
    weights = near
    residuals = np.abs(y - _weighted_medians(np.broadcast_to(y, near.shape), near)[:, None])
    for i in range(rounds):
        if i:
            lines = _lines(at, x, y, weights)
            residuals = np.abs(y - lines.levels[:, None] - lines.slopes[:, None] * (x - at[:, None]))
        typical = np.maximum(_weighted_medians(residuals, near), _TINY)[:, None]
        weights = near * np.maximum(np.clip(1 - (residuals / (6 * typical)) ** 2, 0, None) ** 2, _TINY)
    lines = _lines(at, x, y, weights)
    return lines.levels, np.sqrt((lines.kernel**2).sum(1))


class _Lines(NamedTuple):
    """A line around each place: its level there, its slope, and the weights with which the losses make up the level."""

    levels: Floats
    slopes: Floats
    kernel: Floats


def _lines(at: Floats, x: Floats, y: Floats, weights: Floats) -> _Lines:
    """Weighted least squares."""
    shares = weights / weights.sum(1, keepdims=True)
    middle = shares @ x
    shifted = x - middle[:, None]
    steep = shares * shifted
    steep /= np.maximum((steep * shifted).sum(1, keepdims=True), 1e-12)
    kernel = shares + steep * (at - middle)[:, None]
    return _Lines(kernel @ y, steep @ y, kernel)


def _weighted_medians(values: Floats, weights: Floats) -> Floats:
    """The weighted median of each row."""
    order = np.argsort(values, axis=1)
    reached = np.cumsum(np.take_along_axis(weights, order, axis=1), axis=1)
    middle = (reached < reached[:, -1:] / 2).sum(1)
    return np.take_along_axis(values, np.take_along_axis(order, middle[:, None], axis=1), axis=1)[:, 0]
