"""The points of a finite space that no trial has had yet: what keeps searchers from repeating themselves."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np

from welltempered.events import Event, Started
from welltempered.history import History
from welltempered.repeats import key
from welltempered.space import Params

TRIES = 100
"""Candidates drawn before the space is enumerated: with 19 of 20 points tried, all miss once in 170 times."""


class _Left:
    """The untried points in lexicographic order; enumerated when first needed, then only shrinking."""

    def __init__(self) -> None:
        self.points: dict[bytes, Params] | None = None


@dataclass(frozen=True)
class Untried:
    """The feasible points of a finite space without the tried ones, as a fold of the history."""

    def init(self, history: History) -> _Left:
        """Nothing is enumerated until `pick` needs it."""
        return _Left()

    def learn(self, state: _Left, history: History, event: Event) -> None:
        """A started trial takes its point away."""
        if isinstance(event, Started) and state.points is not None:
            state.points.pop(key(event.params), None)

    def pick(self, history: History, rng: np.random.Generator) -> Params | None:
        """One of the untried points, all equally likely; `None` if there are none left.

        The first call costs O(size of the space), later ones O(points left).
        """
        state = history.fold(self)
        if state.points is None:
            points = (point for point in history.space.points(None) if not history.tried(point))
            state.points = {key(point): point for point in points}
        if not state.points:
            return None
        return next(islice(state.points.values(), int(rng.integers(len(state.points))), None))


class Cursor:
    """A place in a fixed sequence of candidates; moves on when its candidate becomes a trial.

    Only events move it, never a look at it: where it stands must be a function of the history.
    """

    def __init__(self, candidates: Iterator[Params]) -> None:
        self._candidates = candidates
        self.head = next(candidates, None)

    def learn(self, history: History, event: Event) -> None:
        """Move on if this event started a trial with the candidate, and past those that have been tried already."""
        if not isinstance(event, Started):
            return
        if event.params == self.head:
            self._advance()
        for _ in range(TRIES):
            if self.head is None or not history.tried(self.head):
                return
            self._advance()

    def _advance(self) -> None:
        self.head = next(self._candidates, None)
