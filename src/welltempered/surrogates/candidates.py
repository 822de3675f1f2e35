"""Candidates of a space as encoded rows: what `Space.decode` and `encode` make of points, for thousands at once."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from welltempered.space import Choice, Space
from welltempered.surrogates.kernel import Array

_TABLE = 10_000
"""Values of a parameter up to which positions are rounded to those of values; more are as good as continuous."""


@dataclass(frozen=True)
class Candidates:
    """The points of a space, as positions on the scales of its parameters."""

    space: Space

    @cached_property
    def _tables(self) -> list[Array | None]:
        """The positions of all values of each parameter; `None` where there are too many."""
        return [
            np.array([p.bijection.encode(value) for value in p.values()]) if p.size <= _TABLE else None
            for p in self.space.values()
        ]

    @cached_property
    def _middles(self) -> list[Array | None]:
        """Where the value to which a position is rounded changes."""
        return [None if table is None else 0.5 * (table[1:] + table[:-1]) for table in self._tables]

    @cached_property
    def steps(self) -> Array:
        """The least move that changes a value, per column; 0 if continuous."""
        return np.array([1.0 / p.size if p.size <= _TABLE else 0.0 for p in self.space.values()])

    @cached_property
    def choices(self) -> np.ndarray:
        """Which columns have no order."""
        return np.array([isinstance(p, Choice) for p in self.space.values()])

    @cached_property
    def _parents(self) -> list[int]:
        """Columns on which conditions depend."""
        conditions = [p.condition for p in self.space.values() if p.condition is not None]
        named = {name for condition in conditions for name in condition.names}
        return [i for i, name in enumerate(self.space) if name in named]

    def rounded(self, points: Array) -> Array:
        """The positions of values nearest to points of the unit cube."""
        points = points.copy()
        tables = zip(self._tables, self._middles, self.space.values(), strict=True)
        for i, (table, middles, p) in enumerate(tables):
            column = points[:, i]
            if table is not None and middles is not None:
                points[:, i] = table[np.searchsorted(middles, column)]
            elif p.bijection.zero:
                points[:, i] = np.where(column < p.bijection.zero, 0.5 * p.bijection.zero, column)
        return points

    def active(self, points: Array) -> Array:
        """The same points with NaN where a parameter is inactive.

        Conditions are evaluated once for all points that agree in the parameters on which conditions depend.
        """
        if not self._parents:
            return points
        _, first, which = np.unique(points[:, self._parents], axis=0, return_index=True, return_inverse=True)
        masks = np.array([[name in params for name in self.space] for params in map(self.space.decode, points[first])])
        return np.where(masks[which.reshape(-1)], points, np.nan)

    def feasible(self, rows: Array) -> np.ndarray:
        """Which rows satisfy the constraints; costs a look at each, if there are any."""
        if not self.space.constraints:
            return np.ones(len(rows), dtype=bool)
        return np.array([self.space.feasible(self.space.decode(row)) for row in rows], dtype=bool)

    def around(self, rng: np.random.Generator, centres: Array, each: int, radius: Array) -> Array:
        """Points near centres, `each` per centre: about two coordinates move, by `radius` or one step; options change.

        Args:
            rng: takes it further.
            centres: shape (n, parameters), without NaN.
            each: points per centre.
            radius: deviation of a move, shape (n * each, 1) or (1, 1). What leaves the cube is reflected.
        """
        count, d = len(centres) * each, len(self.space)
        moves = rng.random((count, d)) < min(1.0, max(2.0, math.sqrt(d)) / d)
        moves[np.arange(count), rng.integers(d, size=count)] = True
        steps = rng.standard_normal((count, d)) * np.maximum(radius, self.steps)
        points = np.repeat(centres, each, axis=0)
        near = 1.0 - np.abs(1.0 - np.abs(points + steps))
        return np.where(moves, np.where(self.choices, rng.random((count, d)), np.clip(near, 0.0, 1.0)), points)
