"""The loop of a study: whenever a lease has closed, decide what the free slots do next."""

import math
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Protocol

import msgspec

from welltempered.budget import Budget
from welltempered.checks import shown
from welltempered.errors import CheckpointUnwritten, InvalidInput, TrainingFailed
from welltempered.events import (
    BUDGET,
    CRASHED,
    DAMAGED,
    DIVERGED,
    FAILED,
    INTERRUPTED,
    UNWRITTEN,
    WORKER_LOST,
    Cut,
    Ended,
    Event,
    Reported,
)
from welltempered.execute.base import Executor
from welltempered.history import History
from welltempered.lease import Lease, Lost, Said
from welltempered.limits import Limits
from welltempered.trial import Trial

Watch = Callable[[Event], None]
"""Called with each event right after it was written."""

_TICK = 0.2
"""Longest wait for an executor in seconds: how late Ctrl-C may be noticed."""
_FIRST_FAILURES, _FAILURES = 3, 10
"""Failures in a row that show training code to be broken: alike ones before it has once worked, and any others."""


class Ledger(Protocol):
    """What a driver needs of a study."""

    history: History
    stopping: str | None

    def decide(self, held: Trial | None, at: float, *, device: str, start: bool) -> Trial | None:
        """Decide what a free slot does, and write it down; `None` if it waits."""
        ...

    def append(self, event: Event) -> None:
        """Write an event, then take it into the history."""
        ...

    def saved(self, trial: int, at_most: int) -> int:
        """The last epoch up to `at_most` from which a trial can go on."""
        ...

    def sweep(self, saved: int | None = None) -> None:
        """Delete the checkpoints that nothing can need; given the bytes of one just written, only if that is due."""
        ...


class Driver:
    """One run of a study with one executor.

    Args:
        study: what to run.
        executor: where trials train.
        budget: for all runs of the study together.
        limits: what trials may use.
        watch: called after each event.
        idle: called when nothing has happened for a fifth of a second.
    """

    def __init__(
        self,
        study: Ledger,
        executor: Executor,
        budget: Budget,
        limits: Limits,
        watch: Watch | None = None,
        idle: Callable[[], None] | None = None,
    ) -> None:
        self._study = study
        self._executor = executor
        self._budget = budget
        self._limits = limits
        self._watch = watch
        self._idle = idle
        self._slots: dict[int, int] = {}  # trial in training -> its slot
        self._stops: dict[int, int] = {}  # trial in training -> epoch it is told to stop at
        self._held: dict[int, int] = {}  # free slot -> trial it still has in memory
        self._failures = _Failures()
        self._broken: TrainingFailed | None = None
        self._ending = False  # the executor has been told
        self._leave_at = math.inf  # whatever still trains
        self._unwritten: str | None = None
        self._zero = executor.clock() - study.history.clock

    def drive(self) -> None:
        """Run until the budget is used, the method has nothing left to do, or the user interrupts.

        Raises:
            TrainingFailed: if trial after trial fails.
            CheckpointUnwritten: if there is no room for checkpoints; all leases have been ended in good order before.
        """
        with _signals(self._interrupt):
            self._fill()
            while self._slots:
                self._check_end()
                said = self._executor.poll(_TICK)
                closed = [self._take(event) for event in said]
                if self._broken is not None:
                    raise self._broken
                if any(closed):
                    self._fill()
                if not said and self._idle is not None:
                    self._idle()
        close_between(self._study, INTERRUPTED if self._study.stopping else BUDGET, self._at())
        self._study.sweep()
        if self._unwritten is not None:
            raise CheckpointUnwritten(self._unwritten)

    def _at(self) -> float:
        return round(self._executor.clock() - self._zero, 6)

    def _check_end(self) -> None:
        """End all leases at their next epoch, once, if somebody wants it; leave at once if that takes too long."""
        if self._study.stopping and not self._ending:
            self._ending = True
            self._executor.cut(INTERRUPTED)
        if time.monotonic() >= self._leave_at:
            raise SystemExit(128 + signal.SIGTERM)

    def _fill(self) -> None:
        """Give every free slot a lease, as far as method and budget go."""
        history = self._study.history
        for slot in range(self._executor.slots):
            if slot in self._slots.values():
                continue
            room = self._room(history)
            if self._study.stopping or room <= 0:
                return
            held, known = self._held.get(slot), len(history.events)
            trial = self._study.decide(
                None if held is None else history.trials[held],
                self._at(),
                device=self._executor.device(slot),
                start=len(history.trials) < self._budget.trials,
            )
            for number in range(known, len(history.events)):  # trials may have been stopped before
                self._notify(history.events[number])
            if trial is None:
                continue
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

    def _take(self, said: Said) -> bool:
        """Write what an executor says; returns whether a lease is over."""
        study = self._study
        event = self._settled(said) if isinstance(said, Lost) else said
        if isinstance(event, Cut) and event.reason == DAMAGED:  # of what was never reported the log knows nothing
            event = msgspec.structs.replace(event, epoch=min(event.epoch, study.saved(event.trial, event.epoch)))
        study.append(msgspec.structs.replace(event, at=self._at()))
        self._notify(study.history.events[-1])
        if not isinstance(event, Cut) and event.saved:
            study.sweep(event.saved)
        if event.trial in study.history.running:
            return False
        slot = self._slots.pop(event.trial)
        del self._stops[event.trial]
        if isinstance(event, Reported):
            self._held[slot] = event.trial
        if not isinstance(event, Cut):
            self._broken = self._broken or self._failures.take(study.history.trials[event.trial])
        return True

    def _settled(self, lost: Lost) -> Cut | Ended:
        """What becomes of a trial that has lost its worker: it goes on, unless that has happened too often."""
        trial = self._study.history.trials[lost.trial]
        if lost.reason == UNWRITTEN:
            self._unwritten = lost.error
            self._study.stopping = self._study.stopping or UNWRITTEN
        # While all are told to end, workers die for that reason and no other.
        reason = INTERRUPTED if self._study.stopping and lost.reason == WORKER_LOST else lost.reason
        times = 1 + sum(cut.reason == reason for cut in trial.cuts)
        if reason in (UNWRITTEN, INTERRUPTED) or times <= self._limits.retries_after(reason):
            return Cut(trial.id, self._study.saved(trial.id, trial.epoch), reason, error=lost.error)
        reason = CRASHED if reason == WORKER_LOST else reason
        return Ended(trial.id, reason, f"{lost.error}, {times} times" if times > 1 else lost.error)

    def _interrupt(self, number: int) -> None:
        """Ctrl-C or SIGTERM once ends the leases at the next epoch, twice leaves at once. Runs in a signal handler."""
        if self._study.stopping == INTERRUPTED:
            raise KeyboardInterrupt
        self._study.stopping = INTERRUPTED
        if number == signal.SIGTERM:
            self._leave_at = time.monotonic() + self._limits.grace

    def _notify(self, event: Event) -> None:
        if self._watch is not None:
            self._watch(event)


