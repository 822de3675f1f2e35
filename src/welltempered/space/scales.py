"""Bijections between the values of a parameter and the interval [0, 1].

A continuous scale warps its values; a finite one divides [0, 1] into bins and encodes a value as
the middle of its bin. Decoding rounds: what is printed with nine digits is exactly what was
trained. Nothing here checks its arguments, the parameters do.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import Any, Protocol, final

from welltempered.errors import InvalidInput

__all__ = [
    "SLACK",
    "Bins",
    "Continuous",
    "LogIntegers",
    "Scale",
    "ZeroOr",
    "arithmetic",
    "geometric",
    "linear",
    "log",
    "one_minus_log",
]

SLACK = 1e-6  # of a step: lets 0.3 be the third step of 0.1, which binary fractions deny
_LN10 = math.log(10)
_POWERS = [float(10**k) for k in range(23)]  # the powers of ten that a float holds exactly


class Scale(Protocol):
    """A monotone map between values and [0, 1]; ``size`` counts the values (or is inf)."""

    size: float

    def encode(self, value: Any) -> float:
        """Position of a value in [0, 1]."""

    def decode(self, u: float) -> Any:
        """Value at a position in [0, 1]."""

    def values(self) -> Iterator[Any]:
        """All values of a finite scale."""


@final
class Continuous:
    """Real numbers, evenly spread after ``warp``; ``unwarp`` undoes it and rounds."""

    size = math.inf

    def __init__(
        self,
        low: float,
        high: float,
        warp: Callable[[float], float],
        unwarp: Callable[[float], float],
    ) -> None:
        self.low, self.high, self.warp, self.unwarp = low, high, warp, unwarp
        self.start = warp(low)
        self.span = warp(high) - self.start
        # Rounding may leave [low, high]: all that rounds like an end becomes that end.
        self.first, self.last = unwarp(self.start), unwarp(self.start + self.span)

    def encode(self, value: float) -> float:
        return (self.warp(value) - self.start) / self.span

    def decode(self, u: float) -> float:
        x = self.unwarp(self.start + u * self.span)
        if x <= self.first:
            return self.low
        return self.high if x >= self.last else x

    def values(self) -> Iterator[float]:
        raise InvalidInput("a continuous parameter has endless values: give it a step")


@final
class Bins:
    """Values in equal bins, found again by ``index``."""

    def __init__(self, values: Sequence[Any], index: Callable[[Any], int]) -> None:
        self.size: float = len(values)
        self.at, self.index, self.last = values.__getitem__, index, len(values) - 1

    def encode(self, value: Any) -> float:
        return (self.index(value) + 0.5) / self.size

    def decode(self, u: float) -> Any:
        return self.at(int(u * self.size) if u < 1 else self.last)

    def values(self) -> Iterator[Any]:
        return map(self.at, range(self.last + 1))


@final
class LogIntegers:
    """The integers low..high; the bin of k reaches from log(k - 1/2) to log(k + 1/2)."""

    def __init__(self, low: int, high: int) -> None:
        self.size: float = high - low + 1
        self.low, self.high = low, high
        self.start = math.log(low - 0.5)
        self.span = math.log(high + 0.5) - self.start

    def encode(self, value: int) -> float:
        middle = 0.5 * (math.log(value - 0.5) + math.log(value + 0.5))
        return (middle - self.start) / self.span

    def decode(self, u: float) -> int:
        k = int(math.exp(self.start + u * self.span) + 0.5)
        return self.low if k < self.low else min(self.high, k)

    def values(self) -> Iterator[int]:
        return iter(range(self.low, self.high + 1))


@final
class ZeroOr:
    """Exactly zero on the first ``zero`` of [0, 1], another scale on the rest."""

    def __init__(self, zero: float, inner: Scale, nothing: float) -> None:
        self.size: float = inner.size + 1
        self.zero, self.rest, self.inner, self.nothing = zero, 1 - zero, inner, nothing

    def encode(self, value: float) -> float:
        return self.zero + self.rest * self.inner.encode(value) if value else self.zero / 2

    def decode(self, u: float) -> Any:
        if u < self.zero:
            return self.nothing
        return self.inner.decode((u - self.zero) / self.rest)

    def values(self) -> Iterator[Any]:
        return chain([self.nothing], self.inner.values())


def linear(low: float, high: float) -> Continuous:
    """Uniform, rounded to about a billionth of the range."""
    digits = _decimals(high - low, low, high)
    return Continuous(low, high, float, lambda x: _rounded(x, digits))


def log(low: float, high: float) -> Continuous:
    """Uniform in the logarithm, rounded to nine significant digits."""

    def unwarp(t: float) -> float:
        return _rounded(math.exp(t), 8 - math.floor(t / _LN10))

    return Continuous(low, high, math.log, unwarp)


def one_minus_log(low: float, high: float) -> Continuous:
    """Uniform in log(1 - x), with 1 - x rounded to nine significant digits.

    For numbers that act through their distance from one: a momentum m averages over about
    1 / (1 - m) steps, so this is uniform in the logarithm of that number.
    """

    def unwarp(t: float) -> float:
        return _rounded(1 - math.exp(-t), min(15, 8 + math.ceil(t / _LN10)))

    return Continuous(low, high, lambda x: -math.log(1 - x), unwarp)


def arithmetic(low: float, high: float, step: float) -> Bins:
    """The numbers low + k * step up to high; integers when all three are."""
    if isinstance(low, int) and isinstance(high, int) and isinstance(step, int):
        return Bins(range(low, high + 1, step), lambda x: (x - low) // step)
    digits = _decimals(step, low, high)
    steps = range(1, int((high - low) / step + SLACK) + 1)
    values = [low, *(min(high, _rounded(low + k * step, digits)) for k in steps)]
    return Bins(values, lambda x: round((x - low) / step))


def geometric(low: float, high: float, step: float) -> Bins:
    """The numbers low * step**k up to high; integers when low and step are."""
    ratio = math.log(step)
    steps = int((math.log(high) - math.log(low)) / ratio + 1e-9)
    values = [low * step**k for k in range(steps + 1)]
    if isinstance(low, int):
        values = [value for value in values if value <= high]
    else:
        values[1:] = [min(high, float(f"{value:.12g}")) for value in values[1:]]
    return Bins(values, lambda x: round(math.log(x / low) / ratio))


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
