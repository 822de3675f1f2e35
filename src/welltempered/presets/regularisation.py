"""Parameters against overfitting: weight decay, dropout, label smoothing; and against exploding gradients."""

from welltempered.checks import shown
from welltempered.errors import InvalidInput
from welltempered.presets.common import SHARE, own_values, span, with_default
from welltempered.space import Float

_SLACK = 1e-6
"""Of a step, by which decimal fractions may miss their end as floats."""


def weight_decay(
    low: float = 1e-6, high: float = 1e-2, *, zero: float | None = None, default: float | None = None
) -> Float:
    """The weight of the L2 penalty, or of decoupled weight decay: exactly zero, or on a log scale.

    Args:
        low: the smallest above zero. Default 1e-6: smaller ones act like none.
        high: the largest. Default 1e-2; AdamW, which multiplies it by the learning rate, goes up to 1.
        zero: the probability of exactly zero. Default 0.25, enough to learn whether it is needed at all.
        default: the one that `Space.defaults` takes. Default 0.0: regularise once the net has been seen to overfit.

    Raises:
        InvalidInput: if bounds, zero and default do not fit together.

    Source: Krogh & Hertz 1991; Loshchilov & Hutter 2019, arXiv:1711.05101.
    """
    own_values("weight_decay", low)
    if low == 0:
        chance = "zero=..." if zero is None else f"zero={shown(zero)}"
        raise InvalidInput(
            f"low must be the smallest above 0, such as low=1e-06, got low={shown(low)}: zero is included already, "
            f"its chance is {chance}"
        )
    low, high = span("weight_decay", low, high, "above 0")
    return with_default(Float(low, high, scale="zero_or_log", zero=zero, means="weight_decay"), default, 0.0)


def _share(means: str, low: float, high: float, step: float | None, default: float | None) -> Float:
    """A share, in steps that lead from the one end to the other: who writes an end wants to see it tried."""
    low, high = span(means, low, high, SHARE, 1)
    made = Float(low, high, step=step, means=means)
    if step is not None and abs((high - low) / step - round((high - low) / step)) > _SLACK:
        raise InvalidInput(
            f"step must lead from low to high, got {low=}, {high=}, {step=}; step=None stands for any value between"
        )
    return with_default(made, default, 0.0)


def dropout(low: float = 0.0, high: float = 0.5, *, step: float | None = 0.1, default: float | None = None) -> Float:
    """The share of units that are dropped while training, on a linear scale.

    Args:
        low: the smallest. Default 0.0.
        high: the largest. Default 0.5, which hides most of what a layer knows (Srivastava et al. 2014, JMLR 15).
        step: distance of the values, which must lead from low to high; `None` for any value. Default 0.1: finer
            differences drown in the noise between seeds, and no dropout at all gets its share of the trials.
        default: the one that `Space.defaults` takes. Default 0.0, if in the range.

    Raises:
        InvalidInput: if bounds, step and default do not fit together.

    >>> dropout().grid(9)
    (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)
    """
    return _share("dropout", low, high, step, default)


def label_smoothing(
    low: float = 0.0, high: float = 0.2, *, step: float | None = 0.05, default: float | None = None
) -> Float:
    """The share of the target that is spread over all classes, on a linear scale; for classification only.

    Args:
        low: the smallest. Default 0.0.
        high: the largest. Default 0.2, twice the value of Szegedy et al. 2016, arXiv:1512.00567, section 7.
        step: distance of the values, which must lead from low to high; `None` for any value. Default 0.05, for
            the reasons of `dropout`.
        default: the one that `Space.defaults` takes. Default 0.0, if in the range.

    Raises:
        InvalidInput: if bounds, step and default do not fit together.
    """
    return _share("label_smoothing", low, high, step, default)


def clip_norm(low: float = 0.1, high: float = 10.0, *, default: float | None = None) -> Float:
    """The norm to which longer gradients are shortened, on a log scale; for nets whose training is unstable.

    Args:
        low: the smallest. Default 0.1.
        high: the largest. Default 10: gradients of most nets never get as long, so it stands for not clipping.
        default: the one that `Space.defaults` takes. Default 1.0, if in the range.

    Raises:
        InvalidInput: if the bounds are none, or the default is not between them.

    Source: Pascanu et al. 2013, arXiv:1211.5063, algorithm 1.
    """
    low, high = span("clip_norm", low, high, "above 0")
    return with_default(Float(low, high, scale="log", means="clip_norm"), default, 1.0)
