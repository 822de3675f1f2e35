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

    def of(self, encoded: Array) -> Array:
        """Features of encoded params, shape (n, features)."""
        away = np.isnan(encoded)
        known = np.where(away, 0.5, encoded) if self.conditional else encoded
        columns = []
        for i, options in enumerate(self._options):
            column = known[:, i : i + 1]
            if options:
                ranks = np.minimum(np.floor(column * options), options - 1)
                hot = (ranks == np.arange(options)) * _HALF
                column = np.where(away[:, i : i + 1], 0.0, hot) if i in self.conditional else hot
            columns.append(column)
        return np.hstack([*columns, away[:, list(self.conditional)]])
