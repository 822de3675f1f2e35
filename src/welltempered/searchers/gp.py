"""Bayesian optimisation: a Gaussian process says which params promise the most.

Jones, Schonlau & Welch, "Efficient global optimization of expensive black-box functions" (J. Global Optimization 13,
1998), with what has been learnt since: each part names its source in `surrogates/`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from welltempered.checks import whole
from welltempered.events import Ended, Event, Reported, Started
from welltempered.history import History
from welltempered.searchers.random import Random
from welltempered.searchers.sobol import Sobol
from welltempered.space import Params, Space
from welltempered.surrogates.candidates import Candidates
from welltempered.surrogates.features import Features
from welltempered.surrogates.fit import Prior, fit
from welltempered.surrogates.improvement import log_improvement
from welltempered.surrogates.kernel import Array, distances
from welltempered.surrogates.outcomes import outcomes
from welltempered.surrogates.process import Process
from welltempered.surrogates.search import search
from welltempered.surrogates.threads import one_thread
from welltempered.surrogates.warp import warped

_GROWTH = 1.2
"""Hyperparameters are fitted again when there are so many times the trials."""
_SPREAD = 512
"""Candidates from the whole space; a power of two, as the balance of Sobol' points asks for."""
_BEST = 6
"""Best trials around which as many candidates lie again."""
_SMALL = 2_000
"""Points up to which each of a finite space is looked at."""
_MOST, _LESS = 500, 400
"""Trials that the process holds at most, and how many stay when there are more."""
_LOOKS = 100
"""Candidates that are looked at until one is found that was not tried."""


class _State:
    """The trials that are known, in the order of their first outcome, and the process over them."""

    def __init__(self, space: Space, seed: int, due: int) -> None:
        from scipy.stats import qmc

        self.features = Features(space)
        self.candidates = Candidates(space)
        self.spread = qmc.Sobol(len(space), scramble=True, rng=seed).random(_SPREAD)
        self.points = space.encode_many(list(space.points(None))) if space.size <= _SMALL else None
        self.started: set[bytes] = set()  # encoded params, in a finite space
        self.known: set[int] = set()
        self.prior = Prior.of(self.features.groups)
        self.beliefs = self.prior.start(self.features.groups)
        self.ids: list[int] = []  # of the trials in the process
        self.process: Process | None = None
        self.due = due  # trials at which hyperparameters are fitted again

    def of(self, history: History, ids: Sequence[int]) -> Array:
        """Features of trials."""
        return self.features.of(history.matrix()[list(ids)])


@dataclass(frozen=True)
class GP:
    """Tries what promises the largest improvement, by a Gaussian process over the params and the losses so far.

    The searcher for few and long trainings: of all it learns the most from each. It knows choices, conditions and whole
    numbers for what they are, estimates the noise, counts what is running as if it had turned out as predicted, and
    takes a diverged or failed trial for one just worse than the worst. Below a scheduler that gives trials different
    epochs they are compared after the highest epoch that eight have reached; for the others it is extrapolated.

    A decision costs O(n²) for n trials, and a fit of the hyperparameters O(n³), which is due when the trials have
    grown by a fifth; the process never holds more than 500 trials, the best and a spread of the others. Needs SciPy
    from the first suggestion.

    Attributes:
        start: trials that come from `Sobol` first, so that there is something to learn from. Default 8; 5 and 12 were
            neither better nor worse in the mean.

    Raises:
        InvalidInput: if an argument is of another kind or out of range.
    """

    start: int = 8

    def __post_init__(self) -> None:
        object.__setattr__(self, "start", whole("start", self.start, "a whole number of at least 2", 2))

    def init(self, history: History) -> _State:
        """Nothing is known."""
        return _State(history.space, history.header.seed, max(2, self.start // 2))

    def learn(self, state: _State, history: History, event: Event) -> None:
        """Take a trial into the process when it has its first outcome."""
        if isinstance(event, Started):
            if history.space.size < math.inf:
                state.started.add(history.matrix()[event.trial].tobytes())
            return
        if not isinstance(event, Reported | Ended) or event.trial in state.known or event.trial in history.running:
            return
        trial = history.trials[event.trial]
        if trial.losses or trial.failed:
            state.known.add(trial.id)
            state.ids.append(trial.id)
            with one_thread():
                _grow(state, history)

    def suggest(self, history: History) -> Params | None:
        """The most promising params; `None` if a finite space is exhausted."""
        state = history.fold(self)
        targets = warped(outcomes(history, state.ids))
        if len(history.trials) < self.start or state.process is None or targets is None:
            return Sobol().suggest(history)
        with one_thread():
            rows = _ranked(state, state.process, history, targets)
        space = history.space
        for row in rows[:_LOOKS]:
            params = space.decode(row)
            if not history.tried(params) and space.feasible(params):
                return params
        return Random().suggest(history)


def _grow(state: _State, history: History) -> None:
    """Take the newest trial into the process; now and then fit its hyperparameters anew, and let trials go."""
    count = len(state.ids)
    if count > _MOST:
        state.ids = _subset(state, history)
    elif count < state.due:
        if state.process is not None:
            state.process = state.process.grown(state.of(history, state.ids[-1:]))
        return
    targets = warped(outcomes(history, state.ids))
    if targets is None:
        return
    features, group = state.of(history, state.ids), state.features.group
    state.beliefs = fit(features, group, targets, state.beliefs, state.prior)
    state.process = Process(state.beliefs, state.beliefs.weights(group), features)
    state.due = math.ceil(_GROWTH * len(state.ids))


def _subset(state: _State, history: History) -> list[int]:
    """The best half of those that stay, and a spread of the others: each time the one farthest from all chosen."""
    order = np.argsort(outcomes(history, state.ids), kind="stable")
    points = state.of(history, state.ids) * state.beliefs.weights(state.features.group)
    chosen = [int(i) for i in order[: _LESS // 2]]
    far = distances(points, points[chosen]).min(axis=1)
    far[chosen] = -1.0
    while len(chosen) < _LESS:
        chosen.append(int(np.argmax(far)))
        far = np.minimum(far, distances(points, points[chosen[-1:]])[:, 0])
        far[chosen[-1]] = -1.0
    return [state.ids[i] for i in sorted(chosen)]


def _ranked(state: _State, process: Process, history: History, targets: Array) -> Array:
    """Encoded candidates, most promising first."""
    solved = process.solve(targets)
    pending = sorted((history.running | history.interrupted) - state.known)
    features = state.of(history, [*state.ids, *pending])
    process = process.grown(features[len(state.ids) :])
    mean, _ = process.predict(features, solved)
    best = float(mean.min())

    def promise(rows: Array) -> Array:
        values = log_improvement(*process.predict(state.features.of(rows), solved), best)
        if state.started:
            values[[row.tobytes() in state.started for row in rows]] = -math.inf
        values[~state.candidates.feasible(rows)] = -math.inf
        return values

    if state.points is not None:
        return np.asarray(state.points[np.argsort(-promise(state.points), kind="stable")])
    top = history.matrix()[state.ids][np.argsort(mean[: len(state.ids)], kind="stable")[:_BEST]]
    return search(state.candidates, history.rng, state.spread, top, promise)[0]
