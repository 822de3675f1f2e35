"""What freezing and thawing knows: which trials the model holds, what it believes, and what it expects of whom."""

import math
from bisect import bisect_left, insort
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from welltempered.history import History
from welltempered.schedulers.trust import Trust
from welltempered.schedulers.twins import Twins
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
"""Paused trials that stay in play when others are given up: so many of the lowest losses, and of the most promising."""
_TURNS = 32
"""Leases after which that happens, and the model chooses its trials anew. Meanwhile those that come are added."""
_BEST, _SPREAD = 40, 30
"""Of the trials not in play, the model holds so many of the lowest losses, and so many spread over the rest."""
_AHEAD = 200
"""Trials of the lowest losses among which twins are looked for, so that the search does not get slower with more."""
_COVER = 256
"""Candidates from the whole space; a power of two, as the balance of Sobol' points asks for."""
_NEAR = 6
"""Trials of the lowest losses around which candidates lie."""
_SMALL = 2_000
"""Points up to which each of a finite space is looked at."""
_LOOKS = 100
"""Candidates that are looked at until one is found that was not tried."""


Points = dict[int, float]
"""Losses by epoch, of the epochs of a trial at which the model looks."""


def _points(trial: Trial) -> Points:
    found = {mark: trial.losses[mark - 1] for mark in marks(trial.epoch)} if trial.losses else {}
    return {**found, trial.horizon: math.inf} if trial.failed else found


def _observed(layout: Layout, history: History, points: Mapping[int, Points]) -> tuple[Observed, Array]:
    """The points of trials, in their order, and the losses there."""
    trial = np.repeat(np.arange(len(points)), [len(found) for found in points.values()])
    epoch = np.array([epoch for found in points.values() for epoch in found], dtype=float)
    losses = np.array([loss for found in points.values() for loss in found.values()], dtype=float)
    features = layout.features.of(history.matrix()[list(points)])
    return Observed(features, trial, epoch, history.epochs), losses


@dataclass(frozen=True)
class Model:
    """What the curves are made of.

    Attributes:
        ids: of the trials, in the order of the curves.
        layout: of the hyperparameters.
        curves: the process.
        losses: at its points.
    """

    ids: list[int]
    layout: Layout
    curves: Curves
    losses: Array

    def given(self, history: History, points: Mapping[int, Points]) -> "Model":
        """With those of these points that it does not have; none is taken away."""
        fresh = sorted(points.keys() - set(self.ids))
        ids = [*self.ids, *fresh]
        place = {id: i for i, id in enumerate(ids)}
        seen = self.curves.seen
        there = set(zip(seen.trial.tolist(), seen.epoch.tolist(), strict=True))
        new = [
            (place[id], epoch, loss)
            for id, found in points.items()
            for epoch, loss in found.items()
            if (place[id], epoch) not in there
        ]
        if not new:
            return self
        trial, epoch, losses = zip(*new, strict=True)
        features = self.layout.features.of(history.matrix()[fresh])
        curves = self.curves.grown(features, np.array(trial), np.array(epoch, dtype=float))
        return Model(ids, self.layout, curves, np.concatenate([self.losses, losses]))


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
        self.model: Model | None = None
        self.closes = 0
        self.streak = 0  # new trials since one was thawed
        self.seen: dict[int, Points] = {}  # of all whose first lease is over, as of the end of their last one
        self.ranked: list[tuple[float, int]] = []  # the last loss of the same, best first
        self.trust = Trust()
        self.twins = Twins()
        self._paused: set[int] = set()
        self._noted: dict[int, float] = {}
        self._turns = 0
        self._fitted = 0.0

    def resumed(self, id: int) -> None:
        """A lease begins."""
        self._paused.discard(id)

    def closed(self, history: History, id: int) -> None:
        """A lease is over: where the trial stands now."""
        trial = history.trials[id]
        self.closes += 1
        self._compare(trial)
        twin = id not in self.seen and bool(trial.losses) and not trial.failed and self._is_twin(history, trial)
        self._paused.discard(id)
        self.seen.pop(id, None)
        if id in self._noted:
            del self.ranked[bisect_left(self.ranked, (self._noted.pop(id), id))]
        if trial.losses or trial.failed:
            self.seen[id] = _points(trial)
            self._noted[id] = math.inf if trial.failed else trial.loss
            insort(self.ranked, (self._noted[id], id))
        if trial.ended is None and trial.epoch < history.epochs and not twin:
            self._paused.add(id)

    def _compare(self, trial: Trial) -> None:
        """Note whether a trial that has gone on did what the model said."""
        model, before = self.model, self.seen.get(trial.id)
        if model is None or not before or trial.epoch <= max(before) or not math.isfinite(trial.loss):
            return
        blend = Blend.of(model.losses)
        if blend is not None and trial.id in model.ids:
            place, epoch = np.array([model.ids.index(trial.id)]), np.array([float(trial.epoch)])
            mean, deviation = model.curves.known(place, epoch, model.curves.solve(blend(model.losses)))
            self.trust.note(float(mean[0]), float(deviation[0]), float(blend(np.array([trial.loss]))[0]))

    def _is_twin(self, history: History, trial: Trial) -> bool:
        others = [id for _, id in self.ranked[:_AHEAD]]
        away = np.linalg.norm(self.rows(history, others) - self.rows(history, [trial.id]), axis=1)
        return self.twins.met(trial, [history.trials[id] for id in others], away)

    def rows(self, history: History, ids: list[int]) -> Array:
        """Features of trials."""
        return self.layout.features.of(history.matrix()[ids])

    def ahead(self, history: History) -> Array:
        """Features of the trials of the lowest losses."""
        return self.rows(history, [id for _, id in self.ranked[:_AHEAD]])

    def paused(self) -> list[int]:
        """Who may go on, in the order of the trials."""
        return sorted(self._paused)

    def due(self, history: History) -> bool:
        """Whether enough is new for another fit."""
        return bool(self.ranked) and self._size(history) >= GROWTH * self._fitted + 4.0

    def fit(self, history: History) -> None:
        """Fit the hyperparameters to the trials that matter now."""
        ids = self._choice()
        seen, losses = _observed(self.layout, history, {id: self.seen[id] for id in ids})
        blend = Blend.of(losses)
        if blend is not None:
            self.beliefs = fit(self.layout, seen, blend(losses), self.beliefs)
            self._fitted = self._size(history)
            self._make(history)
            if len(self._paused) > _PLAY:
                self._give_up(history)

    def revise(self, history: History, id: int) -> None:
        """Give the model what the trial has shown; now and then, choose anew which trials it holds."""
        if self.model is None or id not in self.seen:
            return
        self._turns += 1
        self.model = self.model.given(history, {id: self.seen[id]})
        if self._turns == _TURNS:
            self._give_up(history)

    def _give_up(self, history: History) -> None:
        """Give up the paused trials that promise the least, so that what the model costs does not grow."""
        outlook = Outlook.of(self, history) if len(self._paused) > _PLAY else None
        if outlook is not None:
            ahead = [id for _, id in self.ranked if id in self._paused][:_PLAY]
            order = np.argsort(-outlook.promises(history.epochs), kind="stable")
            self._paused = {*ahead, *(outlook.paused[i] for i in order[:_PLAY])}
        self._make(history)

    def _make(self, history: History) -> None:
        assert self.beliefs is not None  # there has been a fit
        self._turns = 0
        ids = self._choice()
        seen, losses = _observed(self.layout, history, {id: self.seen[id] for id in ids})
        self.model = Model(ids, self.layout, Curves(self.layout, self.beliefs, seen), losses)

    def _choice(self) -> list[int]:
        """All that are in play, the best of the others, and an even spread of the rest."""
        rest = [id for _, id in self.ranked if id not in self._paused]
        best, worse = rest[:_BEST], rest[_BEST:]
        if len(worse) > _SPREAD:
            worse = [worse[int(i)] for i in np.linspace(0, len(worse) - 1, _SPREAD)]
        return sorted([*self._paused, *best, *worse])

    def _size(self, history: History) -> float:
        return len(history.trials) + history.spent / 4.0


