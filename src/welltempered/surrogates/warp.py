"""Losses as a process can believe them: standardised, and deaf to how bad the bad ones are."""

import numpy as np

from welltempered.surrogates.kernel import Array

_FAR = 3.0
"""Spreads above the median beyond which a loss is just bad; the spread is that of the better half."""
_WORSE = 0.25
"""By how many deviations a failed trial is worse than the worst sound one: beyond doubt, but not a cliff."""


def warped(losses: Array) -> Array | None:
    """Losses with mean 0 and deviation 1, bad ones cut, `inf` just worse than the worst; `None` if none is finite.

    What is worse than the median by three times the distance between the best quarter and the median becomes equal:
    a training that ends at a loss of 10⁶ says no more than one that ends at 10, and would flatten all others.
    """
    sound = np.isfinite(losses)
    if not sound.any():
        return None
    finite = losses[sound]
    quarter, middle = np.quantile(finite, [0.25, 0.5])
    spread = middle - quarter
    if spread > 0:
        finite = np.minimum(finite, middle + _FAR * spread)
    low, high = float(finite.min()), float(finite.max())
    finite = (finite - low) / (high - low) if high > low else np.zeros_like(finite)  # so that no square overflows
    finite = finite - finite.mean()
    deviation = float(finite.std()) or 1.0
    targets = np.empty_like(losses)
    targets[sound] = finite / deviation
    targets[~sound] = finite.max() / deviation + _WORSE
    return targets
