"""What freezing and thawing knows: which trials the model holds, what it believes, and what it expects of whom."""

import math
from bisect import bisect_left, insort
from dataclasses import dataclass

import numpy as np

from welltempered.history import History
from welltempered.space import Params
from welltempered.surrogates.blend import Blend
from welltempered.surrogates.candidates import Candidates
from welltempered.surrogates.course import marks
from welltempered.surrogates.curve_fit import fit
from welltempered.surrogates.curves import Curves, Layout, Observed
from welltempered.surrogates.features import Features
from welltempered.surrogates.improvement import log_improvement
from welltempered.surrogates.kernel import Array
from welltempered.surrogates.search import search
from welltempered.trial import Trial

GROWTH = 1.2
"""A fit is due when trials and a quarter of the epochs are so many times those of the last one."""
_PLAY = 40
"""Paused trials that a fit leaves in play: so many of the lowest losses, and so many of the most promising."""
_BEST, _SPREAD = 40, 30
"""Of the other trials, the model holds so many of the lowest losses, and so many evenly spread over the rest."""
_COVER = 256
"""Candidates from the whole space; a power of two, as the balance of Sobol' points asks for."""
_NEAR = 6
"""Trials of the lowest losses around which candidates lie."""
_SMALL = 2_000
"""Points up to which each of a finite space is looked at."""
_LOOKS = 100
"""Candidates that are looked at until one is found that was not tried."""


class Frozen:
    """The fold of `FreezeThaw`."""

    def __init__(self, history: History) -> None:
        from scipy.stats import qmc

        space = history.space
        self.layout = Layout(Features(space))
        self.candidates = Candidates(space)
        self.cover = qmc.Sobol(len(space), scramble=True, rng=history.header.seed).random(_COVER)
        self.points = space.encode_many(list(space.points(None))) if space.size <= _SMALL else None
        self.beliefs: Array | None = None
        self.closes = 0
        self.gone: set[int] = set()
        self.ranked: list[tuple[float, int]] = []  # the last loss of all that have one and are not running, best first
        self._noted: dict[int, float] = {}
        self._fitted = 0.0

    def note(self, history: History, id: int) -> None:
        """A lease is over: where the trial stands now."""
        if id in self._noted:
            del self.ranked[bisect_left(self.ranked, (self._noted.pop(id), id))]
        trial = history.trials[id]
        if trial.losses or trial.failed:
            self._noted[id] = math.inf if trial.failed else trial.loss
            insort(self.ranked, (self._noted[id], id))

    def paused(self, history: History) -> list[int]:
        """Who may go on, in the order of the trials."""
        found = []
        for loss, id in self.ranked:
            trial = history.trials[id]
            open_ = trial.ended is None and not trial.running and not trial.interrupted
            if loss < math.inf and open_ and trial.epoch < history.epochs and id not in self.gone:
                found.append(id)
        return sorted(found)

    def due(self, history: History) -> bool:
        """Whether enough is new for another fit."""
        return bool(self.ranked) and self._size(history) >= GROWTH * self._fitted + 4.0

    def fit(self, history: History) -> None:
        """Fit the hyperparameters, then give up the paused trials that promise the least."""
        data = Data.of(self, history)
        if data is None:
            return
        self.beliefs = fit(self.layout, data.seen, data.targets, self.beliefs)
        self._fitted = self._size(history)
        paused = set(self.paused(history))
        ahead = [id for _, id in self.ranked if id in paused][:_PLAY]
        if len(paused) > len(ahead):
            outlook = Outlook(self, history, data)
            order = np.argsort(-outlook.promises(history.epochs), kind="stable")
            promising = [outlook.paused[i] for i in order[:_PLAY]]
            self.gone |= paused - {*ahead, *promising}

    def _size(self, history: History) -> float:
        return len(history.trials) + history.spent / 4.0


@dataclass(frozen=True)
class Data:
    """What the model is made of.

    Attributes:
        ids: of its trials.
        seen: points of their curves.
        targets: what was seen there, blended.
    """

    ids: list[int]
    seen: Observed
    targets: Array

    @classmethod
    def of(cls, state: Frozen, history: History) -> "Data | None":
        """The trials that matter; `None` if none has a finite loss."""
        ids = _held(state, history)
        trial: list[int] = []
        epoch: list[float] = []
        loss: list[float] = []
        for place, id in enumerate(ids):
            losses = history.trials[id].losses
            at = marks(len(losses)) if losses else []
            found = [losses[mark - 1] for mark in at]
            if history.trials[id].failed and len(losses) < history.epochs:
                at, found = [*at, history.epochs], [*found, math.inf]
            trial += [place] * len(at)
            epoch += at
            loss += found
        values = np.array(loss)
        blend = Blend.of(values)
        if blend is None:
            return None
        features = state.layout.features.of(history.matrix()[ids])
        seen = Observed(features, np.array(trial), np.array(epoch, dtype=float), history.epochs)
        return cls(ids, seen, blend(values))


