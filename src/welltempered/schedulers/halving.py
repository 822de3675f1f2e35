"""Asynchronous successive halving with promotion (ASHA).

Li et al., "A system for massively parallel hyperparameter tuning", MLSys 2020, algorithm 2.
"""

import math
from bisect import bisect_left, insort
from collections.abc import Collection
from dataclasses import dataclass

from welltempered.checks import whole
from welltempered.decide import Decision, Resume, Searcher, Start, Wait, check_searcher
from welltempered.errors import InvalidInput
from welltempered.events import Event, Reported, Resumed, Started
from welltempered.history import History
from welltempered.schedulers.rungs import check_bracket, check_eta, levels, most_halvings, rung_of
from welltempered.trial import Trial

_Entry = tuple[float, int]  # loss, trial


class _Rung:
    """The trials that have reached one level of one bracket."""

    def __init__(self) -> None:
        self.ranked: list[_Entry] = []  # all of them, best first
        self.waiting: list[_Entry] = []  # those not promoted yet, best first

    def best_promotable(self, eta: int) -> int | None:
        """The best trial not promoted yet, if it is among the top 1/η of the rung."""
        if not self.waiting or self.waiting[0][0] == math.inf:
            return None
        rank = bisect_left(self.ranked, self.waiting[0])
        return self.waiting[0][1] if rank < len(self.ranked) // eta else None


class _State:
    """The rungs of all brackets, which bracket has started how many trials, and where each paused trial waits."""

    def __init__(self, brackets: list[tuple[int, ...]]) -> None:
        self.levels = brackets
        self.rungs = [[_Rung() for _ in levels] for levels in brackets]
        self.started = [0] * len(brackets)
        self.waits: dict[int, tuple[int, int, float]] = {}  # trial -> bracket, rung, loss


@dataclass(frozen=True)
class Halving:
    """Whenever a slot is free: promote a trial that is in the top 1/η of its rung, else start a new one.

    No worker ever waits for another. A promoted trial goes on from where it stopped. Where trials cannot be resumed,
    only the trial that the slot still holds may be promoted, at the moment it reaches its rung.
    A decision costs O(brackets · rungs · log trials).

    Attributes:
        searcher: where params come from.
        eta: η, the share 1/η of a rung is promoted. Default 3, as in the paper; 2 is the article's "top half".
        first: least epochs of the first rung. Default 1.
        brackets: how many first rungs to use side by side, each η times higher than the one before, so that nets that
            start slowly get a chance too; trials are shared out so that all brackets cost about the same. Default 1.

    Raises:
        InvalidInput: if eta < 2, first < 1 or brackets < 1; when the study starts, if first is above
            its epochs or it has fewer rungs than brackets.
    """

    searcher: Searcher
    eta: int = 3
    first: int = 1
    brackets: int = 1

    def __post_init__(self) -> None:
        check_searcher(self.searcher, type(self).__name__)
        object.__setattr__(self, "eta", check_eta(self.eta))
        for name in ("first", "brackets"):
            value = whole(name, getattr(self, name), "a whole number of at least 1", 1)
            object.__setattr__(self, name, value)

    def init(self, history: History) -> _State:
        """Empty rungs: bracket b begins b levels higher than bracket 0."""
        if self.first > history.epochs:
            raise InvalidInput(
                f"first must be at most the epochs of a full training, {history.epochs}, got {self.first}"
            )
        halvings = most_halvings(history.epochs, self.eta, self.first)
        if self.brackets > halvings + 1:
            raise InvalidInput(
                f"brackets must be at most the number of rungs, {halvings + 1} for epochs={history.epochs}, "
                f"eta={self.eta}, first={self.first}, got brackets={self.brackets}"
            )
        return _State([levels(history.epochs, self.eta, halvings - b) for b in range(self.brackets)])

    def learn(self, state: _State, history: History, event: Event) -> None:
        """A trial whose lease is over enters its rung; one that goes on has left it."""
        if isinstance(event, Started):
            check_bracket(event.bracket, self.brackets - 1)
            state.started[event.bracket] += 1
        elif isinstance(event, Resumed) and event.trial in state.waits:
            bracket, rung, loss = state.waits.pop(event.trial)
            waiting = state.rungs[bracket][rung].waiting
            del waiting[bisect_left(waiting, (loss, event.trial))]
        elif isinstance(event, Reported) and event.trial not in history.running:
            trial = history.trials[event.trial]
            rung = rung_of(trial, state.levels[trial.bracket])
            entry = (trial.loss, trial.id)
            insort(state.rungs[trial.bracket][rung].ranked, entry)
            insort(state.rungs[trial.bracket][rung].waiting, entry)
            state.waits[trial.id] = (trial.bracket, rung, trial.loss)

    def next(self, history: History, held: Trial | None) -> Decision:
        """Promote from the highest rung that has a promotable trial, else start a trial."""
        return self.within(history.epochs, history, held)

    def within(self, epochs: int, history: History, held: Trial | None) -> Decision:
        """The same, if nobody may train for longer than that yet."""
        state = history.fold(self)
        promotion = self._promotion(state, epochs) if history.resumable else self._go_on(state, held, epochs)
        if promotion is not None:
            return promotion
        params = self.searcher.suggest(history)
        if params is None:
            return Wait()
        bracket = min(range(self.brackets), key=lambda b: (state.started[b] + 1) * self.eta**b)
        return Start(params, state.levels[bracket][0], bracket)

    def keeps(self, history: History) -> Collection[int]:
        """All that wait below the last rung: as more trials arrive, any of them may come to be in the top 1/η."""
        if not history.resumable:
            return ()
        state = history.fold(self)
        below = (rung for rungs in state.rungs for rung in rungs[:-1])
        return {id for rung in below for loss, id in rung.waiting if loss < math.inf}

    def _promotion(self, state: _State, epochs: int) -> Resume | None:
        for bracket, rungs in enumerate(state.rungs):
            for k in range(len(rungs) - 2, -1, -1):
                until = state.levels[bracket][k + 1]
                trial = rungs[k].best_promotable(self.eta) if until <= epochs else None
                if trial is not None:
                    return Resume(trial, until)
        return None

    def _go_on(self, state: _State, held: Trial | None, epochs: int) -> Resume | None:
        if held is None or held.id not in state.waits:
            return None
        bracket, k, loss = state.waits[held.id]
        rung, higher = state.rungs[bracket][k], state.levels[bracket][k + 1 :]
        top = bisect_left(rung.ranked, (loss, held.id)) < len(rung.ranked) // self.eta
        if loss == math.inf or not top or not higher or higher[0] > epochs:
            return None
        return Resume(held.id, higher[0])
