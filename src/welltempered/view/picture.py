"""What a view shows of a study at a moment; taking a picture costs what is new since the last one."""

import math
import time
from collections import Counter, deque
from dataclasses import dataclass

from welltempered.budget import Budget
from welltempered.events import BUDGET, FINISHED, INTERRUPTED, STOPPED, Cut, Ended, Event, Reported, Resumed, Started
from welltempered.history import History
from welltempered.study import Study

_MARKS = 64
"""Reports from whose moments the speed is told."""
_FEWEST_MARKS = 4
_DISK_SECONDS = 5.0
"""Between two looks at the files of the checkpoints."""


class Tally:
    """What is counted of the events, and not in the history.

    Attributes:
        reached: trials by bracket and end of their lease, counted when the lease has come to its end.
        cuts: leases cut short by reason, without those that were simply over or interrupted.
        last_cut: the last of these.
        last_error: the last trial that an error has ended.
        stopped: trials that the method has stopped.
        last_stop: the last of these events, with the evidence.
        marks: moments of the last reports, on the study's clock.
    """

    def __init__(self) -> None:
        self.reached: Counter[tuple[int, int]] = Counter()
        self.cuts: Counter[str] = Counter()
        self.last_cut: Cut | None = None
        self.last_error: int | None = None
        self.stopped = 0
        self.last_stop: Ended | None = None
        self.marks: deque[float] = deque(maxlen=_MARKS)
        self._leases: list[tuple[int, int]] = []  # bracket and end, per trial
        self._read = 0

    def update(self, history: History) -> None:
        """Count the events since the last time."""
        for number in range(self._read, len(history.events)):
            self._count(history.events[number])
        self._read = len(history.events)

    def under_way(self, history: History) -> Counter[tuple[int, int]]:
        """Trials by bracket and end of their lease that train or were interrupted."""
        return Counter(self._leases[trial] for trial in history.running | history.interrupted)

    def rungs(self, history: History) -> tuple[list[int], list[int]]:
        """The brackets, and the epochs at which leases end."""
        leases = self.reached.keys() | self.under_way(history).keys()
        return sorted({bracket for bracket, _ in leases}), sorted({until for _, until in leases})

    def _count(self, event: Event) -> None:
        match event:
            case Started():
                self._leases.append((event.bracket, event.until))
            case Resumed():
                self._leases[event.trial] = (self._leases[event.trial][0], event.until)
            case Reported():
                self.marks.append(event.at)
                lease = self._leases[event.trial]
                self.reached[lease] += event.epoch == lease[1]
            case Cut() if event.reason not in (BUDGET, INTERRUPTED):
                self.cuts[event.reason] += 1
                self.last_cut = event
            case Ended() if event.reason == STOPPED:
                self.stopped += 1
                self.last_stop = event
            case Ended() if event.reason != FINISHED:
                self.last_error = event.trial


@dataclass(frozen=True)
class Picture:
    """A study at a moment.

    Attributes:
        history: its history, which must not change while the picture is looked at.
        tally: what is counted beside it.
        budget: the budget of the present or last run.
        now: seconds on the study's clock, which runs on between events.
        disk: bytes of checkpoints.
        runs: whether it is being run.
    """

    history: History
    tally: Tally
    budget: Budget
    now: float
    disk: int
    runs: bool

    @property
    def bounded(self) -> bool:
        """Whether the budget has a bound."""
        return bool(self.budget.bounds)

    @property
    def share(self) -> float:
        """The share of the budget that is used."""
        return self.budget.share(self.history.spent, len(self.history.trials), self.now)

    @property
    def failed(self) -> dict[str, int]:
        """How many trials have failed by reason."""
        return {reason: len(trials) for reason, trials in self.history.failures.items()}

    @property
    def eta(self) -> float | None:
        """Seconds until the budget is used, at the pace of the last epochs; `None` if it cannot be told."""
        marks = self.tally.marks
        if not self.runs or not self.bounded or self.share >= 1:
            return None
        left = self.budget.seconds - self.now
        if len(marks) >= _FEWEST_MARKS and self.now > marks[0]:
            pace = (len(marks) - 1) / (self.now - marks[0])
            left = min(left, self._epochs_left() / pace)
        return left if left < math.inf else None

    def _epochs_left(self) -> float:
        history = self.history
        if self.budget.epochs < math.inf:
            return self.budget.epochs - history.spent
        if any(until < history.epochs for _, until in self.tally.reached):
            return math.inf  # who will be promoted is not known
        begun = sum(history.epochs - history.epoch(trial) for trial in history.running | history.interrupted)
        return (self.budget.trials - len(history.trials)) * history.epochs + begun


class Camera:
    """Takes pictures of a study, all in the thread in which its history changes.

    Args:
        study: the study.
    """

    def __init__(self, study: Study) -> None:
        self._study = study
        self._tally = Tally()
        self._events = len(study.history.events)
        self._changed = time.monotonic()
        self._disk, self._disk_at = 0, -math.inf

    def take(self, budget: Budget, *, runs: bool) -> Picture:
        """A picture of now."""
        history, now = self._study.history, time.monotonic()
        if len(history.events) != self._events:
            self._events, self._changed = len(history.events), now
        self._tally.update(history)
        if now - self._disk_at >= _DISK_SECONDS:
            self._disk, self._disk_at = self._study.checkpoints.size(), now
        clock = history.clock + (now - self._changed if runs else 0)
        return Picture(history, self._tally, budget, clock, self._disk, runs)
