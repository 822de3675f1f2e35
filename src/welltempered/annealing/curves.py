"""The schedules that are curves: their rate depends on the step and on the horizon alone.

Lengths after the warm-up are *shares of the horizon*, not epochs. Within a study both say the same, as all trials have
one horizon; but a share keeps its meaning when the winner is trained for longer, when a space is used again for another
budget, and when the horizon is a lease, so its range can be given once and for all. Warm-up is the exception and is
given in
epochs: it bridges the first, unstable steps, of which there are as many in a short training as in a long one.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from welltempered.annealing.ramp import FACTOR, SHARE, annealed, count, real, span_of, warm
from welltempered.checks import shown
from welltempered.errors import InvalidInput

_SLACK = 1e-5
"""Of a piece between two drops. Single precision errs by a hundredth of it, and a step that lies on a drop must be past
it."""


@dataclass(frozen=True)
class Constant:
    """The base rate, all the time.

    Attributes:
        warmup: epochs over which the rate rises linearly from the first step on. Default 0.

    Raises:
        InvalidInput: if `warmup` is no number of at least 0.

    >>> [float(Constant(warmup=2).at(epoch, epochs=9)) for epoch in range(3)]
    [0.5, 1.0, 1.0]
    """

    warmup: float = 0.0

    def __post_init__(self) -> None:
        warm(self)

    def at(self, step: Any, *, epochs: int, steps: int = 1, ops: Any = np) -> Any:
        """The share of the base rate that a step takes; all other curves take the same arguments.

        Args:
            step: number of the optimizer step, from 0 on: a number or an array, of any shape.
            epochs: horizon; the share stays as it is there.
            steps: optimizer steps per epoch. Default 1: `step` counts epochs, and may lie between two.
            ops: module that computes, `numpy` or `keras.ops`. Default NumPy.

        Raises:
            InvalidInput: if epochs or steps are no whole numbers of at least 1.
        """
        return annealed(ops.ones_like, self.warmup, step, span_of(epochs, steps), ops)


@dataclass(frozen=True)
class StepDecay:
    """The rate falls by a factor, several times, at equal distances.

    Attributes:
        factor: what is left of the rate after a drop. Default 0.1, as in residual nets (He et al., "Deep residual
            learning for image recognition", CVPR 2016, section 3.4).
        drops: how often it falls before the horizon; drops and horizon cut the way into equal pieces. Default 2: after
            1/3 and 2/3 of it, like the 30 and 60 of 90 epochs of PyTorch's training of residual nets on ImageNet.
        warmup: epochs of linear warm-up, before the way begins. Default 0.

    Raises:
        InvalidInput: if a field is out of its range.

    >>> [round(float(StepDecay().at(epoch, epochs=90)), 4) for epoch in (0, 29, 30, 60, 90)]
    [1.0, 1.0, 0.1, 0.01, 0.01]
    """

    factor: float = 0.1
    drops: int = 2
    warmup: float = 0.0

    def __post_init__(self) -> None:
        real(self, "factor", FACTOR, 0, 1)
        if isinstance(self.drops, list | tuple):
            raise InvalidInput(
                f"drops must be how often the rate falls, at equal distances, got drops={shown(self.drops)}; "
                "for drops at given places use torch's MultiStepLR or Keras' PiecewiseConstantDecay"
            )
        count(self, "drops", 1)
        warm(self)

    def at(self, step: Any, *, epochs: int, steps: int = 1, ops: Any = np) -> Any:
        """The share of the base rate that a step takes; arguments as in `Constant.at`."""

        def shape(left: Any) -> Any:
            fallen = ops.floor((1.0 - left) * (self.drops + 1) + _SLACK)
            return ops.power(self.factor, ops.minimum(fallen, float(self.drops)))

        return annealed(shape, self.warmup, step, span_of(epochs, steps), ops)


@dataclass(frozen=True)
class ExponentialDecay:
    """The rate falls by the same ratio in every epoch: exp(-`rate` × share of the way).

    `rate` is no γ of torch or Keras: it counts how often the learning rate falls by e until the horizon. Per epoch that
    is γ = exp(-rate / epochs), so rate = -epochs × ln γ.

    Attributes:
        rate: how often the learning rate falls by e until the horizon: 4.6 = ln 100 leaves a hundredth, the default. It
            is the decay rate per full training; per epoch the learning rate is multiplied by γ = exp(-rate / epochs),
            which for 90 epochs and 4.6 is Ng's 0.95. It acts by its order of magnitude, since it says on which part of
            the way the learning rate is still large (1 / rate), so it is searched on a log scale.
        warmup: epochs of linear warm-up, before the way begins. Default 0.

    Raises:
        InvalidInput: if a field is out of its range.

    >>> round(float(ExponentialDecay().at(9, epochs=9)), 3)
    0.01
    """

    rate: float = 4.6
    warmup: float = 0.0

    def __post_init__(self) -> None:
        real(self, "rate", "above 0", 0)
        warm(self)

    def at(self, step: Any, *, epochs: int, steps: int = 1, ops: Any = np) -> Any:
        """The share of the base rate that a step takes; arguments as in `Constant.at`."""

        def shape(left: Any) -> Any:
            return ops.exp((left - 1.0) * self.rate)

        return annealed(shape, self.warmup, step, span_of(epochs, steps), ops)


@dataclass(frozen=True)
class PolynomialDecay:
    """The rate falls along a power of the way that is left; a power of 1 is the straight line.

    Attributes:
        power: above 1 the rate falls early, below 1 late. Default 1, linear.
        end: share of the rate at the horizon. Default 0: a straight line to zero wins over one to a tenth (Bergsma et
            al., "Straight to zero: why linearly decaying the learning rate to zero works best for LLMs", ICLR 2025).
        warmup: epochs of linear warm-up, before the way begins. Default 0.

    Raises:
        InvalidInput: if a field is out of its range.

    >>> [float(PolynomialDecay().at(epoch, epochs=4)) for epoch in range(5)]
    [1.0, 0.75, 0.5, 0.25, 0.0]
    """

    power: float = 1.0
    end: float = 0.0
    warmup: float = 0.0

    def __post_init__(self) -> None:
        real(self, "power", "above 0", 0)
        real(self, "end", SHARE, 0, 1)
        warm(self)

    def at(self, step: Any, *, epochs: int, steps: int = 1, ops: Any = np) -> Any:
        """The share of the base rate that a step takes; arguments as in `Constant.at`."""

        def shape(left: Any) -> Any:
            return self.end + (1.0 - self.end) * ops.power(left, self.power)

        return annealed(shape, self.warmup, step, span_of(epochs, steps), ops)


@dataclass(frozen=True)
class CosineDecay:
    """The rate falls along half a cosine: slowly, then fast, then slowly.

    Loshchilov & Hutter, "SGDR: stochastic gradient descent with warm restarts", ICLR 2017, equation 5, without
    restarts.

    Attributes:
        end: share of the rate at the horizon. Default 0, as there.
        warmup: epochs of linear warm-up, before the way begins. Default 0.

    Raises:
        InvalidInput: if a field is out of its range.

    >>> [round(float(CosineDecay().at(epoch, epochs=4)), 3) for epoch in range(5)]
    [1.0, 0.854, 0.5, 0.146, 0.0]
    """

    end: float = 0.0
    warmup: float = 0.0

    def __post_init__(self) -> None:
        real(self, "end", SHARE, 0, 1)
        warm(self)

    def at(self, step: Any, *, epochs: int, steps: int = 1, ops: Any = np) -> Any:
        """The share of the base rate that a step takes; arguments as in `Constant.at`."""

        def shape(left: Any) -> Any:
            return _half_cosine(1.0, self.end, 1.0 - left, ops)

        return annealed(shape, self.warmup, step, span_of(epochs, steps), ops)


@dataclass(frozen=True)
class OneCycle:
    """The rate rises from a low one to the base rate and falls to almost nothing, both along half a cosine.

    Smith & Topin, "Super-convergence: very fast training of neural networks using large learning rates", 2018, in the
    form with two phases and cosines that fastai and PyTorch have. The momentum stays as it is.

    Attributes:
        rise: share of the horizon on which it rises. Default 0.3, as PyTorch and fastai have it.
        start: share of the rate at the beginning. Default 1/25, as theirs.
        end: share of the rate at the horizon. Default 1/250,000, as theirs.
        warmup: epochs of linear warm-up to the start of the cycle. Default 0: the rise is a warm-up already.

    Raises:
        InvalidInput: if a field is out of its range.

    >>> [round(float(OneCycle().at(epoch, epochs=10)), 2) for epoch in (0, 3, 10)]
    [0.04, 1.0, 0.0]
    """

    rise: float = 0.3
    start: float = 0.04
    end: float = 4e-6
    warmup: float = 0.0

    def __post_init__(self) -> None:
        real(self, "rise", FACTOR, 0, 1)
        real(self, "start", "above 0 and at most 1", 0, 1)
        real(self, "end", SHARE, 0, 1)
        warm(self)

    def at(self, step: Any, *, epochs: int, steps: int = 1, ops: Any = np) -> Any:
        """The share of the base rate that a step takes; arguments as in `Constant.at`."""

        def shape(left: Any) -> Any:
            way = 1.0 - left
            up = _half_cosine(self.start, 1.0, way / self.rise, ops)
            return ops.where(way < self.rise, up, _half_cosine(1.0, self.end, (way - self.rise) / (1 - self.rise), ops))

        return annealed(shape, self.warmup, step, span_of(epochs, steps), ops)


def _half_cosine(begin: float, end: float, way: Any, ops: Any) -> Any:
    return end + (begin - end) * 0.5 * (1.0 + ops.cos(math.pi * way))
