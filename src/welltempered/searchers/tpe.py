"""Tree-structured Parzen estimator: candidates where good trials are dense and the others are not.

Bergstra, Bardenet, Bengio & Kégl, "Algorithms for hyper-parameter optimization", NeurIPS 2011, section 4; product
kernels over all parameters at once as in Falkner, Klein & Hutter, "BOHB: robust and efficient hyperparameter
optimization at scale", ICML 2018; settings as Watanabe, "Tree-structured Parzen estimator", arXiv:2304.11127, 2023,
compares them.
"""

import math
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from welltempered.checks import number, whole
from welltempered.events import Ended, Event, Reported, Resumed, Started
from welltempered.history import History
from welltempered.searchers.parzen import Axes, Kernels
from welltempered.searchers.random import Random
from welltempered.searchers.sobol import Sobol
from welltempered.space import Params
from welltempered.trial import SOUND

MOST = 25
"""Good trials at most: Bergstra, Yamins & Cox, "Making a science of model search", ICML 2013."""
LOOKED_AT = 200
"""Other trials that are looked at, so that a suggestion does not grow with the study."""
NEWEST = 50
"""How many of them are the newest ones, of which some train now; the rest is spread over the older ones."""
BETTER_HALF = 0.5
"""The part of the trials at an epoch that may count as good there; with the best third or 0.7 of them Hyperband had
found less after 1,000 epochs of known curves (every second task of LCBench and TaskSet)."""


class _State:
    """How far the trials have come; `reached[e - 1]` counts those that have trained e epochs."""

    def __init__(self, history: History) -> None:
        self.axes = Axes(history.space)
        self.conditional = any(parameter.condition is not None for parameter in history.space.values())
        self.reached = [0] * history.epochs
        self.epochs: list[int] = []
        self.failed: set[int] = set()
        self.lost = 0  # trials that have failed before their first report

    @property
    def heard(self) -> int:
        """Trials of which something is known."""
        return self.reached[0] + self.lost

    def move(self, trial: int, epoch: int) -> None:
        """A trial has come so far, or was taken back."""
        before = self.epochs[trial]
        for e in range(before, epoch):
            self.reached[e] += 1
        for e in range(epoch, before):
            self.reached[e] -= 1
        self.epochs[trial] = epoch

    def highest(self, least: int) -> int:
        """The highest epoch that so many trials have reached; 0 if there is none."""
        return bisect_right(self.reached, -least, key=lambda count: -count)


@dataclass(frozen=True)
class TPE:
    """Of candidates that are drawn where good trials are dense, the one at which the others are rarest.

    - *Good* are the best that have come furthest: from the last epoch down, of those that have reached an epoch the
      better half, until there are enough. All others are bad until they show better: worse ones, those stopped early,
      failed and diverged ones, and those that train now, so that workers do not crowd together.
    - Both densities are of all parameters at once, with kernels for numbers and for options. A parameter that is
      inactive in a trial says nothing.
    - No point is tried twice: where all candidates have been, a random one is.

    A suggestion costs O(parameters), whatever the number of trials: at most 25 good and 200 other trials are looked at.
    In a space with conditions all candidates are decoded, which takes longer. In a finite space that is nearly used up
    it costs O(points left). Needs SciPy for the first points, as `Sobol` does.

    Attributes:
        start: trials whose outcome must be known before any is guided; until then `Sobol` suggests. Default 5:
            with 10, Hyperband found less in its first 100 epochs, and full trainings nothing better in the end.
        share: γ, the share of the trials that counts as good, at most 25 trials. Default 0.1.
        candidates: how many are drawn and compared. Default 24; more are greedier.
        random: ρ, the share of suggestions that stays with `Sobol`. Default 0.

    Raises:
        InvalidInput: if start or candidates are below 1, share is not above 0 and at most 0.5, or random is not in
            0..1.
    """

    start: int = 5
    share: float = 0.1
    candidates: int = 24
    random: float = 0.0

    def __post_init__(self) -> None:
        for name in ("start", "candidates"):
            object.__setattr__(self, name, whole(name, getattr(self, name), "a whole number of at least 1", 1))
        object.__setattr__(self, "share", number("share", self.share, "above 0 and at most 0.5", 0, 0.5))
        object.__setattr__(self, "random", number("random", self.random, "at least 0 and at most 1", 0, 1))

    def init(self, history: History) -> _State:
        """Nothing has been reached."""
        return _State(history)

    def learn(self, state: _State, history: History, event: Event) -> None:
        """Count how far trials have come."""
        if isinstance(event, Started):
            state.epochs.append(0)
        elif isinstance(event, Reported | Resumed):
            state.move(event.trial, history.epoch(event.trial))
            if isinstance(event, Reported) and history.objective.loss(event.metrics) == math.inf:
                state.failed.add(event.trial)
        elif isinstance(event, Ended) and event.reason not in SOUND:
            state.failed.add(event.trial)
            state.lost += not state.epochs[event.trial]

    def suggest(self, history: History) -> Params | None:
        """The best of the candidates that was not tried; `None` if a finite space is exhausted."""
        state, rng = history.fold(self), history.rng
        explore = rng.random() < self.random
        if explore or state.heard < self.start:
            return Sobol().suggest(history)
        good, others = self._split(state, history)
        matrix = history.matrix()
        below, above = Kernels(state.axes, matrix[good]), Kernels(state.axes, matrix[others])
        rows = below.draw(rng, self.candidates)
        points: list[Params] | None = None
        if state.conditional:  # what is active must be known
            points = [history.space.decode(row) for row in rows]
            rows = history.space.encode_many(points)
        features = state.axes.features(rows)
        ratio = below.log_density(features) - above.log_density(features)
        for best in np.argsort(-ratio, kind="stable").tolist():
            params = history.space.decode(rows[best]) if points is None else points[best]
            if history.space.feasible(params) and not history.tried(params):
                return params
        return Random().suggest(history)

    def _split(self, state: _State, history: History) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The good trials, and those of the others that are looked at."""
        wanted = min(MOST, math.ceil(self.share * state.heard))
        good = list(islice(_best(state, history), wanted))
        chosen = np.array(good, dtype=np.int64)
        some = looked_at(len(state.epochs))
        return chosen, some[(some[:, None] != chosen).all(axis=1)]


def _best(state: _State, history: History) -> Iterator[int]:
    """Trials that have not failed, from the last epoch down the better half of those that have reached it."""
    found: set[int] = set()
    epoch = state.highest(1)
    while epoch:
        reached = state.reached[epoch - 1]
        for _, trial in islice(history.ranked(epoch), math.ceil(BETTER_HALF * reached)):
            if trial not in state.failed and trial not in found:
                found.add(trial)
                yield trial
        epoch = state.highest(reached + 1)


def looked_at(trials: int) -> NDArray[np.int64]:
    """Which of so many trials are looked at: all if they are few, else the newest, and a part of the older ones.

    >>> looked_at(3).tolist(), looked_at(1000)[[0, 1, -2, -1]].tolist()
    ([0, 1, 2], [0, 6, 998, 999])
    """
    if trials <= LOOKED_AT:
        return np.arange(trials)
    older = LOOKED_AT - NEWEST
    return np.concatenate([np.arange(older) * (trials - NEWEST) // older, np.arange(trials - NEWEST, trials)])