class Outlook:
    """What the model expects of paused trials and new ones.

    It knows what running trials have reported, and is as sure of how their leases will end as if they had ended as it
    expects. That leaves the means as they are and makes the deviations smaller: the "kriging believer" of Ginsbourger,
    Le Riche & Carraro, "Kriging is well-suited to parallelize optimization" (2010).
    """

    def __init__(self, state: Frozen, history: History, model: Model, solved: Array, best: float) -> None:
        self._state, self._history = state, history
        self._curves, self._solved, self._best = model.curves, solved, best
        self.paused = state.paused()
        place = {id: i for i, id in enumerate(model.ids)}
        self._rows = np.array([place[id] for id in self.paused], dtype=np.int64)
        self._epochs = np.array([history.epoch(id) for id in self.paused], dtype=float)

    @classmethod
    def of(cls, state: Frozen, history: History) -> "Outlook | None":
        """`None` if no trial has a finite loss."""
        running = [history.trials[id] for id in sorted(history.running | history.interrupted)]
        model = state.model
        if model is not None:
            model = model.given(history, {trial.id: _points(trial) for trial in running if trial.losses})
        blend = None if model is None else Blend.of(model.losses)
        if model is None or blend is None:
            return None
        targets = blend(model.losses)
        solved = model.curves.solve(targets)
        best = float(model.curves.fitted(targets, solved).min())
        believed = model.given(history, {trial.id: {trial.until: math.nan} for trial in running})
        # What turns out as expected has no weight of its own.
        solved = np.concatenate([solved, np.zeros(len(believed.losses) - len(solved))])
        return cls(state, history, believed, solved, best)

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
        ahead = state.ahead(history) if state.twins.reach else None

        def promise(rows: Array) -> Array:
            values = log_improvement(*unseen.predict(features.of(rows)), self._best)
            values[~state.candidates.feasible(rows)] = -math.inf
            if ahead is not None:
                values[state.twins.near(features.of(rows), ahead)] = -math.inf
            return values

        if state.points is not None:
            rows, values = state.points, promise(state.points)
        else:
            near = history.matrix()[[id for _, id in state.ranked[:_NEAR]]]
            rows, values = (found[:_LOOKS] for found in search(state.candidates, rng, state.cover, near, promise))
        for place in np.argsort(-values, kind="stable"):
            params = space.decode(rows[place])
            if not history.tried(params) and space.feasible(params):
                return params, float(values[place])
        return None, -math.inf
