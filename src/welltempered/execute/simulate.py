"""Trials from known learning curves, in virtual time: whole studies in a fraction of a second."""

import heapq
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from welltempered.checks import flag, shown, whole
from welltempered.errors import InvalidInput
from welltempered.events import BUDGET, Cut, Reported
from welltempered.lease import Lease, Said
from welltempered.run import number
from welltempered.space import Params
from welltempered.trial import Stage

Curve = Callable[[Params, int], Mapping[str, float | None]]
"""Metrics of params after an epoch; NaN, infinity and `None` are the same."""
CurveOfLineage = Callable[[tuple[Stage, ...], int], Mapping[str, float | None]]
"""The same of a training whose params have changed on the way."""


class Simulator:
    """An executor whose trials look their reports up; the same study loop, searchers and schedulers as in real life.

    Costs O(log slots) per epoch beside the curve itself.

    There are no weights here. A curve of params and epoch says of a trial with a parent what it would be if it had had
    its params from the beginning: enough to see how a method works, but not what it is worth. With `lineage=True` the
    curve is given whose params trained which epochs.

    Args:
        curve: metrics as a function of params and epoch (1 is the first); must be a pure function.
        slots: trials at the same time. Default 1.
        seconds: duration of an epoch as a function of params. Default: one second each.
        lineage: whether the curve takes `Trial.lineage` in place of params: stages, of which the last is the trial's
            own. Default False.
    """

    def __init__(
        self,
        curve: Curve | CurveOfLineage,
        *,
        slots: int = 1,
        seconds: Callable[[Params], float] | None = None,
        lineage: bool = False,
    ) -> None:
        for name, value in (("curve", curve), ("seconds", seconds)):
            if not callable(value) and not (name == "seconds" and value is None):
                raise InvalidInput(f"{name} must be a function of params, got {shown(value)}")
        self.slots = whole("slots", slots, "a whole number of at least 1", 1)
        self._now = 0.0
        self.clock: Callable[[], float] = lambda: self._now
        self._curve: Callable[[Any, int], Mapping[str, float | None]] = curve
        flag("lineage", lineage)
        self._lineage = lineage
        self._seconds = seconds or (lambda params: 1.0)  # noqa: ARG005 - all epochs cost the same
        self._due: list[tuple[float, int, int, float, Lease]] = []  # when, slot, epoch, duration, lease
        self._reason: str | None = None

    def device(self, slot: int) -> str:
        """See `Executor.device`; a simulation needs none."""
        return "cpu"

    def assign(self, slot: int, lease: Lease) -> None:
        """See `Executor.assign`."""
        seconds = self._seconds(lease.trial.params)
        if not isinstance(seconds, int | float) or not 0 <= seconds < math.inf:
            raise InvalidInput(f"seconds must give the time of an epoch, at least 0, got {shown(seconds)}")
        heapq.heappush(self._due, (self._now + seconds, slot, lease.trial.epoch + 1, seconds, lease))

    def poll(self, timeout: float) -> Sequence[Said]:
        """The next epoch that ends, in virtual time."""
        if not self._due:
            return ()
        self._now, slot, epoch, seconds, lease = heapq.heappop(self._due)
        trial = lease.trial
        metrics = self._curve(trial.lineage if self._lineage else trial.params, epoch)
        if not isinstance(metrics, Mapping) or trial.metric not in metrics:
            raise InvalidInput(f"curve must give a dict with the objective {trial.metric!r}, got {shown(metrics)}")
        values = {name: None if value is None else number(name, value) for name, value in metrics.items()}
        report = Reported(trial.id, epoch, values, seconds)
        if lease.closed_by(report):
            return (report,)
        if self._reason or lease.used_up(epoch, self._now):
            return (report, Cut(trial.id, epoch, self._reason or BUDGET))
        heapq.heappush(self._due, (self._now + seconds, slot, epoch + 1, seconds, lease))
        return (report,)

    def cut(self, reason: str) -> None:
        """See `Executor.cut`."""
        self._reason = reason

    def close(self) -> None:
        """See `Executor.close`."""
        self._due.clear()
