"""Tables of configurations that were really trained, searched as the space they were drawn from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

import welltempered as wt
from benchmarks.tables.task import Params

_FEW = 8
"""Columns of so few different values are searched by their rank."""


@dataclass(frozen=True)
class Rows:
    """Known configurations as points of a space.

    Whoever searches sees the space; what is trained is the nearest row in its unit cube (Euclidean). So every method,
    ours and the peers' alike, searches the same function of params: the table, constant around each of its rows.
    Nearly every row can be reached, and a point at random is as good as a row at random, so it is no easier than the
    table.

    Attributes:
        space: what is searched.
        points: the rows in its unit cube.
    """

    space: wt.Space
    points: np.ndarray

    @classmethod
    def of(cls, space: wt.Space, columns: Mapping[str, np.ndarray]) -> "Rows":
        """The rows of a table whose space is known."""
        return cls(space, np.stack([_encoded(space[name], columns[name]) for name in space.names], axis=1))

    @classmethod
    def found(cls, columns: Mapping[str, np.ndarray]) -> "Rows":
        """The rows of a table in the space they were drawn from, as its columns show it; constant ones are left out.

        Each column gets the scale on which it is spread most evenly.
        """
        varied = {name: _ranked(column) for name, column in columns.items() if np.ptp(column) > 0}
        return cls.of(wt.Space({name: _parameter(column) for name, column in varied.items()}), varied)

    def nearest(self, params: Params) -> int:
        """Number of the row nearest to params."""
        return int(((self.points - self.space.encode(params)) ** 2).sum(axis=1).argmin())


def _encoded(parameter: Any, column: np.ndarray) -> np.ndarray:
    assert isinstance(parameter, wt.Float | wt.Int)  # tables hold numbers, choices are grids
    kind = int if isinstance(parameter, wt.Int) else float
    clipped = np.clip(column, parameter.low, parameter.high)  # rounding may have left the bounds
    return np.array([parameter.encode(kind(value)) for value in clipped])


def _ranked(column: np.ndarray) -> np.ndarray:
    kinds, ranks = np.unique(column, return_inverse=True)
    return np.asarray(ranks, float) if len(kinds) <= _FEW else column


def _parameter(column: np.ndarray) -> wt.Float | wt.Int:
    low, high = float(column.min()), float(column.max())
    whole = bool(np.all(column == np.round(column)))
    scales = {"linear": column}
    if low > 0:
        scales["log"] = np.log(column)
    if high < 1 and not whole:
        scales["one_minus_log"] = -np.log1p(-column)
    scale = min(scales, key=lambda name: _uneven(scales[name]))
    return wt.Int(int(low), int(high), scale=scale) if whole else wt.Float(low, high, scale=scale)


def _uneven(values: np.ndarray) -> float:
    """Distance of Kolmogorov and Smirnov from the uniform distribution between the ends."""
    ordered = np.sort((values - values.min()) / np.ptp(values))
    return float(np.abs(ordered - (np.arange(len(ordered)) + 0.5) / len(ordered)).max())
