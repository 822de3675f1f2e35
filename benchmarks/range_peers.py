"""What others suggest after one sweep: fastai's `lr_find` and Lightning's, written anew from their documentation.

Both go once through the rates in 100 steps, smooth by a moving average and stop at four times the best loss.
"""

import copy
import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from benchmarks.range_problems import Training

STEPS = 100
"""Both train that many steps, however long an epoch is."""

BETA = 0.98
"""Weight of the past in the moving average, of both."""

FACTOR = 4.0
"""Both stop when the smoothed loss is that many times its best."""

Floats = NDArray[np.float64]


def suggestions(training: Training) -> dict[str, float | None]:
    """The rates that each rule suggests for a training; it is left trained."""
    start = copy.deepcopy(training.model.state_dict())
    rates, smooth = _sweep(training, 1e-7, 10.0)
    # fastai leaves out the first tenth and the last five before it looks.
    rates, smooth = rates[STEPS // 10 : -5], smooth[STEPS // 10 : -5]
    found = {name: rule(rates, smooth) for name, rule in FASTAI.items()}
    training.model.load_state_dict(start)
    training.optimizer = training.problem.optimize(training.model)
    rates, smooth = _sweep(training, 1e-8, 1.0)
    return found | {"Lightning": _lightning(rates, smooth)}


def _sweep(training: Training, low: float, high: float) -> tuple[Floats, Floats]:
    rates, average, best = np.geomspace(low, high, STEPS), 0.0, math.inf
    smooth: list[float] = []
    for i, rate in enumerate(rates):
        for group in training.optimizer.param_groups:
            group["lr"] = float(rate)
        average = BETA * average + (1 - BETA) * float(training.step())
        smooth.append(average / (1 - BETA ** (i + 1)))
        best = min(best, smooth[-1])
        if not smooth[-1] <= FACTOR * best:
            break
    return rates[: len(smooth)], np.array(smooth)


def _valley(rates: Floats, losses: Floats) -> float | None:
    """The middle third of the longest run of falling losses (gaps allowed): half way through its second third."""
    n = len(losses)
    if n < 2:
        return None
    length = np.ones(n, int)
    for i in range(n):
        before = np.flatnonzero(losses[:i] > losses[i])
        if len(before):
            length[i] = length[before].max() + 1
    end = int(np.argmax(length))
    # As fastai: the run is taken to be as long as it has members, back from its end.
    first, third = end - int(length[end]), length[end] / 3
    return float(rates[max(first + int(third) + int(third / 2), 0)])


def _steep(rates: Floats, losses: Floats) -> float | None:
    if len(losses) < 2:
        return None
    return float(rates[int(np.argmin(np.diff(losses) / np.diff(np.log(rates))))])


def _minimum(rates: Floats, losses: Floats) -> float | None:
    return float(rates[int(np.nanargmin(losses))]) / 10 if len(losses) and np.isfinite(losses).any() else None


def _lightning(rates: Floats, losses: Floats) -> float | None:
    """The steepest point, without the first ten and the last."""
    found, rates = losses[10:-1], rates[10:-1]
    keep = np.isfinite(found)
    if keep.sum() < 2:
        return None
    gradients = np.gradient(found[keep])
    return float(rates[keep][int(np.argmin(gradients))])


FASTAI: dict[str, Callable[[Floats, Floats], float | None]] = {
    "fastai valley": _valley,
    "fastai steep": _steep,
    "fastai minimum": _minimum,
}