def _held(state: Frozen, history: History) -> list[int]:
    """All that are in play, the best of the others, and an even spread of the rest."""
    play = state.paused(history)
    there = set(play)
    rest = [id for _, id in state.ranked if id not in there and _has_points(history.trials[id])]
    best, worse = rest[:_BEST], rest[_BEST:]
    if len(worse) > _SPREAD:
        worse = [worse[int(i)] for i in np.linspace(0, len(worse) - 1, _SPREAD)]
    return sorted([*play, *best, *worse])


def _has_points(trial: Trial) -> bool:
    return bool(trial.losses) or trial.failed


class Outlook:
    """What the model expects of paused trials and new ones."""

    def __init__(self, state: Frozen, history: History, data: Data) -> None:
        assert state.beliefs is not None  # `next` has looked
        self._state, self._history, self._data = state, history, data
        place = {id: i for i, id in enumerate(data.ids)}
        self.paused = [id for id in state.paused(history) if id in place]
        self._rows = np.array([place[id] for id in self.paused], dtype=np.int64)
        self._epochs = np.array([history.epoch(id) for id in self.paused], dtype=float)
        curves = Curves(state.layout, state.beliefs, data.seen)
        solved = curves.solve(data.targets)
        self._best = float(curves.fitted(data.targets, solved).min())
        self._curves, self._solved = _with_running(state, history, curves, solved, data)

    @classmethod
    def of(cls, state: Frozen, history: History) -> "Outlook | None":
        """`None` if no trial has a finite loss."""
        data = Data.of(state, history)
        return None if data is None else cls(state, history, data)

    def promises(self, horizon: int) -> Array:
        """Of the paused trials: the logarithm of the improvement over the best so far that so many epochs may bring."""
        after = np.minimum(self._epochs + horizon, self._history.epochs)
        mean, deviation = self._curves.known(self._rows, after, self._solved)
        return log_improvement(mean, deviation, self._best)

    def best_paused(self, horizon: int) -> tuple[int | None, float]:
        """The most promising paused trial and its promise."""
        if not self.paused:
            return None, -math.inf
        promises = self.promises(horizon)
        first = int(np.argmax(promises))
        return self.paused[first], float(promises[first])

    def best_new(self, horizon: int, rng: np.random.Generator) -> tuple[Params | None, float]:
        """The most promising params that nobody has tried, and their promise."""
        state, history = self._state, self._history
        space, features = history.space, state.layout.features
        unseen = self._curves.unseen(min(horizon, history.epochs), self._solved)

        def promise(rows: Array) -> Array:
            values = log_improvement(*unseen.predict(features.of(rows)), self._best)
            values[~state.candidates.feasible(rows)] = -math.inf
            return values

        if state.points is not None:
            rows, values = state.points, promise(state.points)
        else:
            near = history.matrix()[[id for _, id in state.ranked[:_NEAR]]]
            rows = search(state.candidates, rng, state.cover, near, promise)
            values = promise(rows[:_LOOKS])
        for place in np.argsort(-values, kind="stable")[: _LOOKS if state.points is None else None]:
            params = space.decode(rows[place])
            if not history.tried(params) and space.feasible(params):
                return params, float(values[place])
        return None, -math.inf


def _with_running(state: Frozen, history: History, curves: Curves, solved: Array, data: Data) -> tuple[Curves, Array]:
    """The process as if each running trial had ended its lease as predicted.

    That leaves the means as they are and makes the deviations smaller: the "kriging believer" of Ginsbourger, Le Riche
    & Carraro, "Kriging is well-suited to parallelize optimization" (2010).
    """
    running = sorted(history.running | history.interrupted)
    if not running:
        return curves, solved
    assert state.beliefs is not None  # `next` has looked
    seen = data.seen
    place = {id: i for i, id in enumerate(data.ids)}
    fresh = [id for id in running if id not in place]
    place |= {id: len(data.ids) + i for i, id in enumerate(fresh)}
    rows = state.layout.features.of(history.matrix()[fresh])
    ends = [float(history.trials[id].until) for id in running]
    means = [
        float(curves.known(np.array([place[id]]), np.array([end]), solved)[0][0])
        if id not in fresh
        else float(curves.unseen(int(end), solved).predict(rows[[fresh.index(id)]])[0][0])
        for id, end in zip(running, ends, strict=True)
    ]
    trial = np.concatenate([seen.trial, [place[id] for id in running]])
    order = np.argsort(trial, kind="stable")
    epoch, targets = np.concatenate([seen.epoch, ends])[order], np.concatenate([data.targets, means])[order]
    more = Observed(np.vstack([seen.features, rows]), trial[order], epoch, seen.horizon)
    wider = Curves(state.layout, state.beliefs, more)
    return wider, wider.solve(targets)
