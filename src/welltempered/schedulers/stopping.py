"""What all stopping rules share: a scheduler whose leases are cut into pieces, and how all trials stood at each check.

A rule wraps a scheduler and decides at the end of a lease, as all do here. So where the scheduler within says "train
until epoch 81" the rule says "train until epoch 5", the first check, then either goes on to the next check or stops the
trial for good. The scheduler within sees none of this: it has a history of its own, in which its leases are whole and
a stopped trial is one that has ended.
"""

import math
from bisect import bisect_left, bisect_right, insort
from typing import Protocol, TypeVar, runtime_checkable

import msgspec
import numpy as np

from welltempered.checks import shown, whole
from welltempered.decide import Decision, Resume, Scheduler, Searcher, Start, Stop, in_short
from welltempered.errors import InvalidInput
from welltempered.events import Cut, Ended, Event, Origin, Reported, Resumed, Started, Undone
from welltempered.history import History
from welltempered.trial import SOUND, Trial

GRACE = 0.2
"""Share of a full training before the first check, unless it is given in epochs."""
GROWTH = 1.5
"""Each check comes after this many times the epochs of the one before, unless they are at fixed distances."""
_SPREAD = 1.4826
"""Median absolute deviation to standard deviation, of a normal distribution."""
_SECOND = math.sqrt(6)
"""Standard deviation of second differences x[t] - 2·x[t-1] + x[t-2] of independent noise, in its own: √(1 + 4 + 1)."""
_LONG = 8
"""Epochs of a curve that tells its jitter by itself; the median of six differences can be far off by chance, of fewer
it mostly is."""


@runtime_checkable
class Rule(Protocol):
    """What this file needs of a stopping rule."""

    @property
    def scheduler(self) -> Scheduler:
        """The scheduler within."""
        ...

    @property
    def grace(self) -> int | None:
        """Epochs before the first check."""
        ...

    @property
    def every(self) -> int | None:
        """Epochs between checks."""
        ...

    def init(self, history: History) -> "Pieces":
        """See `Fold.init`."""
        ...

    def learn(self, state: "Pieces", history: History, event: Event) -> None:
        """See `Fold.learn`."""
        ...

    def why(self, state: "Pieces", trial: Trial) -> str | None:
        """The evidence for stopping a trial that stands at a check; `None` if it may go on."""
        ...


def checks(epochs: int, grace: int | None, every: int | None) -> tuple[int, ...]:
    """The epochs after which a trial is looked at, all below a full training.

    >>> checks(50, None, None), checks(27, 5, 10)
    ((10, 15, 23, 35), (5, 15, 25))
    """
    found = []
    epoch = max(1, round(GRACE * epochs)) if grace is None else grace
    while epoch < epochs:
        found.append(epoch)
        epoch = math.ceil(epoch * GROWTH) if every is None else epoch + every
    return tuple(found)


class Board:
    """The losses of all trials after the same number of epochs, for each check.

    A trial that has gone no further stands at later checks with its last loss: if it were missing there, the others
    would be compared with survivors alone, and of any that reach a check the same share would be stopped, again and
    again.

    Args:
        epochs: of the checks.
    """

    def __init__(self, epochs: tuple[int, ...]) -> None:
        self.epochs = epochs
        self._ranked: dict[int, list[tuple[float, int]]] = {epoch: [] for epoch in epochs}
        self._losses: dict[int, dict[int, float]] = {epoch: {} for epoch in epochs}

    def put(self, epoch: int, trial: int, loss: float) -> None:
        """A trial has reached an epoch, which may be no check."""
        if epoch in self._ranked and trial not in self._losses[epoch]:
            self._losses[epoch][trial] = loss
            insort(self._ranked[epoch], (loss, trial))

    def carry(self, epoch: int, trial: int, loss: float) -> None:
        """A trial stays where it is, for ever or until it is dropped."""
        for later in self.epochs[bisect_right(self.epochs, epoch) :]:
            self.put(later, trial, loss)

    def drop(self, epoch: int, trial: int) -> None:
        """Forget what stands of a trial beyond an epoch: it goes on from there."""
        for later in self.epochs[bisect_right(self.epochs, epoch) :]:
            loss = self._losses[later].pop(trial, None)
            if loss is not None:
                ranked = self._ranked[later]
                del ranked[bisect_left(ranked, (loss, trial))]

    def others(self, epoch: int) -> int:
        """How many others stand at the check of a trial that stands there; below 0 if the epoch is none."""
        return len(self._ranked.get(epoch, ())) - 1

    def other(self, epoch: int, trial: int, place: int) -> float:
        """The loss of the other trial in this place, 0 is the best."""
        ranked = self._ranked[epoch]
        own = bisect_left(ranked, (self._losses[epoch][trial], trial))
        return ranked[place if place < own else place + 1][0]


