"""Bijections between the values of a parameter and the interval [0, 1].

A continuous scale warps its values; a finite one divides [0, 1] into bins and encodes a value as the middle of its
bin. Decoding rounds: what is printed with nine digits is exactly what was trained. Nothing here checks its arguments,
the parameters do.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, final

__all__ = ["SLACK", "Scale", "bins", "numeric"]

_Map: TypeAlias = Callable[[float], float]

SLACK = 1e-6  # of a step: lets 0.3 be the third step of 0.1, which binary fractions deny
_LN10 = math.log(10)
_POWERS = [float(10**k) for k in range(23)]  # the powers of ten that a float holds exactly


@final
@dataclass(frozen=True)
class Scale:
    """A monotone map between values and [0, 1]; plain functions, as those are the fastest."""

    encode: Callable[[Any], float]
    decode: Callable[[float], Any]
    size: float = math.inf
    at: Callable[[int], Any] | None = None  # the values of a finite scale by their rank
    zero: float = 0.0  # the share of [0, 1] that is exactly zero

    def spread(self, points: int) -> list[float]:
        """Evenly spaced positions from end to end; where zero has a share one of them is there, the others beyond."""
        if points == 1:
            return [0.5]
        count = points - 1 if self.zero else points
        even = [i / (count - 1) for i in range(count)] if count > 1 else [1.0]
        return [*([0.0] if self.zero else []), *(self.zero + (1 - self.zero) * u for u in even)]


def bins(size: int, at: Callable[[int], Any], index: Callable[[Any], int]) -> Scale:
    """Equal bins; ``at`` gives the value of a bin, ``index`` the bin of a value."""

    def encode(value: Any) -> float:
        return (index(value) + 0.5) / size

    def decode(u: float) -> Any:
        return at(int(u * size) if u < 1 else size - 1)

    return Scale(encode, decode, size, at)


def numeric(name: str, low: float, high: float, step: float | None, zero: float | None) -> Scale:
    """The named scale from low to high, of integers if low is one."""
    whole = isinstance(low, int)
    if name == "one_minus_log":
        return _smooth(low, high, lambda x: -math.log(1 - x), _one_minus_exp)
    if name == "linear":
        return _arithmetic(low, high, step or 1) if step or whole else _linear(low, high)
    if step:
        scale = _geometric(low, high, step)
    else:
        scale = _log_integers(int(low), int(high)) if whole else _smooth(low, high, math.log, _exp)
    return _zero_or(zero, scale, type(low)(0)) if zero else scale


def _smooth(low: float, high: float, warp: _Map, unwarp: _Map, edges: tuple[float, ...] = ()) -> Scale:
    """Evenly spread after ``warp``, between its values at the ends or given edges; ``unwarp`` undoes it and rounds."""
    start, end = edges or (warp(low), warp(high))
    span = end - start
    # Rounding may leave [low, high]: all that rounds like an end becomes that end.
    first, last = unwarp(start), unwarp(start + span)

    def encode(value: Any) -> float:
        return (warp(value) - start) / span

    def decode(u: float) -> Any:
        x = unwarp(start + u * span)
        if x <= first:
            return low
        return high if x >= last else x

    return Scale(encode, decode)


def _linear(low: float, high: float) -> Scale:
    """Uniform, rounded to about a billionth of the range."""
    digits = _decimals(high - low, low, high)
    return _smooth(low, high, float, lambda x: _rounded(x, digits))


def _exp(t: float) -> float:
    """The exponential, rounded to nine significant digits."""
    return _rounded(math.exp(t), 8 - math.floor(t / _LN10))


def _one_minus_exp(t: float) -> float:
    """1 - exp(-t), where exp(-t) is rounded to nine significant digits.

    For numbers that act through their distance from one: a momentum m averages over about 1 / (1 - m) steps, and this
    scale is uniform in the logarithm of that number.
    """
    return _rounded(1 - math.exp(-t), min(15, 8 + math.ceil(t / _LN10)))


def _log_integers(low: int, high: int) -> Scale:
    """The integers low..high; the bin of k reaches from log(k - 1/2) to log(k + 1/2)."""
    edges = math.log(low - 0.5), math.log(high + 0.5)
    smooth = _smooth(low, high, _middle, lambda t: int(math.exp(t) + 0.5), edges)
    return Scale(smooth.encode, smooth.decode, high - low + 1, range(low, high + 1).__getitem__)


def _middle(k: float) -> float:
    return 0.5 * (math.log(k - 0.5) + math.log(k + 0.5))


def _arithmetic(low: float, high: float, step: float) -> Scale:
    """The numbers low + k * step up to high; integers if low is one."""
    if isinstance(low, int):
        values: Sequence[float] = range(low, int(high) + 1, int(step))
    else:
        digits = _decimals(step, low, high)
        steps = range(1, int((high - low) / step + SLACK) + 1)
        values = [low, *(min(high, _rounded(low + k * step, digits)) for k in steps)]
    return bins(len(values), values.__getitem__, lambda x: round((x - low) / step))


def _geometric(low: float, high: float, step: float) -> Scale:
    """The numbers low * step**k up to high; integers if low is one."""
    ratio = math.log(step)
    steps = int((math.log(high) - math.log(low)) / ratio + 1e-9)
    values = [low * step**k for k in range(steps + 1)]
    if isinstance(low, int):
        values = [value for value in values if value <= high]
    else:
        values[1:] = [min(high, float(f"{value:.12g}")) for value in values[1:]]
    return bins(len(values), values.__getitem__, lambda x: round(math.log(x / low) / ratio))


def _zero_or(zero: float, inner: Scale, nothing: float) -> Scale:
    """``nothing``, a zero, on the first ``zero`` of [0, 1], another scale on the rest."""
    rest, at = 1 - zero, inner.at

    def encode(value: Any) -> float:
        return zero + rest * inner.encode(value) if value else zero / 2

    def decode(u: float) -> Any:
        return nothing if u < zero else inner.decode((u - zero) / rest)

    return Scale(encode, decode, inner.size + 1, at and (lambda rank: at(rank - 1) if rank else nothing), zero)


def _rounded(x: float, digits: int) -> float:
    """The same as ``round(x, digits)`` in a fifth of the time, for up to 15 digits in all."""
    if 0 <= digits < len(_POWERS):
        power = _POWERS[digits]
        return round(x * power) / power
    return round(x, digits)


def _decimals(resolution: float, low: float, high: float) -> int:
    """Decimals to keep: nine below ``resolution``, within the 14 digits a float is sure of."""
    wanted = 9 - math.floor(math.log10(resolution))
    return min(wanted, 14 - math.ceil(math.log10(max(abs(low), abs(high)))))
