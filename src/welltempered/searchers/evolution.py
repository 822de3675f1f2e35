"""Differential evolution, with a population per number of epochs.

Storn & Price, "Differential evolution: a simple and efficient heuristic for global optimization over continuous
spaces", J. Global Optimization 11 (1997); for several fidelities Awad, Mallik & Hutter, "DEHB: evolutionary Hyperband
for scalable, robust and efficient hyperparameter optimization", IJCAI 2021.
"""

from dataclasses import dataclass

import numpy as np

from welltempered.checks import number, whole
from welltempered.events import Event
from welltempered.history import History
from welltempered.searchers.contest import loss_at, reach, settled
from welltempered.searchers.random import Random
from welltempered.searchers.sobol import Sobol
from welltempered.space import Params

_TRIES = 20
"""Children made in search of one that is feasible and new."""
_PARENTS = 4
"""What rand/1 needs: the target, and three others."""

_Member = tuple[float, int]  # loss, trial


class _State:
    """The populations, by the epoch at which their members were compared: place -> loss and trial."""

    def __init__(self) -> None:
        self.populations: dict[int, dict[int, _Member]] = {}

    def parents(self, least: int) -> dict[int, _Member]:
        """The population of the highest epoch that has enough members; empty if there is none."""
        epochs = [epoch for epoch, population in self.populations.items() if len(population) >= least]
        return self.populations[max(epochs)] if epochs else {}


@dataclass(frozen=True)
class Evolution:
    """Children of good trials: one plus the difference of two others, crossed with a fourth (rand/1/bin).

    Each trial has a place in the population, in turn; it takes that from the one there if it is not worse. No worker
    waits: children come from those who have a place at that moment. Trials that have failed get none.

    There is one population per epoch at which leases end, so losses of different epochs are never compared, and
    children come from the highest epoch that has `least` members. Within `Hyperband` that is `DEHB`, which says what
    differs.

    Parameters are crossed by their positions in [0, 1], as in DEHB; a value of a finite parameter is anywhere in its
    bin, and one that was inactive anywhere at all. Positions outside of [0, 1] are drawn anew.
    A suggestion costs O(population · parameters), whatever the number of trials.

    Attributes:
        population: places. The first so many trials are Sobol' points. Default 20, as in DEHB's experiments with DE.
        factor: F, what of the difference is added. Default 0.5, as in DEHB.
        crossover: CR, the share of the parameters that come from the mutant. Default 0.5, as in DEHB.
        least: members a population must have to breed. Default 8; at least 4, which rand/1 needs.

    Raises:
        InvalidInput: if population or least are below 4, least is above population, factor is not above 0 and at most
            2, or crossover is not a share.
    """

    population: int = 20
    factor: float = 0.5
    crossover: float = 0.5
    least: int = 8

    def __post_init__(self) -> None:
        for name in ("population", "least"):
            value = whole(name, getattr(self, name), "a whole number of at least 4", _PARENTS)
            object.__setattr__(self, name, value)
        whole("least", self.least, f"at most population = {self.population}", _PARENTS, self.population)
        object.__setattr__(self, "factor", number("factor", self.factor, "above 0 and at most 2", 0, 2))
        crossover = number("crossover", self.crossover, "at least 0 and at most 1", 0, 1)
        object.__setattr__(self, "crossover", crossover)

    def init(self, history: History) -> _State:
        """No populations yet."""
        return _State()

    def learn(self, state: _State, history: History, event: Event) -> None:
        """A trial whose lease is over competes for its place in the population of that epoch."""
        id = settled(history, event)
        if id is None:
            return
        trial = history.trials[id]
        if trial.failed or not trial.losses:
            return
        epoch = reach(trial)
        member = loss_at(trial, epoch), id
        places = state.populations.setdefault(epoch, {})
        place = id % self.population
        if place not in places or member[0] <= places[place][0]:
            places[place] = member

    def suggest(self, history: History) -> Params | None:
        """A child of the population; a Sobol' point before there is one, a random one where no child is new."""
        parents = history.fold(self).parents(self.least)
        number = len(history.trials)
        if number < self.population or not parents:
            return Sobol().suggest(history)
        rng = history.rng
        target = number % self.population
        places = sorted(parents)
        rows = history.matrix()[[parents[place][1] for place in places]]
        mine = places.index(target) if target in parents else int(rng.integers(len(places)))
        for _ in range(_TRIES):
            params = history.space.decode(self._child(history, rows, mine, rng))
            if history.space.feasible(params) and not history.tried(params):
                return params
        return Random().suggest(history)

    def _child(self, history: History, rows: np.ndarray, mine: int, rng: np.random.Generator) -> np.ndarray:
        """The position of a child of the member in row `mine` and three others."""
        others = rng.permutation(np.delete(np.arange(len(rows)), mine))[:3]
        widths = np.array([1 / parameter.size for parameter in history.space.values()])
        three = rows[others] + widths * (rng.random((3, len(widths))) - 0.5)
        base, one, other = np.where(np.isnan(three), rng.random(three.shape), three)
        mutant = base + self.factor * (one - other)
        target = np.where(np.isnan(rows[mine]), rng.random(len(mutant)), rows[mine])
        mutant = np.where((mutant < 0) | (mutant > 1), rng.random(len(mutant)), mutant)
        crossed = rng.random(len(mutant)) < self.crossover
        crossed[rng.integers(len(mutant))] = True  # at least one
        child: np.ndarray = np.where(crossed, mutant, target)
        return child
