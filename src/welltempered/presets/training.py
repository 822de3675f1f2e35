"""Parameters of the training: learning rate, averages, batch size."""

from numbers import Real
from typing import Protocol

from welltempered.checks import shown, whole
from welltempered.errors import InvalidInput
from welltempered.presets.common import AVERAGE, own_values, span, with_default
from welltempered.space import Float, Int
from welltempered.space.plain import fits


class Tested(Protocol):
    """The result of a learning-rate range test, as far as a preset needs it."""

    @property
    def low(self) -> float:
        """The smallest learning rate worth trying."""

    @property
    def high(self) -> float:
        """The largest, below divergence."""

    @property
    def suggested(self) -> float:
        """The one to begin with, between the two."""


def learning_rate(
    low: float | None = None,
    high: float | None = None,
    *,
    default: float | None = None,
    from_range_test: Tested | None = None,
) -> Float:
    """The learning rate, on a log scale: the first hyperparameter to tune, and the last to fix.

    Args:
        low: the smallest. Default 1e-5: below that training hardly begins within a usual number of epochs.
        high: the largest. Default 1e-1: most nets diverge above it with Adam; for SGD 1.0 is a good end.
        default: the one that `Space.defaults` takes. Default: the middle of the range on its scale, 1e-3 of the usual
            one.
        from_range_test: anything with the floats `low`, `high` and `suggested`; they become range and default.

    Raises:
        InvalidInput: if the bounds are none, or a range test is given beside a range.

    Source: Ng, "Improving Deep Neural Networks", week 3, for the scale; Bengio 2012, arXiv:1206.5533, section 3.1.

    >>> learning_rate().start
    0.001
    """
    if from_range_test is None:
        low, high = span("learning_rate", 1e-5 if low is None else low, 1e-1 if high is None else high, "above 0")
        return with_default(Float(low, high, scale="log", means="learning_rate"), default)
    if low is not None or high is not None:
        raise InvalidInput("from_range_test already says the range: leave low and high out, or from_range_test")
    tested = [_rate(name, from_range_test) for name in ("low", "high", "suggested")]
    made = Float(tested[0], tested[1], scale="log", means="learning_rate")
    if not made.contains(tested[2]):
        raise InvalidInput(
            f"from_range_test must suggest a rate from its low to its high, got {shown(from_range_test)}"
        )
    return with_default(made, tested[2] if default is None else default)


def _rate(name: str, tested: Tested) -> float:
    rate = getattr(tested, name, None)
    if isinstance(rate, bool) or not isinstance(rate, Real) or not fits(rate):
        raise InvalidInput(
            f"from_range_test must have the numbers low, high and suggested, got {shown(tested)}, whose {name} is "
            f"{shown(rate)}"
        )
    return float(rate)


def _average(means: str, low: float, high: float, default: float | None, usual: float) -> Float:
    """The weight of what was, in an average that forgets."""
    low, high = span(means, low, high, AVERAGE, 1)
    return with_default(Float(low, high, scale="one_minus_log", means=means), default, usual)


def momentum(low: float = 0.9, high: float = 0.999, *, default: float | None = None) -> Float:
    """The momentum of SGD, uniform in the logarithm of 1 - β, so of the number of steps it averages over.

    Args:
        low: the smallest. Default 0.9, which averages about 10 steps.
        high: the largest, below 1. Default 0.999, which averages about 1000 steps.
        default: the one that `Space.defaults` takes. Default: 0.9, the usual value, where that is in the range.

    Raises:
        InvalidInput: if the bounds are none, or the default is not between them.

    Source: Ng, "Improving Deep Neural Networks", week 3: "sampling hyperparameters for exponentially weighted
    averages".

    >>> momentum().decode(0.5)
    0.99
    """
    return _average("momentum", low, high, default, 0.9)


