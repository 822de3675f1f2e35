"""Losses of many epochs as a process can believe them: half what they are, half which place they have."""

from dataclasses import dataclass

import numpy as np

from welltempered.surrogates.kernel import Array

_VALUE, _PLACE = 0.5, 0.25
"""Weights of the value and of the place."""
_BAD = 2.0
"""Where the logarithm of bad values is cut."""
_WORSE = 0.3
"""By how many deviations a failed training is worse than the worst sound one, by place."""
_HUGE = 1e30
"""Keeps squares finite."""


@dataclass(frozen=True)
class Blend:
    """A growing function of losses, made for those that are known.

    The value counts in units of the distance from the best to the median, above the median its logarithm. The place is
    the normal quantile of the rank: where most trainings lie close together and few far below them, it sees the
    differences among the many. Each alone was worse: values on losses with plateaus, places on smooth ones.
    """

    low: float
    middle: float
    known: Array
    places: Array

    @classmethod
    def of(cls, losses: Array) -> "Blend | None":
        """The function for losses of which some are finite; `None` if none is."""
        from scipy.special import ndtri

        finite = np.sort(losses[np.isfinite(losses)])
        if not len(finite):
            return None
        known, first, count = np.unique(finite, return_index=True, return_counts=True)
        places = ndtri((first + 0.5 * count) / len(finite))
        return cls(float(finite[0]), float(np.median(finite)), known, places)

    def __call__(self, losses: Array) -> Array:
        """About -1 for the best, 0 for the median; `inf` is just worse than the worst."""
        sound = np.minimum(losses, _HUGE)
        scale = max(self.middle - self.low, 1e-12 * max(1.0, abs(self.low)))
        value = (sound - self.middle) / scale
        value = np.minimum(np.where(value > 0, np.log1p(np.maximum(value, 0.0)), value), _BAD)
        place = np.interp(sound, self.known, self.places)
        place = np.where(np.isfinite(losses), place, self.places[-1] + _WORSE)
        return np.asarray(_VALUE * value + _PLACE * place)