def close_between(study: Ledger, reason: str, at: float) -> None:
    """Cut the trials that a stopping rule was about to look at, where training cannot go on once it has left memory."""
    if not study.history.resumable:
        for id in sorted(study.history.between):
            study.append(Cut(id, 0, reason, at))


def check_parts(executor: object, watch: object, idle: object) -> None:
    """Refuse what a driver could not use.

    Raises:
        InvalidInput: if the executor is none, or one of the others no function.
    """
    for name, value in (("watch", watch), ("idle", idle)):
        if value is not None and not callable(value):
            raise InvalidInput(f"{name} must be a function, got {shown(value)}")
    if isinstance(executor, type) or not isinstance(executor, Executor):
        raise InvalidInput(f"executor must be one such as Simulator(curve), got {shown(executor)}")


class _Failures:
    """Tells training code that is broken from trials that are bad; one of those stops nobody."""

    def __init__(self) -> None:
        self._worked = False
        self._count = self._alike = 0
        self._last: tuple[str, ...] = ()

    def take(self, trial: Trial) -> TrainingFailed | None:
        """A lease of this trial was closed.

        Returns:
            TrainingFailed: if it is the third of three that have failed alike before anything has worked, or the tenth
                in a row. What has diverged has worked.
        """
        if not trial.failed or trial.ended == DIVERGED:
            self._worked, self._count, self._alike = True, 0, 0
            return None
        signature = _signature(trial)
        self._count += 1
        self._alike = self._alike + 1 if signature == self._last else 1
        self._last = signature
        alike = trial.ended in (FAILED, CRASHED) and not self._worked and self._alike >= _FIRST_FAILURES
        if alike or self._count >= _FAILURES:
            count = self._alike if alike else self._count
            return TrainingFailed(f"the last {count} trials have all failed; the last error is:\n{trial.error}")
        return None


def _signature(trial: Trial) -> tuple[str, ...]:
    """What equal failures have in common: the kind of exception and the line that raised it, but not what it says."""
    lines = (trial.error or "").strip().splitlines()
    places = [line.strip() for line in lines if line.startswith('  File "')]
    return (str(trial.ended), lines[-1].partition(":")[0] if lines else "", *places[-1:])


@contextmanager
def _signals(interrupt: Callable[[int], None]) -> Iterator[None]:
    """While this lasts, Ctrl-C and SIGTERM call `interrupt`; Python allows no such thing but in the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def handle(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the signature of signal handlers
        interrupt(number)

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
