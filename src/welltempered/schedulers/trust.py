"""Whether the model of curves may be believed: how often what it said of them came true."""

from collections import deque

__all__ = ["Trust"]

_INSIDE = 1.645
"""Deviations to both sides that hold 90 % of a normal distribution."""
_LAST = 20
"""Predictions that are looked at: the last ones, so that trust comes back when the model has learnt."""
_LEAST = 0.5
"""Share of them that must have come true. On LCBench, TaskSet and OPDA it is 0.72 to 0.87 over a study."""


class Trust:
    """Compares what a model has said of the ends of leases with what they were.

    A model that is right nine times of ten, as it says, is right in fewer than half of twenty by chance less than once
    in a million looks.
    """

    def __init__(self) -> None:
        self._came_true: deque[bool] = deque(maxlen=_LAST)

    def note(self, mean: float, deviation: float, found: float) -> None:
        """A lease has ended with this loss, where this was expected."""
        self._came_true.append(abs(found - mean) <= _INSIDE * deviation)

    @property
    def lost(self) -> bool:
        """Whether the model is wrong too often to decide; not before there are enough predictions."""
        return len(self._came_true) == _LAST and sum(self._came_true) < _LEAST * _LAST
