"""Trials that are the same training although their params differ."""

import math
from collections.abc import Sequence

import numpy as np

from welltempered.surrogates.kernel import Array
from welltempered.trial import Trial

__all__ = ["Twins"]

_SHRINK = 0.97
"""By so much the reach shrinks when a trial shows that near ones differ: a twin in thirty near ones makes up for it."""
_NEAR = 1.5
"""Trials nearer than so many reaches show something about it."""
_GAPS = 8
"""So many gaps between losses are needed to see whether these are multiples of a step."""
_STEPS = 6
"""The smallest of the gaps may be so many steps."""
_OFF = 0.05
"""Gaps that are no multiples of a step are off by 0.25 steps on average; those of float32 that are by much less."""
_SAME = 1e-6
"""Losses that are nearer than this part of themselves are equal but for float32's rounding (1.2e-7)."""


class Twins:
    """Learns how far apart params may be and still train the same net, so that nobody looks there again.

    Training rounds some params, ignores others, or looks them up in a table. Where nothing else sets trials apart,
    whoever searches near the best then pays for the same training again and again. Trials are twins if all that they
    have reported is equal, and better than half of the others, since nets that learn nothing are equal for other
    reasons. Where losses are multiples of a step, as accuracies are, they are equal by chance, and nobody is a twin.

    Attributes:
        reach: params that are nearer than this to those of a trial promise nothing new; 0 if there are no twins.
    """

    def __init__(self) -> None:
        self.reach = 0.0

    def met(self, trial: Trial, others: Sequence[Trial], away: Array) -> bool:
        """Whether a trial whose first lease is over is a twin of another.

        Args:
            trial: it has reported an epoch at least.
            others: that have, too, in the order of their losses.
            away: how far they are from it.
        """
        if not others:
            return False
        said = _said(trial, trial.epoch)
        same = [_said(one, trial.epoch) == said for one in others]
        if any(same) and trial.loss < others[len(others) // 2].loss and not _coarse(others):
            self.reach = max(self.reach, float(away[same].min()))
            return True
        if away.min() < _NEAR * self.reach:
            self.reach *= _SHRINK
        return False

    def near(self, rows: Array, others: Array) -> np.ndarray:
        """Which rows of features are within reach of others, shape (rows,)."""
        squares = (rows * rows).sum(1)[:, None] + (others * others).sum(1) - 2.0 * rows @ others.T
        found: np.ndarray = squares.min(1) < self.reach**2
        return found


def _said(trial: Trial, epochs: int) -> list[dict[str, float | None]]:
    return [report.metrics for report in trial.reports[:epochs]]


def _coarse(trials: Sequence[Trial]) -> bool:
    """Whether losses are multiples of a step, or too few to say; the worse half may be the large ones of divergence."""
    losses = sorted(loss for trial in trials for loss in trial.losses if math.isfinite(loss))
    better = np.array(losses[: (len(losses) + 1) // 2])
    gaps = np.diff(better)
    gaps = gaps[gaps > _SAME * np.abs(better[1:])]
    if len(gaps) < _GAPS:
        return True
    steps = np.arange(1, _STEPS + 1)[:, None] * gaps / gaps.min()
    return bool((np.abs(steps - np.round(steps)).mean(axis=1) < _OFF).any())
