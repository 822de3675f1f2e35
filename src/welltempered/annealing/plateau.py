"""The schedule that is no curve: it falls when training no longer gets better."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Never

import numpy as np

from welltempered.annealing.ramp import FACTOR, SHARE, count, ramp, real, span_of, warm
from welltempered.checks import shown
from welltempered.errors import InvalidInput


@dataclass(frozen=True)
class Seen:
    """What `ReduceOnPlateau` has seen so far.

    Attributes:
        best: the best loss.
        waited: epochs in a row without a better one.
        resting: epochs of the cooldown that are left.
        factor: share of the base rate, without warm-up.
    """

    best: float = math.inf
    waited: int = 0
    resting: int = 0
    factor: float = 1.0


@dataclass(frozen=True)
class ReduceOnPlateau:
    """The rate falls by a factor when the loss has not improved for a number of epochs.

    After each epoch: a loss below the best one by more than `min_delta` is the new best, and the waiting begins anew;
    any other loss, also NaN, is an epoch waited. In the cooldown the best loss is kept up to date, but nothing is
    waited. When `patience` epochs have been waited, the rate is multiplied by `factor`, though not below `floor`, and
    the next epoch is the first of the cooldown. It is the same in both frameworks, whose own words differ: torch
    reduces when its patience is *exceeded* (so its patience is ours - 1), Keras counts the last epoch of the cooldown.

    All is counted in epochs rather than in shares of the horizon: how long one must wait depends on how noisy the loss
    is from one epoch to the next, and not on how long the training may last.

    Attributes:
        factor: what is left of the rate. Default 0.1, as in torch and Keras.
        patience: epochs without improvement after which it falls. Default 5: theirs of 10 would hardly ever be reached
            in the short trainings of a study.
        min_delta: by how much a loss must be better, in its own units. Default 0, as nothing is known of the units.
        cooldown: epochs after a fall in which nothing is waited. Default 0, as theirs.
        floor: share of the base rate below which it does not fall. Default 0, as theirs.
        warmup: epochs of linear warm-up; losses count from the first epoch on. Default 0.

    Raises:
        InvalidInput: if a field is out of its range.

    >>> [round(factor, 3) for factor in ReduceOnPlateau(patience=2).factors([3, 2, 2, 2, 1, 1, 1])]
    [1.0, 1.0, 1.0, 0.1, 0.1, 0.1, 0.01]
    """

    factor: float = 0.1
    patience: int = 5
    min_delta: float = 0.0
    cooldown: int = 0
    floor: float = 0.0
    warmup: float = 0.0

    def __post_init__(self) -> None:
        real(self, "factor", FACTOR, 0, 1)
        count(self, "patience", 1)
        real(self, "min_delta", "at least 0", 0)
        count(self, "cooldown", 0)
        real(self, "floor", SHARE, 0, 1)
        warm(self)

    def after(self, seen: Seen, loss: float) -> Seen:
        """What has been seen after one more epoch, of which this is the loss; lower is better."""
        better = loss < seen.best - self.min_delta
        waited = 0 if better or seen.resting else seen.waited + 1
        best, resting = loss if better else seen.best, max(0, seen.resting - 1)
        if waited < self.patience:
            return Seen(best, waited, resting, seen.factor)
        return Seen(best, 0, self.cooldown, max(seen.factor * self.factor, self.floor))

    def factors(self, losses: Iterable[float]) -> list[float]:
        """The share of the base rate after each epoch, warm-up apart, given the loss of each.

        Raises:
            InvalidInput: if the losses are no numbers.
        """
        try:
            losses = [float(loss) for loss in losses]
        except (TypeError, ValueError):
            raise InvalidInput(f"losses must be numbers, one per epoch, got losses={shown(losses)}") from None
        seen, factors = Seen(), []
        for loss in losses:
            seen = self.after(seen, loss)
            factors.append(seen.factor)
        return factors

    def at(self, *_: object, **__: object) -> Never:
        """There is none: it depends on losses.

        Raises:
            InvalidInput: always.
        """
        raise InvalidInput("a curve must depend on the step alone, but ReduceOnPlateau on losses: use factors(losses)")

    def warming(self, step: Any, *, steps: int = 1, ops: Any = np) -> Any:
        """The share that warm-up leaves of the rate in a step, counted from 0, with so many steps per epoch."""
        _, steps = span_of(1, steps)
        return ramp(step, self.warmup * steps, ops)
