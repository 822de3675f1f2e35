"""The Matérn kernel of smoothness 5/2 with a length of its own per feature group.

Rasmussen & Williams, "Gaussian Processes for Machine Learning" (2006), eq. 4.17. Snoek, Larochelle & Adams,
"Practical Bayesian optimization of machine learning algorithms" (NeurIPS 2012), prefer it for tuning: losses are less
smooth than the squared exponential believes.
"""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def matern(squared: Array) -> Array:
    """Correlations at squared distances, in units of the lengths: (1 + √5 r + 5/3 r²) exp(-√5 r)."""
    r = 5.0 * squared
    np.sqrt(r, out=r)
    square = r * r
    square /= 3.0
    found = 1.0 + r
    found += square
    np.negative(r, out=r)
    found *= np.exp(r, out=r)  # in place: large arrays are dearer to allocate than to compute
    return np.asarray(found)


def matern_and_slope(squared: Array) -> tuple[Array, Array]:
    """The correlations and their derivative by the squared distance, -5/6 (1 + √5 r) exp(-√5 r)."""
    r = np.sqrt(5.0 * squared)
    e = np.exp(-r)
    linear = (1.0 + r) * e
    return linear + r * r * e / 3.0, linear * (-5.0 / 6.0)


def distances(a: Array, b: Array) -> Array:
    """Squared Euclidean distances, shape (len(a), len(b)), of rows that are scaled by their lengths already."""
    products = a @ b.T
    products *= -2.0
    products += np.einsum("ij,ij->i", a, a)[:, None]
    products += np.einsum("ij,ij->i", b, b)
    return np.maximum(products, 0.0, out=products)
