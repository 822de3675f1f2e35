"""Quasi-random search: Sobol' points, scrambled.

SciPy scrambles by a random linear matrix and a digital shift (Matoušek, "On the L2-discrepancy for anchored boxes",
J. Complexity 14, 1998), which keeps the balance of the points as Owen's scrambling does.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from welltempered.errors import InvalidInput
from welltempered.events import Event
from welltempered.history import History
from welltempered.searchers.untried import Cursor, Untried
from welltempered.space import Params

_BLOCK = 64
"""Points made at a time; a power of two, as the balance of Sobol' points asks for."""

_MISSES = 10_000
"""Points in a row that break a constraint before the space counts as empty, as in `Space.sample`."""


@dataclass(frozen=True)
class Sobol:
    """Points that cover the space evenly, so that any prefix is a design; the explorer of choice.

    Points that break a constraint, and points that were tried, are skipped. In a conditional
    space each point is a full vector of which the active coordinates are used, so every branch is covered evenly too.
    A suggestion costs O(parameters), whatever the number of trials.

    Needs SciPy at the first suggestion, which imports it (about half a second).
    """

    def init(self, history: History) -> Cursor:
        """Stand at the first point of the sequence that the study's seed scrambles."""
        return Cursor(_feasible(history))

    def learn(self, state: Cursor, history: History, event: Event) -> None:
        """Move on when the point has become a trial."""
        state.learn(history, event)

    def suggest(self, history: History) -> Params | None:
        """The next point of the sequence; `None` if a finite space is exhausted.

        Raises:
            InvalidInput: if 10,000 points in a row break the constraints.
        """
        point = history.fold(self).head
        if point is None:
            raise InvalidInput(
                f"constraints must leave something to try, got {_MISSES:,} points in a row that break them"
            )
        again = history.tried(point) and history.space.size < math.inf
        return Untried().pick(history, history.rng) if again else dict(point)


def _feasible(history: History) -> Iterator[Params]:
    """The points that satisfy the constraints; ends where none seem to be left."""
    from scipy.stats import qmc

    space = history.space
    engine = qmc.Sobol(len(space), scramble=True, rng=history.header.seed)
    misses = 0
    while misses < _MISSES:
        for point in engine.random(_BLOCK):
            params = space.decode(point)
            misses += 1
            if space.feasible(params):
                misses = 0
                yield params
