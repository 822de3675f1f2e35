"""The most promising candidates: a look at the whole space, another around the best trials, and steps uphill."""

import math
from collections.abc import Callable

import numpy as np

from welltempered.surrogates.candidates import Candidates
from welltempered.surrogates.kernel import Array

_NEAR = (0.02, 0.2)
"""Radii around the best trials, log-uniform: from a fine adjustment to another part of the range."""
_EACH = 80
_RADII = (0.1, 0.05, 0.02, 0.01, 0.004)
"""Of the steps uphill. They are random: a gradient knows nothing of options, conditions and whole numbers."""
_TOP = 6
"""Candidates from which steps begin, so that not all climb the same hill."""
_STEPS = 12


def search(
    candidates: Candidates, rng: np.random.Generator, spread: Array, best: Array, promise: Callable[[Array], Array]
) -> tuple[Array, Array]:
    """Candidates as encoded rows, most promising first, and what they promise.

    Args:
        candidates: of the space.
        rng: decides all that is random.
        spread: points that cover the cube evenly; they are shifted at random, modulo 1 (Cranley & Patterson 1976).
        best: the encoded params of the best trials, near which half of the candidates are.
        promise: of encoded rows; `-inf` for what cannot be tried.
    """
    best = np.where(np.isnan(best), rng.random(best.shape), best)
    radius = np.exp(rng.uniform(math.log(_NEAR[0]), math.log(_NEAR[1]), (len(best) * _EACH, 1)))
    shifted = np.mod(spread + rng.random(spread.shape[1]), 1.0)
    points = candidates.rounded(np.vstack([shifted, candidates.around(rng, best, _EACH, radius)]))
    rows = [candidates.active(points)]
    values = [promise(rows[0])]
    best, high = _top(points, values[0])
    for step in _RADII:
        more = candidates.rounded(candidates.around(rng, best, _STEPS, np.array([[step]])))
        rows.append(candidates.active(more))
        values.append(promise(rows[-1]))
        best, high = _top(np.vstack([best, more]), np.concatenate([high, values[-1]]))
    promised = np.concatenate(values)
    order = np.argsort(-promised, kind="stable")
    return np.vstack(rows)[order], promised[order]


def _top(points: Array, values: Array) -> tuple[Array, Array]:
    order = np.argsort(-values, kind="stable")[:_TOP]
    return points[order], values[order]
