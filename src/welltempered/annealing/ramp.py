"""What closed schedules have in common: warm-up, the way from there to the horizon, and the check of their fields."""

import math
from collections.abc import Callable
from typing import Any

from welltempered.checks import number, shown, whole
from welltempered.errors import InvalidInput

Shape = Callable[[Any], Any]
"""From the share of the way that is left after warm-up, 1 at its start and 0 at the horizon, to a share of the rate."""

SHARE = "at least 0 and below 1"
FACTOR = "above 0 and below 1"


def annealed(shape: Shape, warmup: float, step: Any, span: tuple[int, int], ops: Any) -> Any:
    """A schedule's share of the base rate, for steps counted from 0.

    All is computed in steps, not in epochs, and what is left is counted down from the horizon: whole numbers are exact
    in the single precision of Keras up to 16 million, so both frameworks agree to the last steps before the horizon,
    where a root of the share that is left would magnify any error.

    Args:
        shape: the schedule without its warm-up.
        warmup: epochs of warm-up.
        step: number of the optimizer step; a number or an array.
        span: epochs to the horizon, and steps per epoch.
        ops: `numpy` or `keras.ops`.
    """
    if isinstance(step, str | bytes | bool | dict | None):
        raise InvalidInput(f"step must be a number or an array of them, got step={shown(step)}")
    epochs, steps = span
    end, warm = epochs * steps, warmup * steps
    at = ops.minimum(step, end)
    if warm >= end:  # a training that is over before its warm-up is has nothing to anneal
        return ramp(at, warm, ops) * shape(ops.ones_like(at))
    left = ops.clip((end - at) / (end - warm), 0.0, 1.0)
    return ramp(at, warm, ops) * shape(left)


def ramp(step: Any, warm: float, ops: Any) -> Any:
    """The share of the rate during a linear warm-up of so many steps.

    A step counts as done in its own rate, so that none has a rate of zero: the k-th of w steps takes k / w, and a
    warm-up of one step or less is none.
    """
    return ops.minimum((step + 1) / warm, 1.0) if warm > 1 else ops.ones_like(step)


def span_of(epochs: object, steps: object) -> tuple[int, int]:
    """Epochs and steps per epoch, checked.

    Raises:
        InvalidInput: if one is no whole number of at least 1.
    """
    rule = "a whole number of at least 1"
    return whole("epochs", epochs, rule, 1), whole("steps", steps, rule, 1)


def real(holder: object, name: str, rule: str, low: float, high: float = math.inf) -> None:
    """Make a field of a frozen value a float; arguments as in `checks.number`."""
    object.__setattr__(holder, name, number(name, getattr(holder, name), rule, low, high))


def count(holder: object, name: str, least: int) -> None:
    """Make a field of a frozen value an `int`.

    Raises:
        InvalidInput: if it is no whole number of at least `least`.
    """
    number = whole(name, getattr(holder, name), f"a whole number of at least {least}", least)
    object.__setattr__(holder, name, number)


def warm(holder: object) -> None:
    """Check the warm-up of a schedule.

    Raises:
        InvalidInput: if it is no number of at least 0.
    """
    real(holder, "warmup", "at least 0, in epochs", 0)
