"""Noisy objectives: the leader is trained again, with other seeds, until it is known to be good or falls back."""

import math
from bisect import bisect_left, insort
from dataclasses import dataclass

from welltempered.checks import whole
from welltempered.decide import Searcher, check_searcher
from welltempered.events import Ended, Event, Reported
from welltempered.history import History
from welltempered.repeats import average
from welltempered.space import Params

_START = 10
"""Settings that must have results before one is trained again: before that, one is best by chance and not for long.
A small space is tried whole first."""


class _Means:
    """The mean loss of each setting, kept sorted; a setting is named by its first trial."""

    def __init__(self) -> None:
        self._means: dict[int, float] = {}
        self._ranked: list[tuple[float, int]] = []

    def __len__(self) -> int:
        return len(self._ranked)

    @property
    def leader(self) -> int | None:
        """The setting with the lowest mean, first of equals; `None` if there is none, or all have diverged."""
        return self._ranked[0][1] if self._ranked and self._ranked[0][0] < math.inf else None

    def learn(self, history: History, event: Event) -> None:
        """A lease or a trial is over: the mean of its setting has changed."""
        if not isinstance(event, Ended | Reported) or event.trial in history.running:
            return
        same = history.replicates(event.trial)
        found, first = average(history.trials[id] for id in same), same[0]
        if first in self._means:
            del self._ranked[bisect_left(self._ranked, (self._means.pop(first), first))]
        if found is not None:
            self._means[first] = found.mean
            insort(self._ranked, (found.mean, first))


@dataclass(frozen=True)
class Replicate:
    """Trains the leading setting again with other seeds, so that the best is not merely the luckiest.

    Of many noisy results the lowest is one that was lucky. So whenever the setting with the lowest mean loss has been
    trained less than `times` times, it is the next trial again, with a seed of its own as each trial has; else the
    searcher suggests a new one. A replicate that is worse raises the mean, and when another setting leads, the former
    leader gets no more: most settings are trained once, and only those that might be the best more often. To end a bad
    replicate before its last epoch is what stopping rules and Hyperband are for, as with any trial. So a
    challenger must hold against the mean of several seeds, as in SMAC's intensification (Hutter, Hoos & Leyton-Brown,
    "Sequential model-based optimization for general algorithm configuration", LION 5, 2011).

    `study.best` is then the best trial of the setting that is best on average, each average taken one standard error
    worse than it is. The trial's own value is still a lucky one, see `History.replicates`. A setting of which one
    training has diverged counts as diverged. A decision costs what the searcher takes, and beside it the end of a
    lease O(log settings).

    Attributes:
        searcher: where new params come from; it sees each replicate as a trial of its own.
        times: how often the best setting is trained in all. Default 5: where noise hid what is best, 3 left more to
            luck and 8 gained little. Where it does not, and in studies of few trials, replicates cost and gain nothing.

    Raises:
        InvalidInput: if an argument is of another kind or out of range.
    """

    searcher: Searcher
    times: int = 5

    def __post_init__(self) -> None:
        check_searcher(self.searcher, type(self).__name__)
        object.__setattr__(self, "times", whole("times", self.times, "a whole number of at least 2", 2))

    def init(self, history: History) -> _Means:
        """No setting has a mean."""
        return _Means()

    def learn(self, state: _Means, history: History, event: Event) -> None:
        """Keep the means up to date."""
        state.learn(history, event)

    def suggest(self, history: History) -> Params | None:
        """The leader again, or what the searcher suggests; `None` once that has nothing left and the leader is sure."""
        means = history.fold(self)
        leader = means.leader
        unsure = leader is not None and len(history.replicates(leader)) < self.times
        params = None if unsure and len(means) >= _START else self.searcher.suggest(history)
        return history.trials[leader].params if params is None and unsure and leader is not None else params
