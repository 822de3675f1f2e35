"""The loop of a study: whenever a lease has closed, decide what the free slots do next."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Protocol

import msgspec

from welltempered.budget import Budget
from welltempered.errors import TrainingFailed
from welltempered.events import Cut, Ended, Event, Reported
from welltempered.execute.base import Executor
from welltempered.history import History
from welltempered.run import BUDGET, Lease
from welltempered.trial import Trial

Watch = Callable[[Event], None]
"""Called with each event right after it was written."""

_TICK = 0.2
"""Longest wait for an executor in seconds: how late Ctrl-C may be noticed."""
_CRASHES = 3
"""Workers a trial may take with it; a third one is no accident."""
_FIRST_FAILURES, _FAILURES = 3, 10
"""Trials that may fail in a row before the training code is taken to be broken: before and after it has once worked."""
INTERRUPTED, DRIVER_LOST = "interrupted", "driver lost"
_HARMLESS = BUDGET, INTERRUPTED, DRIVER_LOST
"""Reasons for which a lease is cut short that say nothing against its trial."""


class Ledger(Protocol):
    """What a driver needs of a study."""

    history: History

    def decide(self, held: Trial | None, at: float, *, start: bool) -> Trial | None:
        """Decide what a free slot does, and write it down; `None` if it waits."""
        ...

    def append(self, event: Event) -> None:
        """Write an event, then take it into the history."""
        ...

    def sweep(self) -> None:
        """Delete the checkpoints that nothing can need any more."""
        ...

    def sweep_if_due(self) -> None:
        """The same, if enough have come together."""
        ...


class Driver:
    """One run of a study with one executor.

    Args:
        study: what to run.
        executor: where trials train.
        budget: for all runs of the study together.
        watch: called after each event.
    """

    def __init__(self, study: Ledger, executor: Executor, budget: Budget, watch: Watch | None) -> None:
        self._study = study
        self._executor = executor
        self._budget = budget
        self._watch = watch
        self._slots: dict[int, int] = {}  # trial in training -> its slot
        self._stops: dict[int, int] = {}  # trial in training -> epoch it is told to stop at
        self._held: dict[int, int] = {}  # free slot -> trial it still has in memory
        self._interrupts = 0
        self._ending = False  # the executor has been told
        self._zero = executor.clock() - study.history.clock

    def drive(self) -> None:
        """Run until the budget is used, the method has nothing left to do, or the user interrupts.

        Raises:
            TrainingFailed: if trial after trial fails.
        """
        with _signals(self._interrupt):
            self._fill()
            while self._slots:
                if self._interrupts and not self._ending:
                    self._ending = True
                    self._executor.cut(INTERRUPTED)
                closed = [self._take(event) for event in self._executor.poll(_TICK)]
                if any(closed):
                    self._fill()
        self._study.sweep()

    def _at(self) -> float:
        return round(self._executor.clock() - self._zero, 6)

    def _fill(self) -> None:
        """Give every free slot a lease, as far as method and budget go."""
        history = self._study.history
        for slot in range(self._executor.slots):
            if slot in self._slots.values():
                continue
            room = self._room(history)
            if self._interrupts or room <= 0:
                return
            held = self._held.get(slot)
            trial = self._study.decide(
                None if held is None else history.trials[held],
                self._at(),
                start=len(history.trials) < self._budget.trials,
            )
            if trial is None:
                continue
            self._notify(history.events[-1])
            stop = int(min(trial.until, trial.epoch + room))
            lease = Lease(trial, stop, self._zero + self._budget.seconds)
            self._slots[trial.id], self._stops[trial.id] = slot, lease.stop
            # Whoever else has the trial in memory has an old copy from now on.
            self._held = {other: id for other, id in self._held.items() if id != trial.id and other != slot}
            self._executor.assign(slot, lease)

    def _room(self, history: History) -> float:
        """Epochs that may still be granted; none once the time is up."""
        if self._at() >= self._budget.seconds:
            return 0
        granted = sum(stop - history.epoch(trial) for trial, stop in self._stops.items())
        return self._budget.epochs - history.spent - granted

    def _take(self, event: Reported | Cut | Ended) -> bool:
        """Write what an executor says; returns whether a lease is over."""
        study = self._study
        if isinstance(event, Cut) and event.reason not in _HARMLESS:
            event = self._blame(event)
        study.append(msgspec.structs.replace(event, at=self._at()))
        self._notify(study.history.events[-1])
        if event.trial in study.history.running:
            return False
        slot = self._slots.pop(event.trial)
        del self._stops[event.trial]
        if isinstance(event, Reported):
            self._held[slot] = event.trial
            study.sweep_if_due()
        elif isinstance(event, Ended):
            self._check_failures(study.history)
        return True

    def _blame(self, event: Cut) -> Cut | Ended:
        """A trial that takes worker after worker with it is ended."""
        cuts = [e for e in self._study.history.events if isinstance(e, Cut) and e.trial == event.trial]
        if sum(cut.reason not in _HARMLESS for cut in cuts) + 1 < _CRASHES:
            return event
        return Ended(event.trial, "crashed", f"{event.reason}, {_CRASHES} times")

    def _check_failures(self, history: History) -> None:
        """Stop a study whose training code is broken, instead of failing for ever."""
        limit = _FAILURES if history.spent else _FIRST_FAILURES
        over = [trial for trial in history.trials[-limit - len(self._slots) :] if not trial.running]
        if len(over) >= limit and all(trial.failed for trial in over[-limit:]):
            raise TrainingFailed(f"the last {limit} trials have all failed; the last error is:\n{over[-1].error}")

    def _interrupt(self) -> None:
        """Ctrl-C or SIGTERM once ends the leases at the next epoch, twice leaves at once. Runs in a signal handler."""
        self._interrupts += 1
        if self._interrupts > 1:
            raise KeyboardInterrupt

    def _notify(self, event: Event) -> None:
        if self._watch is not None:
            self._watch(event)


@contextmanager
def _signals(interrupt: Callable[[], None]) -> Iterator[None]:
    """While this lasts, Ctrl-C and SIGTERM call `interrupt`; Python allows no such thing but in the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def handle(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the signature of signal handlers
        interrupt()

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
