"""Draws around known settings, each parameter on its own scale."""

import math
from collections.abc import Callable, Mapping
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from welltempered.history import History
from welltempered.searchers.untried import TRIES
from welltempered.space import Choice, Float, Int, Parameter, Params, Space

Point = NDArray[np.float64]
"""Positions in [0, 1], shape (parameters,); NaN where nothing is known."""


def own_rng(history: History, name: str) -> np.random.Generator:
    """Randomness of a searcher that wraps others.

    Not `history.rng` itself: the searcher within draws from the same numbers, and what is thrown twice with the same
    dice is not independent. This is the same stream 2**64 times a number of one's own further on. As with
    `history.rng`, use it at once: the next access, also by another searcher, begins anew.
    """
    rng = history.rng
    bits: Any = rng.bit_generator
    bits.advance(crc32(name.encode()) << 64)
    return rng


def place(space: Space, given: Mapping[str, Any]) -> Point:
    """Where settings lie that may be of another space; values beyond a range count as its end.

    A parameter is known by its name or by the hyperparameter that it is (`Parameter.means`).
    """
    return np.array([_position(name, parameter, given) for name, parameter in space.items()])


def known(name: str, parameter: Parameter, given: Mapping[str, Any]) -> bool:
    """Whether settings say something of a parameter."""
    return name in given or parameter.means in given


def _position(name: str, parameter: Parameter, given: Mapping[str, Any]) -> float:
    if not known(name, parameter, given):
        return math.nan
    value = given[name] if name in given else given[str(parameter.means)]
    if parameter.contains(value):
        return parameter.bijection.encode(value)
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if isinstance(parameter, Float | Int) and number:
        return min(1.0, parameter.bijection.encode(min(max(value, parameter.low), parameter.high)))
    return math.nan


def around(space: Space, center: Point, width: float, rng: np.random.Generator) -> Point:
    """A point near another one: normal on the scale of each parameter, mirrored at its ends; uniform where it is NaN.

    Options have no distance: with a chance of twice the width, one is drawn anew.
    """
    noise, fresh, lot = rng.standard_normal(len(center)), rng.random(len(center)), rng.random(len(center))
    moved = np.abs(center + width * noise) % 2.0
    moved = np.where(moved > 1.0, 2.0 - moved, moved)
    options = np.array([isinstance(parameter, Choice) for parameter in space.values()])
    moved = np.where(options, np.where(lot < 2.0 * width, fresh, center), moved)
    return np.where(np.isnan(center), fresh, moved)


def first_untried(history: History, draw: Callable[[], Point]) -> Params | None:
    """The first of the draws that is feasible and no trial has had yet; `None` if there are none of those."""
    space = history.space
    for _ in range(TRIES):
        params = space.decode(draw())
        if space.feasible(params) and not history.tried(params):
            return params
    return None
