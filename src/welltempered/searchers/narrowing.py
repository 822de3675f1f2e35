"""From evidence on one parameter to the parameter of the next space: narrowed, widened, or left as it is."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from welltempered.errors import InvalidInput
from welltempered.searchers.evidence import (
    ENOUGH,
    FEWEST,
    LEVEL,
    Seen,
    chance_of_few,
    chance_of_many,
    chance_of_span,
    margin,
    odds,
)
from welltempered.space import Choice, Float, Int, Parameter
from welltempered.space.changed import Number, with_options, with_range
from welltempered.space.scales import SLACK

Kind = Literal["narrowed", "widened", "left", "dropped"]
Side = Literal["low", "high"]

BORDER = 0.1
"""The outer part of a range, on its scale, at which the best must not lie: "basically at the end" in the sense of the
Deep Learning Tuning Playbook (Godbole et al., 2023, "Identifying bad search space boundaries")."""
WORTH = 0.9
"""A range is not narrowed to more than this part of it, which would change nothing."""
FINEST = 1e-4
"""The smallest part of a range, on its scale, to which it is narrowed: finer differences are far below the noise of
training, and values have nine digits."""

_CLOSED = "the range cannot be widened there"
_ENDS = "the study's space ends there; wt.zoom(study.history) says how much further a next study's should reach"

_NARROW = 1e-9
"""A range of this part of its numbers keeps its ends as they are: `_tidy` has 12 digits, the first two of such a range
would be no more among them."""
_SMALLEST, _LARGEST = 1e-300, 1e300
"""Ends to which a log range is widened at most: what is computed from them must still be a float."""

_BELOW_ONE = {"momentum", "beta1", "beta2", "rho", "dropout", "label_smoothing"}
"""What hyperparameters are called (`Parameter.means`) that must stay below 1."""
_MOST = 0.99
"""The largest of these, unless they are on a `one_minus_log` scale, which ends at 1 by itself."""


@dataclass(frozen=True)
class Finding:
    """What becomes of one parameter: the kind of change, the parameter after it, and a sentence of evidence."""

    kind: Kind
    after: Parameter
    why: str


def find(parameter: Parameter, seen: Seen, risk: float, *, beyond: bool) -> Finding:
    """What the evidence says of a parameter.

    Args:
        parameter: as it was searched.
        seen: where its trials lie.
        risk: the chance, per end, that a narrower range leaves out some of what is as good as the best, and the chance
            below which the best count as lying together.
        beyond: whether a range may be widened beyond its ends.
    """
    if len(seen.all) < ENOUGH or len(seen.top) < FEWEST:
        return Finding("left", parameter, f"{_best(seen)} are too few to tell")
    if isinstance(parameter, Choice):
        return _options(parameter, seen)
    assert isinstance(parameter, Float | Int)  # there are three kinds
    numbers = _zero_and_more if parameter.zero else _range
    return numbers(parameter, seen, risk, beyond=beyond)


# ------------------------------------------------------------------ options


def _options(parameter: Choice, seen: Seen) -> Finding:
    options = parameter.options
    top, every = (np.minimum(len(options) - 1, (u * len(options)).astype(int)) for u in (seen.top, seen.all))
    bad = _bad(top, every, len(options))
    if not bad:
        return Finding("left", parameter, f"no option is rarer among {_best(seen)} than chance explains")
    why = "; ".join(
        f"{options[rank]!r} has {np.sum(top == rank)} of {_best(seen)} and {np.sum(every == rank)} in all, "
        f"by chance {odds(chance)}"
        for rank, chance in bad.items()
    )
    left = [option for rank, option in enumerate(options) if rank not in bad]
    return Finding("narrowed", with_options(parameter, left), why)


def _best(seen: Seen) -> str:
    return f"the best {len(seen.top)} of {len(seen.all)}"


def _bad(top: NDArray[np.int_], every: NDArray[np.int_], count: int) -> dict[int, float]:
    """The options that are rarer among the best than chance explains, never that of the very best."""
    chances = {
        rank: chance_of_few(int(np.sum(top == rank)), int(np.sum(every == rank)), len(top), len(every))
        for rank in range(count)
        if rank != top[0]
    }
    return {rank: chance for rank, chance in chances.items() if chance <= LEVEL / count}  # Bonferroni


def _zero_and_more(parameter: Number, seen: Seen, risk: float, *, beyond: bool) -> Finding:
    """Zero, and the rest on its log scale: first which of them, then the range of the rest."""
    zero = float(parameter.zero or 0)
    top, every = ((u >= zero).astype(int) for u in (seen.top, seen.all))
    bad = _bad(top, every, 2)
    share = f"{np.sum(top == 0)} of {_best(seen)} are zero and {np.sum(every == 0)} in all"
    if 1 in bad:
        nothing = Choice(type(parameter.low)(0), means=parameter.means)
        nothing = nothing if parameter.condition is None else nothing.when(parameter.condition.text)
        return Finding("narrowed", nothing, f"{share}, by chance {odds(bad[1])}")
    positive = with_range(parameter, parameter.low, parameter.high, scale="log")
    above = Seen(*((u[u >= zero] - zero) / (1 - zero) for u in (seen.top, seen.all)))
    rest = find(positive, above, risk, beyond=beyond)
    if 0 in bad:
        kind: Kind = "widened" if rest.kind == "widened" else "narrowed"
        return Finding(kind, rest.after, f"{share}, by chance {odds(bad[0])}; above zero {rest.why}")
    if rest.kind == "left":
        return Finding("left", parameter, f"above zero {rest.why}")
    assert isinstance(rest.after, Float | Int)  # as it was
    return Finding(rest.kind, with_range(parameter, rest.after.low, rest.after.high), f"above zero {rest.why}")


# ------------------------------------------------------------------ ranges


def _range(parameter: Number, seen: Seen, risk: float, *, beyond: bool) -> Finding:
    first, last = float(seen.top.min()), float(seen.top.max())
    low, high = _edges(parameter, first)[0], _edges(parameter, last)[1]
    room = margin(len(seen.top), risk) * (high - low)
    room = max(room, (FINEST - (high - low)) / 2)
    start, end = max(0.0, low - room), min(1.0, high + room)
    side, hint = _at_border(seen), ""
    if side is not None:
        crowd = (
            f"{_crowd(seen.top, side)} of {_best(seen)} lie in the {side}est tenth, by chance {odds(_luck(seen, side))}"
        )
        if beyond:
            wider = _widened(parameter, side, max(end, BORDER) if side == "low" else min(start, 1 - BORDER))
            if wider != parameter:
                return Finding("widened", wider, crowd)
        hint = f"; {crowd}: {_CLOSED if beyond else _ENDS}"
    inside = int(np.sum((seen.all >= first) & (seen.all <= last)))
    chance = chance_of_span(inside, len(seen.top), len(seen.all))
    span = f"{_best(seen)} lie in a span that holds {inside} of all, by chance {odds(chance)}{hint}"
    if chance > risk or end - start > WORTH:
        return Finding("left", parameter, span)
    after = _ranged(parameter, *_inside(parameter, start, end))
    return Finding("left" if after == parameter else "narrowed", after, span)


def _edges(parameter: Number, u: float) -> tuple[float, float]:
    """The bin of a value that is one of few, so that equal values have a span; the position itself of a real one."""
    if math.isinf(parameter.size):
        return u, u
    value = parameter.decode(u)
    if parameter.step is None and parameter.scale == "log":  # bins of an integer grow narrower
        position = parameter.bijection.encode
        below = (position(value - 1) + u) / 2 if value > parameter.low else 0.0
        above = (position(value + 1) + u) / 2 if value < parameter.high else 1.0
        return below, above
    half = 0.5 / parameter.size
    return u - half, u + half


def _crowd(positions: NDArray[np.float64], side: Side) -> int:
    return int(np.sum(positions <= BORDER if side == "low" else positions >= 1 - BORDER))


def _luck(seen: Seen, side: Side) -> float:
    """The chance of such a crowd at an end."""
    return chance_of_many(_crowd(seen.top, side), _crowd(seen.all, side), len(seen.top), len(seen.all))


def _at_border(seen: Seen) -> Side | None:
    """The end at which most of the best lie, beyond chance."""
    sides: tuple[Side, Side] = ("low", "high")
    crowded = [side for side in sides if 2 * _crowd(seen.top, side) > len(seen.top)]  # one at most
    return next((side for side in crowded if _luck(seen, side) <= LEVEL / 2), None)  # there are two ends


def _inside(parameter: Number, start: float, end: float) -> tuple[float, float]:
    """The ends of a narrower range, rounded outwards to two digits where that makes sense; two values at least."""
    low, high = parameter.decode(start), parameter.decode(end)
    if not math.isinf(parameter.size):
        if low == high:  # never frozen: that is for people to decide
            values = [parameter.decode(min(1.0, max(0.0, u))) for u in _neighbours(parameter, low)]
            low, high = values[0], values[-1]
        return low, high
    low, high = _rounded(parameter, low, high)
    return max(parameter.low, low), min(parameter.high, high)


def _neighbours(parameter: Number, value: Any) -> tuple[float, float]:
    """Positions of the next lower and higher value."""
    low, high = _edges(parameter, parameter.encode(value))
    return low - 1e-9, high + 1e-9


def _ranged(parameter: Number, low: float, high: float) -> Number:
    """The parameter with other ends; as it was where they are none, as floats lie too far apart or come to an end."""
    try:
        changed = with_range(parameter, low, high)
        changed.encode(changed.high)  # fails where the logarithms of both ends are one float
    except (InvalidInput, ZeroDivisionError):
        return parameter
    return changed


def _rounded(parameter: Number, low: float, high: float) -> tuple[float, float]:
    """Ends of two digits, always outwards."""
    start, end = _two_digits(parameter, low, high)
    return min(low, start), max(high, end)


def _two_digits(parameter: Number, low: float, high: float) -> tuple[float, float]:
    """Two digits, of the distance from one where that is what matters."""
    if parameter.scale == "one_minus_log":
        return _below_one(_digits(1 - low, math.ceil)), _below_one(_digits(1 - high, math.floor))
    if parameter.scale == "linear":
        if high - low <= _NARROW * max(abs(low), abs(high)):
            return low, high
        unit = 10.0 ** math.floor(math.log10(high - low) - 1)
        return _tidy(math.floor(low / unit) * unit), _tidy(math.ceil(high / unit) * unit)
    return _digits(low, math.floor), _digits(high, math.ceil)


def _digits(x: float, towards: Callable[[float], int]) -> float:
    unit = max(10.0 ** (math.floor(math.log10(x)) - 1), math.ulp(0.0))
    return _tidy(towards(round(x / unit, 9)) * unit)


def _below_one(distance: float) -> float:
    return round(1 - distance, 3 - math.floor(math.log10(distance)))


def _tidy(x: float) -> float:
    return float(f"{x:.12g}")


# ------------------------------------------------------------------ beyond the ends


def _widened(parameter: Number, side: Side, other: float) -> Number:
    """The range mirrored at its end, so that the end becomes the middle: from there on both sides are searched alike.

    Args:
        parameter: as it was searched.
        side: which end.
        other: position up to which the best may lie.
    """
    inner = parameter.decode(other)
    border = parameter.low if side == "low" else parameter.high
    if inner == border:  # the range of few values: one more
        return parameter
    outer = _mirrored(parameter, border, inner)
    low, high = (outer, inner) if side == "low" else (inner, outer)
    least, most = _natural(parameter)
    if side == "low":
        low = max(least, low)
        if parameter.step and parameter.scale == "linear":  # what was a value remains one
            low = border - math.floor((border - low) / parameter.step + SLACK) * parameter.step
    else:
        high = min(most, high)
    if not -math.inf < low < high < math.inf or (low >= border if side == "low" else high <= border):
        return parameter
    if parameter.scale == "one_minus_log" and high >= 1:  # closer to it than 12 digits tell
        return parameter
    if math.isinf(parameter.size):
        tidy = _rounded(parameter, low, high)
        low, high = max(least, tidy[0]), min(most, tidy[1])
    return _ranged(parameter, low, high)


def _mirrored(parameter: Number, border: Any, inner: Any) -> Any:
    """As far beyond the border as the inner value is before it, on the scale and on its steps."""
    if parameter.scale == "linear":
        outer = 2 * border - inner
        return outer if isinstance(outer, int) else _tidy(outer)
    if parameter.scale == "one_minus_log":
        return _tidy(1 - (1 - border) * ((1 - border) / (1 - inner)))
    if isinstance(border, int):
        if parameter.step:
            return _stepped(int(border), int(inner), int(parameter.step))
        return max(1, round(border * border / inner))
    return _tidy(min(max(border * (border / inner), _SMALLEST), _LARGEST))  # a square might be no float


def _stepped(border: int, inner: int, step: int) -> int:
    """As many factors beyond the border; downwards only as long as they divide."""
    factors = round(abs(math.log(border / inner)) / math.log(step))
    if inner < border:
        return int(border * step**factors)
    for _ in range(factors):
        if border % step:
            break
        border //= step
    return border


def _natural(parameter: Number) -> tuple[float, float]:
    """Between what the parameter can be at all: shares stay shares, and what was never negative never becomes so."""
    least = 1 if isinstance(parameter.low, int) and parameter.low >= 1 else 0 if parameter.low >= 0 else -math.inf
    if isinstance(parameter.low, int) or parameter.scale == "one_minus_log":
        return least, math.inf
    if parameter.means in _BELOW_ONE:
        return least, max(_MOST, parameter.high)
    share = parameter.scale == "linear" and parameter.low >= 0 and parameter.high <= 1
    return least, 1.0 if share else math.inf
