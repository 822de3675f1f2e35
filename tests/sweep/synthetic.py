"""Losses of made-up trainings whose steepest rate and divergence are known."""

import math
from dataclasses import dataclass

import numpy as np

from welltempered.sweep.curve import next_rates
from welltempered.sweep.points import Sweep, has_diverged, noise_in
from welltempered.sweep.result import range_of

SWEPT = (1e-6, 10.0)


@dataclass(frozen=True)
class Curve:
    """A loss that falls by `fall` around `steepest` and explodes at `divergence` (logarithms of rates)."""

    steepest: float = -2.5
    divergence: float | None = -1.0
    initial: float = 2.3
    fall: float = 1.5
    noise: float = 0.05
    outliers: float = 0.0

    def losses(self, rates, rng):
        x = np.log10(rates)
        losses = self.initial - self.fall / (1 + np.exp(-(x - self.steepest) / 0.2))
        if self.divergence is not None:
            losses = losses + self.fall / 2 * np.exp(np.minimum((x - self.divergence) / 0.08, 300))
        losses = losses + self.noise * rng.standard_normal(len(x))
        return losses + 20 * self.noise * (rng.random(len(x)) < self.outliers)


def run(curve, *, steps=150, seed=0, swept=SWEPT):
    """The range test of a made-up training."""
    sweeps, used = [], 0
    rng = np.random.default_rng(seed)
    while len(rates := next_rates(sweeps, steps - used, swept)):
        losses, over = [curve.initial + curve.noise * rng.standard_normal()], False
        for loss in curve.losses(rates[:-1], rng):
            losses.append(float(loss) if math.isfinite(loss) else math.inf)
            if over := has_diverged(losses, noise_in(sweeps)):
                break
        used += len(losses)
        sweeps.append(Sweep(tuple(rates[: len(losses) - 1].tolist()), tuple(losses[1:]), losses[0], over))
    return range_of(sweeps, swept, used)
