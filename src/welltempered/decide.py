"""Decisions as values, and the two protocols that make them: schedulers and searchers.

Both are pure: what they return depends on the history (and the held trial) alone, so that any decision can be
derived again from the log and compared.
"""

import dataclasses
from collections.abc import Collection
from typing import Protocol, TypeGuard, runtime_checkable

import msgspec

from welltempered.checks import shown
from welltempered.errors import InvalidInput
from welltempered.events import STOPPED, Ended, Event, Origin, Resumed, Started
from welltempered.history import History
from welltempered.space import Params
from welltempered.trial import Trial


class Start(msgspec.Struct, frozen=True):
    """Start a new trial with these params and let it train until the given epoch.

    Attributes:
        params: the value of every active parameter.
        until: epoch at which its lease ends.
        bracket: number of the bracket it belongs to. Default 0.
        goal: see `Started.goal`; only stopping rules give it.
        parent: state of another trial with which it begins, one that `Scheduler.keeps` has named since the lease ended
            that left it. Default: none.
    """

    params: Params
    until: int
    bracket: int = 0
    goal: int = 0
    parent: Origin | None = None


class Resume(msgspec.Struct, frozen=True):
    """Let a paused trial go on until the given epoch; `goal` as in `Start`."""

    trial: int
    until: int
    goal: int = 0


class Stop(msgspec.Struct, frozen=True):
    """End a paused trial for good, since nothing is expected of it any more; then decide again.

    Attributes:
        trial: its number.
        why: the evidence in one sentence, with numbers; it stands in the log.
    """

    trial: int
    why: str


class Wait(msgspec.Struct, frozen=True):
    """Leave the slot idle until another lease closes; the end of the study if no lease is open."""


Decision = Start | Resume | Stop | Wait
Keeps = Collection[int | Origin]
"""Numbers of trials, of which the newest checkpoint counts, and states of any trials."""


@runtime_checkable
class Searcher(Protocol):
    """Chooses the params of new trials; a frozen dataclass whose fields are its hyperparameters."""

    def suggest(self, history: History) -> Params | None:
        """The params of the next trial; `None` if the space is exhausted."""
        ...


@runtime_checkable
class Scheduler(Protocol):
    """Divides epochs among trials; a frozen dataclass whose fields are its searcher and its hyperparameters."""

    def next(self, history: History, held: Trial | None) -> Decision:
        """What a free slot does next. `held` is the trial the slot still has in memory, if any."""
        ...

    def keeps(self, history: History) -> "Keeps":
        """The paused trials it may still resume, and states that new trials may begin with: they stay on disk."""
        ...


def check_searcher(searcher: object, holder: str) -> None:
    """Refuse what cannot suggest params, also a searcher's class.

    Args:
        searcher: what was given.
        holder: name of the class it was given to.

    Raises:
        InvalidInput: with what it is instead, and the way out.
    """
    if isinstance(searcher, type) or not isinstance(searcher, Searcher):
        instead = _outside(searcher, holder)
        raise InvalidInput(f"searcher must be one such as Sobol() or Random(), got {shown(searcher)}{instead}")


_WRAPPERS = ("Zoom", "First", "Prior", "Warm", "Portfolio", "Replicate")
"""Searchers that have others within."""


def _outside(given: object, holder: str) -> str:
    """The way out where a searcher was expected; blank if nobody can tell what was meant."""
    if isinstance(given, type):
        return f"; give an instance, such as {holder}(Sobol())" if hasattr(given, "suggest") else ""
    if not isinstance(given, Scheduler):
        return ""
    name = type(given).__name__
    if hasattr(given, "scheduler"):
        return f"; a stopping rule goes outside: write {name}({holder}(Sobol()))"
    inner = in_short(getattr(given, "searcher", None))
    if holder in _WRAPPERS:
        inner = f"[{inner}, ...]" if holder == "Portfolio" else inner
        return f"; a scheduler goes outside: write {name}({holder}({inner}))"
    if holder == name:
        return f"; it is one already: {name}({inner})"
    return f"; it divides the epochs itself: write either {name}({inner}) or {holder}({inner})"


def in_short(method: object) -> str:
    """A method without those hyperparameters that are as usual, as one would write it: `Zoom(Sobol())`."""
    if not dataclasses.is_dataclass(method) or isinstance(method, type):
        return "Sobol()"
    parts = []
    for field in dataclasses.fields(method):
        value = getattr(method, field.name)
        if value != field.default:
            parts.append(in_short(value) if isinstance(value, Searcher | Scheduler) else f"{field.name}={value!r}")
    return f"{type(method).__name__}({', '.join(parts)})"


def decide(scheduler: Scheduler, history: History, held: Trial | None) -> Decision:
    """The next decision of a study: interrupted trials get the rest of their lease first, then the scheduler is asked.

    A scheduler therefore never learns of interruptions, and an interrupted study takes the same decisions as an
    undisturbed one.
    """
    # What is not resumable and still in memory goes on at once, or it would have to begin anew.
    last_chance = held is not None and held.id in history.between and not history.resumable
    if history.interrupted and not last_chance:
        trial = history.trials[min(history.interrupted)]
        return Resume(trial.id, trial.until, trial.goal if trial.goal > trial.until else 0)
    return scheduler.next(history, held)


def record(
    decision: Start | Resume | Stop, history: History, held: Trial | None, at: float, device: str = "cpu"
) -> Started | Resumed | Ended:
    """The event that a decision becomes in the log."""
    id = None if held is None else held.id
    if isinstance(decision, Stop):
        return Ended(decision.trial, STOPPED, decision.why, at, held=id)
    if isinstance(decision, Start):
        number, goal = len(history.trials), decision.goal
        parent = decision.parent
        return Started(number, decision.params, decision.until, decision.bracket, id, at, device, goal, parent)
    return Resumed(decision.trial, decision.until, id, at, device, decision.goal)


def decided(event: Event) -> TypeGuard[Started | Resumed | Ended]:
    """Whether an event records a decision, so that it can be derived again."""
    return isinstance(event, Started | Resumed) or (isinstance(event, Ended) and event.reason == STOPPED)
