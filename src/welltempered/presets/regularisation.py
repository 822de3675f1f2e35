"""Parameters against overfitting: weight decay, dropout, label smoothing; and against exploding gradients."""

from welltempered.presets.common import with_default
from welltempered.space import Float


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
    return with_default(Float(low, high, scale="zero_or_log", zero=zero, means="weight_decay"), default, 0.0)


def dropout(low: float = 0.0, high: float = 0.5, *, step: float | None = 0.1, default: float | None = None) -> Float:
    """The share of units that are dropped while training, on a linear scale.

    Args:
        low: the smallest. Default 0.0.
        high: the largest. Default 0.5, which hides most of what a layer knows (Srivastava et al. 2014, JMLR 15).
        step: distance of the values, `None` for any. Default 0.1: finer differences drown in the noise between seeds,
            and no dropout at all gets its share of the trials.
        default: the one that `Space.defaults` takes. Default 0.0, if in the range.

    Raises:
        InvalidInput: if bounds, step and default do not fit together.

    >>> dropout().grid(9)
    (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)
    """
    return with_default(Float(low, high, step=step, means="dropout"), default, 0.0)


def label_smoothing(
    low: float = 0.0, high: float = 0.2, *, step: float | None = 0.05, default: float | None = None
) -> Float:
    """The share of the target that is spread over all classes, on a linear scale; for classification only.

    Args:
        low: the smallest. Default 0.0.
        high: the largest. Default 0.2, twice the value of Szegedy et al. 2016, arXiv:1512.00567, section 7.
        step: distance of the values, `None` for any. Default 0.05, for the reasons of `dropout`.
        default: the one that `Space.defaults` takes. Default 0.0, if in the range.

    Raises:
        InvalidInput: if bounds, step and default do not fit together.
    """
    return with_default(Float(low, high, step=step, means="label_smoothing"), default, 0.0)


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
    return with_default(Float(low, high, scale="log", means="clip_norm"), default, 1.0)
