"""Freezing and thawing: a model of learning curves says who gets the next epochs.

Swersky, Snoek & Adams, "Freeze-thaw Bayesian optimization" (2014), with the random horizon of Rakotoarison et al.,
"In-context freeze-thaw Bayesian optimization for hyperparameter optimization" (ICML 2024).
"""

import math
from collections.abc import Collection
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from welltempered.checks import whole
from welltempered.decide import Decision, Resume, Searcher, Start, Wait, check_searcher
from welltempered.errors import InvalidInput
from welltempered.events import Ended, Event, Reported, Resumed, Started
from welltempered.history import History
from welltempered.schedulers.frozen import Frozen, Outlook
from welltempered.searchers.around import own_rng
from welltempered.searchers.sobol import Sobol
from welltempered.surrogates.threads import one_thread
from welltempered.trial import Trial

_OPEN = 3
"""Of so many new trials one comes from the searcher, so that a model that is wrong finds out. It is the share of BOHB
(Falkner, Klein & Hutter, ICML 2018).
"""
_PATIENT, _LONGER = 15, 3
"""Of so many new trials one, of the searcher's, begins with so many times the epochs: the model cannot know of those
that start slowly and end well if nobody is looked at for longer.
"""
_STREAK = 5
"""New trials in a row after which successive halving decides: a model that has seen first epochs only may believe for
ever that a new trial promises more.
"""
_ETA = 3
"""η of that halving, and 1, 3, 9, ... its rungs; as in `Halving`."""
_AFRESH = 1 << 40
"""Numbers between the streams of two decisions about equally many trials."""


@dataclass(frozen=True)
class FreezeThaw:
    """Whenever a slot is free, the most promising of all paused trials and new candidates gets some epochs.

    A Gaussian process over params and epochs predicts how each curve goes on and how new ones would run, so a trial is
    frozen as soon as another promises more, and thawed when that one disappoints. For each decision a horizon is drawn;
    who is expected to improve most on the best so far in that many epochs goes on. Short horizons favour those that are
    ahead, long ones those that may overtake. A lease doubles a trial's epochs.

    Every third new trial is the searcher's, and every fifteenth begins with three times the epochs, to learn of those
    that start slowly. After five new trials in a row, who is in the top third of those that have come as far goes on
    to the next rung, as in `Halving`. Who trains exactly as an earlier trial does, because params are rounded or looked
    up, is given up, and nobody is started near to it (`Twins`).

    A decision costs O(m p² + c n²) for m paused trials, p points of curves of the n trials in the model and c
    candidates, and the end of a lease O(p²): n is at most about 180, however many trials there are, and p two to three
    times as much. Every 32 leases the model is made anew, O(p³), and all but the best and the most promising paused
    trials are given up, so that their checkpoints can go. A fit of the hyperparameters is due when trials and epochs
    have grown by a fifth.

    Attributes:
        searcher: where the first params come from, and a third of the later ones. Default `Sobol()`.
        start: trials before the model decides. Default 8, of one epoch each.
        first: epochs of a new trial's first lease later; `None`, the default, is one.

    Raises:
        InvalidInput: if an argument is of another kind or out of range; when the study starts, if its trials cannot be
            resumed.
    """

    searcher: Searcher = Sobol()  # noqa: RUF009 - a frozen value
    start: int = 8
    first: int | None = None

    def __post_init__(self) -> None:
        check_searcher(self.searcher, type(self).__name__)
        object.__setattr__(self, "start", whole("start", self.start, "a whole number of at least 2", 2))
        if self.first is not None:
            object.__setattr__(self, "first", whole("first", self.first, "a whole number of at least 1", 1))

    def init(self, history: History) -> Frozen:
        """Nothing is known."""
        if not history.resumable:
            raise InvalidInput(
                "FreezeThaw must be able to pause trials, got resumable=False; use Halving(TPE()) or Full(GP()), "
                "or make the training resumable with run.keep(...)"
            )
        if self._first > history.epochs:
            raise InvalidInput(
                f"first must be at most the epochs of a full training, {history.epochs}, got {self.first}"
            )
        return Frozen(history)

    def learn(self, state: Frozen, history: History, event: Event) -> None:
        """The end of a lease is news; now and then the model is fitted to all of it."""
        if isinstance(event, Started):
            state.streak += 1
        if isinstance(event, Resumed):
            state.streak = 0
            state.resumed(event.trial)
        if not isinstance(event, Reported | Ended) or event.trial in history.running:
            return
        state.closed(history, event.trial)
        with one_thread():
            if len(history.trials) >= self.start and state.due(history):
                state.fit(history)
            else:
                state.revise(history, event.trial)

    def next(self, history: History, held: Trial | None) -> Decision:
        """Thaw who promises the most, or start a trial."""
        state = history.fold(self)
        if len(history.trials) < self.start:
            return self._begin(history, state)
        with one_thread():
            return self._choose(history, state)

    def keeps(self, history: History) -> Collection[int]:
        """All that are paused and not given up."""
        return history.fold(self).paused()

    def _begin(self, history: History, state: Frozen) -> Decision:
        """A trial of one epoch from the searcher; if it has no more, whoever is furthest behind goes on."""
        params = self.searcher.suggest(history)
        if params is not None:
            return Start(params, 1)
        paused = state.paused()
        if not paused:
            return Wait()
        behind = min(paused, key=lambda id: (history.epoch(id), id))
        return Resume(behind, self._until(history, behind))

    def _choose(self, history: History, state: Frozen) -> Decision:
        if (state.streak >= _STREAK or state.trust.lost) and history.epochs > 1:  # of one, nobody could ever go on
            return self._halve(history, state)
        outlook = Outlook.of(state, history)
        if outlook is None:
            return self._begin(history, state)
        rng = own_rng(history, type(self).__name__)
        bits: Any = rng.bit_generator
        bits.advance(_AFRESH * (state.closes + len(history.running)))
        horizon = int(math.exp(rng.uniform(0.0, math.log(history.epochs + 0.99))))
        trial, promise = outlook.best_paused(horizon)
        params, better = outlook.best_new(horizon, rng)
        if params is not None and better > promise:
            number = len(history.trials)
            if number % _OPEN == 0:
                params = self.searcher.suggest(history) or params
            first = self._first if number % _PATIENT else self._first * _LONGER
            return Start(params, min(first, history.epochs))
        if trial is None:
            return self._begin(history, state)
        return Resume(trial, self._until(history, trial))

    def _halve(self, history: History, state: Frozen) -> Decision:
        paused = set(state.paused())
        for low, high in reversed(_rungs(history.epochs)):
            ranked = history.ranked(low)
            for _, id in ranked[: len(ranked) // _ETA]:
                if id in paused and history.epoch(id) < high:
                    return Resume(id, high)
        params = self.searcher.suggest(history)
        return self._begin(history, state) if params is None else Start(params, self._first)

    @property
    def _first(self) -> int:
        return 1 if self.first is None else self.first

    def _until(self, history: History, trial: int) -> int:
        return min(history.epochs, max(1, 2 * history.epoch(trial)))


def _rungs(epochs: int) -> list[tuple[int, int]]:
    """Neighbouring rungs of the halving, lowest first.

    >>> _rungs(50)
    [(1, 3), (3, 9), (9, 27), (27, 50)]
    """
    powers = range(math.ceil(math.log(max(epochs, 2), _ETA)) + 1)
    levels = sorted({min(epochs, _ETA**power) for power in powers} | {epochs})
    return list(pairwise(levels))
