"""Params as points between which distances mean something."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from welltempered.space import Choice, Space
from welltempered.surrogates.kernel import Array

_HALF = np.sqrt(0.5)


@dataclass(frozen=True)
class Features:
    """How encoded params (`Space.encode`, NaN where inactive) become rows whose squared distances add up by group.

    A number is its position on its scale. A choice is one column per option, at squared distance 1 from each other. A
    parameter that may be inactive has a mark beside it: if both are inactive they are the same, if one is they are as
    far apart as the mark's length says and half a range. Each parameter is a group, and all marks are one.
    """

    space: Space

    @cached_property
    def conditional(self) -> tuple[int, ...]:
        """Columns of parameters that may be inactive."""
        return tuple(i for i, p in enumerate(self.space.values()) if p.condition is not None)

    @cached_property
    def _options(self) -> tuple[int, ...]:
        """Options per column, 0 for numbers."""
        return tuple(len(p.options) if isinstance(p, Choice) else 0 for p in self.space.values())

    @cached_property
    def group(self) -> np.ndarray:
        """The group of each feature, shape (features,)."""
        groups = [i for i, options in enumerate(self._options) for _ in range(max(1, options))]
        return np.array(groups + [len(self.space)] * len(self.conditional), dtype=np.int64)

    @cached_property
    def numbers(self) -> np.ndarray:
        """Which features are positions on a scale."""
        flags = [not options for options in self._options for _ in range(max(1, options))]
        return np.array(flags + [False] * len(self.conditional), dtype=bool)

    @property
    def groups(self) -> int:
        """How many lengths there are."""
        return len(self.space) + bool(self.conditional)

    @cached_property
    def _columns(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Of each feature but the marks: the column it is of, how many options that has, and which of them it is."""
        of = [(i, options, k) for i, options in enumerate(self._options) for k in range(max(1, options))]
        column, options, rank = np.array(of, dtype=np.int64).T
        return column, options, rank

    def of(self, encoded: Array) -> Array:
        """Features of encoded params, shape (n, features)."""
        column, options, rank = self._columns
        away = np.isnan(encoded)
        found = encoded[:, column]
        choice = options > 0
        ranks = np.minimum(np.floor(found[:, choice] * options[choice]), options[choice] - 1)
        found[:, choice] = (ranks == rank[choice]) * _HALF  # none of the options where there is none
        if not self.conditional:
            return found
        found[np.isnan(found)] = 0.5
        return np.hstack([found, away[:, list(self.conditional)]])