class Jitters:
    """The jitter of every trial that has trained long enough to tell it, for those that have not."""

    def __init__(self) -> None:
        self._of: dict[int, float] = {}
        self._ranked: list[float] = []

    def put(self, trial: int, losses: tuple[float, ...]) -> None:
        """A trial has come to the end of a lease, or to its own."""
        found = jitter(losses) if len(losses) >= _LONG else math.nan
        if not math.isfinite(found):
            return
        if trial in self._of:
            del self._ranked[bisect_left(self._ranked, self._of[trial])]
        self._of[trial] = found
        insort(self._ranked, found)

    def of(self, losses: tuple[float, ...]) -> float:
        """The jitter of a curve; of a short one at least the median of all trials."""
        typical = self._ranked[len(self._ranked) // 2] if self._ranked and len(losses) < _LONG else 0.0
        return max(jitter(losses), typical)


D = TypeVar("D", Start, Resume)


class Pieces:
    """The state of a stopping rule.

    Attributes:
        inner: what the scheduler within knows.
        paused: trials between two pieces of a lease of the scheduler within.
        board: how all trials stood at each check.
        jitters: how much their curves jitter.

    Args:
        history: of the study, for its header and space.
        epochs: of the checks.
    """

    def __init__(self, history: History, epochs: tuple[int, ...]) -> None:
        self.inner = History(history.header, history.space)
        self.paused: set[int] = set()
        self.board = Board(epochs)
        self.jitters = Jitters()

    def next(self, rule: Rule, history: History, held: Trial | None) -> Decision:
        """Go on with a trial between two pieces or stop it; else what the scheduler within decides."""
        id = self._looked_at(history, held)
        if id is not None:
            lease = self.inner.trials[id]
            return self._judged(rule, history, Resume(id, lease.until, lease.goal))
        decision = rule.scheduler.next(self.inner, None if held is None else self.inner.trials[held.id])
        if isinstance(decision, Start):
            return self._cut_up(decision, 0 if decision.parent is None else decision.parent.epoch)
        if isinstance(decision, Resume) and self._between(rule, decision.trial):
            return self._judged(rule, history, decision)
        if isinstance(decision, Resume):
            return self._cut_up(decision, history.epoch(decision.trial))
        return decision

    def _judged(self, rule: Rule, history: History, decision: Resume) -> Decision:
        """A trial goes on to its next check, unless it stands at one and the rule has something against it."""
        epoch = history.epoch(decision.trial)
        why = rule.why(self, history.trials[decision.trial]) if epoch in self.board.epochs else None
        return self._cut_up(decision, epoch) if why is None else Stop(decision.trial, why)

    def _between(self, rule: Rule, trial: int) -> bool:
        """Whether a rule within has just let a trial go on: who wraps it has a say, too, at the same epoch.

        Who is promoted by another scheduler is not stopped instead: some count on whom they have promoted.
        """
        if not isinstance(rule.scheduler, Rule):
            return False
        state = self.inner.fold(rule.scheduler)
        return trial in state.paused or state._between(rule.scheduler, trial)

    def learn(self, rule: Rule, history: History, event: Event) -> None:
        """Take an event, and translate it for the scheduler within."""
        if isinstance(event, Started):
            self._opened(rule, history, event)
        elif isinstance(event, Resumed):
            self.paused.discard(event.trial)
            if event.trial not in self.inner.running:  # else only the next piece begins
                self.board.drop(history.epoch(event.trial), event.trial)
                self._opened(rule, history, event)
        else:
            self.inner.apply(event)
            if not isinstance(event, Undone):
                self._closed(history, event)

    def keeps(self, rule: Rule, history: History) -> set[int | Origin]:
        """What the scheduler within keeps, and who is between two pieces."""
        return {*rule.scheduler.keeps(self.inner), *(self.paused if history.resumable else ())}

    def _looked_at(self, history: History, held: Trial | None) -> int | None:
        """Whose turn it is among those between two pieces; the one that is still in memory costs nothing to go on."""
        if held is not None and held.id in self.paused:
            return held.id
        return min(self.paused) if self.paused and history.resumable else None

    def _cut_up(self, decision: D, epoch: int) -> D:
        """The first piece of a lease that begins at an epoch; where the whole one ends becomes its goal."""
        goal, until = decision.goal or decision.until, self._piece(epoch, decision.until)
        return msgspec.structs.replace(decision, until=until, goal=goal if goal > until else 0)

    def _piece(self, epoch: int, until: int) -> int:
        """Where a piece ends that begins at an epoch, of a lease that ends at `until`."""
        later = bisect_right(self.board.epochs, epoch)
        return min([until, *self.board.epochs[later : later + 1]])

    def _opened(self, rule: Rule, history: History, event: Started | Resumed) -> None:
        """A lease of the scheduler within begins or, after a cut, goes on; the event says where its piece ends."""
        goal = event.goal or event.until
        if event.trial in self.inner.interrupted:
            until = self.inner.trials[event.trial].until
        else:
            until = self._lease(rule, history.epoch(event.trial), goal)
        until = max(until, event.until)
        self.inner.apply(msgspec.structs.replace(event, until=until, goal=goal if goal > until else 0))

    def _lease(self, rule: Rule, epoch: int, goal: int) -> int:
        """Where a lease of the scheduler within ends, which is a piece of the goal if that is a rule, too."""
        if not isinstance(rule.scheduler, Rule):
            return goal
        state = self.inner.fold(rule.scheduler)
        return state._piece(epoch, state._lease(rule.scheduler, epoch, goal))

    def _closed(self, history: History, event: Reported | Cut | Ended) -> None:
        """An epoch is over, and maybe a piece, a lease or a trial."""
        id = event.trial
        if isinstance(event, Reported):
            loss = history.objective.loss(event.metrics)
            self.board.put(event.epoch, id, loss)
            if id in self.inner.running and id not in history.running:
                self.paused.add(id)
            elif id not in self.inner.running:
                self.board.carry(event.epoch, id, loss)
                self.jitters.put(id, history.trials[id].losses)
        elif isinstance(event, Ended):
            self.paused.discard(id)
            trial = history.trials[id]
            if trial.ended in SOUND and trial.losses:  # how good one is that has failed nobody knows
                self.board.carry(trial.epoch, id, trial.loss)
                self.jitters.put(id, trial.losses)


def prospect(losses: tuple[float, ...], trend: float) -> float:
    """What a trial may come to: its best loss so far, less `trend` times what the second half of its epochs has gained.

    >>> prospect((0.9, 0.8, 0.7, 0.6), 0.0), round(prospect((0.9, 0.8, 0.7, 0.6), 1.0), 9)
    (0.6, 0.4)
    """
    best, half = min(losses), len(losses) // 2
    return best - trend * max(0.0, min(losses[:half]) - best) if half else best


def jitter(losses: tuple[float, ...]) -> float:
    """The standard deviation of a curve's noise, whatever its trend; 0 below three epochs.

    From the median of its absolute second differences, which neither a slope nor a few jumps change.

    >>> jitter((1.0, 0.5, 0.0)), round(jitter((0.0, 0.1, 0.0, 0.1, 0.0)), 3)
    (0.0, 0.121)
    """
    if len(losses) < 3:
        return 0.0
    with np.errstate(all="ignore"):  # a curve may leave the range of floats; who compares with NaN stops nobody
        return _SPREAD * float(np.median(np.abs(np.diff(losses, 2)))) / _SECOND


def check_rule(rule: Rule, grace: int | None, every: int | None) -> tuple[int | None, int | None]:
    """Refuse what no rule can work with; returns grace and distance as plain numbers.

    Raises:
        InvalidInput: if the scheduler is none, or one of the others no whole number of at least 1.
    """
    if isinstance(rule.scheduler, type) or not isinstance(rule.scheduler, Scheduler):
        name = type(rule).__name__
        raise InvalidInput(
            f"scheduler must be one such as {name}(Hyperband(Sobol())) has, got {shown(rule.scheduler)}; "
            f"{_instead(name, rule.scheduler)}"
        )
    rule_ = "a whole number of epochs of at least 1 or None"
    return (
        None if grace is None else whole("grace", grace, rule_, 1),
        None if every is None else whole("every", every, rule_, 1),
    )


def _instead(name: str, given: object) -> str:
    """What to write where a rule was given something else than a scheduler."""
    if isinstance(given, Searcher) and not isinstance(given, type):
        return f"write {name}(Full({in_short(given)}))"
    return f"give an instance, such as {name}(Full(Sobol()))"


def within(scheduler: Scheduler, history: History) -> tuple[Scheduler, History]:
    """The scheduler inside of all stopping rules, and the history as it knows it."""
    while isinstance(scheduler, Rule):
        rule: Rule = scheduler
        scheduler, history = rule.scheduler, history.fold(rule).inner
    return scheduler, history