def beta1(low: float = 0.5, high: float = 0.99, *, default: float | None = None) -> Float:
    """β₁ of Adam and its kin, the momentum of their steps, uniform in the logarithm of 1 - β₁.

    Args:
        low: the smallest. Default 0.5, which adversarial nets need (Radford et al. 2016, arXiv:1511.06434).
        high: the largest, below 1. Default 0.99, which averages about 100 steps.
        default: the one that `Space.defaults` takes. Default: 0.9 (Kingma & Ba 2015, arXiv:1412.6980), if in the range.

    Raises:
        InvalidInput: if the bounds are none, or the default is not between them.
    """
    return _average("beta1", low, high, default, 0.9)


def beta2(low: float = 0.9, high: float = 0.9999, *, default: float | None = None) -> Float:
    """β₂ of Adam and its kin, over which squared gradients are averaged, uniform in the logarithm of 1 - β₂.

    Args:
        low: the smallest. Default 0.9, which averages about 10 steps.
        high: the largest, below 1. Default 0.9999, which averages about 10,000 steps: more than most trainings forget.
        default: the one that `Space.defaults` takes. Default: 0.999 (Kingma & Ba 2015, arXiv:1412.6980), if in the
            range.

    Raises:
        InvalidInput: if the bounds are none, or the default is not between them.
    """
    return _average("beta2", low, high, default, 0.999)


def rho(low: float = 0.9, high: float = 0.999, *, default: float | None = None) -> Float:
    """ρ of RMSprop, over which squared gradients are averaged, uniform in the logarithm of 1 - ρ.

    Args:
        low: the smallest. Default 0.9, which averages about 10 steps.
        high: the largest, below 1. Default 0.999, which averages about 1000 steps.
        default: the one that `Space.defaults` takes. Default: 0.9, if in the range.

    Raises:
        InvalidInput: if the bounds are none, or the default is not between them.

    Source: Hinton, "Neural Networks for Machine Learning", lecture 6e, for the 0.9.
    """
    return _average("rho", low, high, default, 0.9)


def epsilon(low: float = 1e-10, high: float = 1e-3, *, default: float | None = None) -> Float:
    """ε of the adaptive optimizers, on a log scale: the last to tune, with budgets of 25 trainings and more.

    Args:
        low: the smallest. Default 1e-10: smaller ones no longer change a step.
        high: the largest. Default 1e-3; with still larger ones Adam is momentum under another name (Choi et al. 2019,
            arXiv:1910.05446).
        default: the one that `Space.defaults` takes. Default: 1e-8 (Kingma & Ba 2015, arXiv:1412.6980), if in the
            range.

    Raises:
        InvalidInput: if the bounds are none, or the default is not between them.
    """
    low, high = span("epsilon", low, high, "above 0")
    return with_default(Float(low, high, scale="log", means="epsilon"), default, 1e-8)


def batch_size(low: int = 16, high: int = 512, *, default: int | None = None) -> Int:
    """The number of examples in a batch, a power of two: chosen for throughput first.

    Its best value depends on the learning rate, momentum and regularisation: whoever changes it tunes those again.

    Args:
        low: the smallest, a power of two. Default 16: smaller ones leave a GPU idle.
        high: the largest, a power of two. Default 512: larger ones need more epochs or tricks.
        default: the one that `Space.defaults` takes. Default: 32 (Masters & Luschi 2018, arXiv:1804.07612), if in the
            range.

    Raises:
        InvalidInput: if a bound is no power of two, or the default is none between them.

    >>> batch_size(16, 64).grid(9)
    (16, 32, 64)
    """
    own_values("batch_size", low)
    for name, bound in (("low", low), ("high", high)):
        size = whole(name, bound, "a power of two such as 16", 1)
        if size & (size - 1):
            below = 1 << (size.bit_length() - 1)
            raise InvalidInput(
                f"{name} must be a power of two, got {name}={size}: use {below} or {2 * below}, or sizes of your own, "
                f"such as Int({size}, {4 * size}, scale='log', means='batch_size')"
            )
    return with_default(Int(low, high, scale="log", step=2, means="batch_size"), default, 32)
