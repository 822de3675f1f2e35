"""How losses after different epochs of one training hang together, and those of different trainings.

After epoch t, trial i with features x has the loss f(x, t) + g_i(t) + noise: f is what params like these do, g_i what
this training has of its own. Both are Gaussian processes, after Swersky, Snoek & Adams, "Freeze-thaw Bayesian
optimization" (2014), but with several shapes of curves instead of one: cov f = K(x, x') · Σ a_s² S_s(t, t'),
cov g = Σ b_o² O_o(t, t').
"""

import math

import numpy as np

from welltempered.surrogates.kernel import Array

SHARED = 6
"""Shapes of f: level, a fall along log t, t^-½, t^-1 and t^-2 that flatten, and a random walk for what those cannot."""
OWN = 3
"""Shapes of g: level, t^-1, and a random walk along log t: the longer the part not seen, the less is known of it."""


def shapes(s: Array, t: Array, horizon: int) -> list[Array]:
    """S_s(s, t) for all pairs of epochs, shape (len(s), len(t)) each; log t is 1 at the horizon."""
    return pairs(s[:, None], t[None, :], horizon)


def pairs(s: Array, t: Array, horizon: int) -> list[Array]:
    """S_s(s, t) of epochs that are broadcast."""
    scale = math.log(max(horizon, 2))
    u, v = np.log(s) / scale, np.log(t) / scale
    product = s * t
    return [np.ones_like(product), u * v, product**-0.5, 1.0 / product, product**-2.0, np.minimum(u, v)]


def own(shared: list[Array]) -> list[Array]:
    """O_o, which are among the S_s."""
    return [shared[0], shared[3], shared[5]]


def marks(epoch: int) -> list[int]:
    """The epochs of a curve that are looked at: 1, 3, 8, 20, 50, ... and the last; the others say little more.

    >>> marks(1), marks(9), marks(50)
    ([1], [1, 3, 8, 9], [1, 3, 8, 20, 50])
    """
    found, mark = [], 1
    while mark < epoch:
        found.append(mark)
        mark = math.ceil(2.5 * mark)
    return [*found, epoch]
