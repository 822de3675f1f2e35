"""What a sweep has measured, when it is over, and how many steps the next one gets: pure, NumPy only."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from welltempered.sweep.smooth import Floats, noise_of

FEWEST_STEPS = 30
"""With fewer, two sweeps have less than two steps per decade, and most falls lie between two steps."""

SPENT, SCARCE = 0.8, 60
"""Share of an epoch's steps that is taken: putting the training back and reading the curve cost some time, too, and all
of it is to stay within an epoch of half a second or more. But all of them if they are so few, since each is needed
then."""

COARSE = 0.25
"""Share of the steps for the first sweep, which goes through all rates; the others look where the loss moves."""

SPARSEST = 2.0
"""Steps per decade of the first sweep at least: it has to see where the loss explodes, no more."""

DENSEST = 20.0
"""Steps per decade at most. More of them train longer at the small rates and say no more about the large ones."""

PACE = 5.0
"""Steps per decade that a later sweep should have at least; rather two dense sweeps than five sparse ones."""

FINER = 2, 5
"""Later sweeps: two at least, since one alone agrees with itself, and five at most."""

SHORTEST = 6
"""A sweep of fewer steps shows no curve."""

BEYOND = 6.0
"""A sweep ends when its loss is that many standard deviations of the noise above the best so far ..."""

LOST = 0.8
"""... and this share of what it had gained is lost again."""

_RECENT = 3
"""Losses whose median is compared: a single bad batch is no divergence."""


@dataclass(frozen=True)
class Sweep:
    """One training with a growing learning rate, from the state in which the model was given.

    Attributes:
        rates: learning rates of the steps, growing.
        losses: `losses[i]` is the loss after the step with `rates[i]` (measured by the step after it, on that one's
            batch); `inf` if it was not finite, or beyond 1e100.
        initial: the loss before the first step; `inf` if it was not finite.
        diverged: whether it ended because the loss did.
    """

    rates: tuple[float, ...]
    losses: tuple[float, ...]
    initial: float
    diverged: bool

    @property
    def plateau(self) -> tuple[float, ...]:
        """The losses of its first third, where the rates are small: they hardly move, but for the noise."""
        every = [loss for loss in (self.initial, *self.losses) if math.isfinite(loss)]
        return tuple(every[: max(len(every) // 3, SHORTEST)])


def noise_in(sweeps: Sequence[Sweep]) -> float:
    """The standard deviation of a single loss due to its batch; 0 if nothing has been measured."""
    return noise_of(*(sweep.plateau for sweep in sweeps)) if sweeps else 0.0


def has_diverged(losses: Sequence[float], noise: float = 0.0) -> bool:
    """Whether a sweep whose losses so far are these is over: not finite, or far above its best.

    "Far" is measured by the noise of the batches and by what had been gained, so it means the same for a loss of
    1e-4 and one of 1e6. A multiple of the best loss, the rule of fastai and Lightning, does not: it stops a noisy
    regression at once, and a classifier that starts at 2.3 not until 9.2.

    Args:
        losses: of this sweep, the first before any step.
        noise: what the sweeps before have shown; 0 in the first one, which then needs some losses to learn it.
    """
    if not math.isfinite(losses[-1]):
        return True
    if len(losses) < (_RECENT + 1 if noise else 3 * _RECENT):
        return False
    # What mostly holds is seen at once: lower than any bar that the exact rule below could set.
    first, last = (sorted(part)[_RECENT // 2] for part in (losses[:_RECENT], losses[-_RECENT:]))
    lowest = min(losses)
    if last <= max(lowest + BEYOND * noise, LOST * first + (1 - LOST) * lowest):
        return False
    values = np.asarray(losses)
    medians = np.sort(np.lib.stride_tricks.sliding_window_view(values, _RECENT), axis=1)[:, _RECENT // 2]
    best, gained = float(medians.min()), float(medians[0] - medians.min())
    # Outliers count here: a loss with a long tail is to end its sweep rather late than early.
    before = np.diff(values[:-_RECENT])
    noise = max(noise, float(before.std()) / math.sqrt(2) if len(before) > _RECENT else 0.0)
    return bool(medians[-1] > best + max(BEYOND * noise, LOST * gained))


def affordable(steps: int) -> int:
    """Steps to take of an epoch of so many."""
    return max(min(steps, SCARCE), round(SPENT * steps))


def ladder(begin: float, end: float, n: int) -> Floats:
    """`n` rates between two powers of ten, each the same multiple of the one before."""
    return np.asarray(10 ** np.linspace(begin, end, n), np.float64)


def coarse_steps(steps: int, decades: float) -> int:
    """Steps of the first sweep, of `steps` in all."""
    wanted = max(COARSE * steps, SPARSEST * decades)
    return max(SHORTEST, min(round(wanted), round(DENSEST * decades), steps // 2))


def finer_steps(left: int, done: int, decades: float) -> int:
    """Steps of the next finer sweep, after `done` of them; 0 if there is to be none."""
    fewest, most = FINER
    wanted = min(max(int(left / max(PACE * decades, SHORTEST)) + done, fewest), most) - done
    if wanted <= 0:
        return 0
    n = min(left // wanted, max(round(DENSEST * decades), SHORTEST))
    return n if n >= SHORTEST else 0
