"""Evolution of a normal distribution: CMA-ES, by the package `cmaes`.

Hansen, "The CMA evolution strategy: a tutorial" (2016); for integers and categories Hamano et al., "CatCMA with margin:
stochastic optimization for continuous, integer, and categorical variables", GECCO 2025. The package is described in
Nomura & Shibata, "cmaes: a simple yet practical Python library for CMA-ES" (2024).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from welltempered.checks import number, whole
from welltempered.errors import InvalidInput
from welltempered.events import Event, Started
from welltempered.history import History
from welltempered.searchers.contest import ranking, settled
from welltempered.searchers.random import Random
from welltempered.space import Choice, Params, Space

_TRIES = 20
"""Points drawn in search of one that is feasible and new, before the distribution counts as used up."""
_VALUES = 64
"""A numeric parameter with more values than that counts as continuous, and its values are rounded."""
_GROWTHS = 4
"""How often the population may grow: a generation of hundreds of trials is nobody's."""
_NARROW = 1e-3
"""A generation that spreads less than that share of every range has converged."""


class _Code:
    """Where each parameter is in the three parts of the package's vectors: continuous, integer, categorical."""

    def __init__(self, space: Space) -> None:
        self.space = space
        self.continuous: list[int] = []
        self.integer: list[int] = []
        self.category: list[int] = []
        for column, parameter in enumerate(space.values()):
            if parameter.size == 2 or (isinstance(parameter, Choice) and parameter.size > 2):
                self.category.append(column)
            elif 2 < parameter.size <= _VALUES:
                self.integer.append(column)
            elif parameter.size > _VALUES:
                self.continuous.append(column)
        each = list(space.values())
        self.values = [[each[k].bijection.encode(value) for value in each[k].values()] for k in self.integer]
        self.options = [[each[k].bijection.encode(value) for value in each[k].values()] for k in self.category]

    @property
    def numeric(self) -> int:
        """How many parameters the normal distribution is of."""
        return len(self.continuous) + len(self.integer)

    @property
    def empty(self) -> bool:
        """Whether there is nothing to choose."""
        return not (self.continuous or self.integer or self.category)

    def positions(self, solution: Any) -> np.ndarray:
        """A point of the package's as positions in [0, 1], also those of inactive parameters."""
        found = np.full(len(self.space), 0.5)
        if self.continuous:
            found[self.continuous] = solution.x
        if self.integer:
            found[self.integer] = solution.z
        if self.category:
            chosen = np.argmax(solution.c, axis=1)
            found[self.category] = [options[k] for options, k in zip(self.options, chosen, strict=True)]
        return found


class _State:
    """A run of the package's optimizer, and those of its points that have become trials."""

    def __init__(self, method: "CMA", history: History) -> None:
        self.code = _Code(history.space)
        self.runs = 0
        if not self.code.empty:
            self.begin(method, history)

    def begin(self, method: "CMA", history: History) -> None:
        """Begin a run: the first in the middle, later ones anywhere and with more points per generation (IPOP)."""
        code, seed = self.code, history.header.seed
        rng = np.random.default_rng([seed, self.runs])
        mean = np.full(code.numeric, 0.5) if self.runs == 0 else rng.random(code.numeric)
        usual = 4 + math.floor(3 * math.log(code.numeric + len(code.category)))  # λ, equation 48 of the tutorial
        self.population = (method.population or usual) * method.growth ** min(self.runs, _GROWTHS)
        self.optimizer = _optimizer(code, self.population, mean, method.sigma)
        self.points: dict[int, Any] = {}  # of trials whose results it has not been told
        self.done: list[int] = []  # those of them whose results are there
        self.best: int | None = None
        self.idle = 0  # generations since the best was found
        self.runs += 1

    def draw(self, seed: int, trial: int) -> Iterator[tuple[Any, Params]]:
        """The points that a trial of that number may get, and their params, in the order in which they are tried."""
        if self.code.empty:
            return
        stream = np.random.SeedSequence([seed, trial]).generate_state(1)
        self.optimizer.reseed_rng(int(stream[0]))
        for _ in range(_TRIES):
            point = self.optimizer.ask()
            params = self.code.space.decode(self.code.positions(point))
            if self.code.space.feasible(params):
                yield point, params

    def tell(self, history: History) -> bool:
        """Take a generation into the distribution; whether the run goes on."""
        told = ranking([history.trials[id] for id in self.done])
        self.done = []
        points = [self.points.pop(trial.id) for trial in told]
        # Ranks, since losses may be infinite and of different epochs: only their order matters.
        try:
            with np.errstate(all="ignore"):
                self.optimizer.tell([(point, float(rank)) for rank, point in enumerate(points)])
                sound = bool(np.isfinite(self.code.positions(self.optimizer.ask())).all())
        except (AssertionError, np.linalg.LinAlgError):  # so wide or so narrow that floats cannot hold it
            return False
        before = [] if self.best is None else [history.trials[self.best]]
        leader = ranking([*before, told[0]])[0].id
        self.idle = 0 if leader != self.best else self.idle + 1
        self.best = leader
        return sound and not self._stagnates(points)

    def _stagnates(self, points: list[Any]) -> bool:
        """Whether nothing has been gained for long, or the points are all but one."""
        dimensions = self.code.numeric + len(self.code.category)
        patience = 10 + math.ceil(30 * dimensions / self.population)  # TolHistFun, appendix B.3 of the tutorial
        if self.idle >= patience:
            return True
        spread = np.std([self.code.positions(point) for point in points], axis=0)
        return bool(np.all(spread < _NARROW))


@dataclass(frozen=True)
class CMA:
    """Each generation moves and reshapes a normal distribution towards the better half of its points.

    Integers have a margin that keeps their neighbours possible, choices a probability per option (CatCMA with margin);
    parameters with two values count as choices, numeric ones with more than 64 values as continuous. An inactive
    parameter has a position too, which nothing selects. Points that break a constraint or were tried are drawn again.
    A generation is told when so many of its trials, and of those that the one before had left open, have closed their
    lease: no worker waits. Only ranks count: within a generation by the last epoch that two trials share, so it works
    within Hyperband too; trials that have failed come last. A run that has converged or gains nothing begins anew
    elsewhere, with a larger population.

    It earns its place where trials are many, fifty or more, and numeric parameters act together. A decision costs
    O(parameters²), the end of a generation O(parameters³ + population²), whatever the number of trials. The log
    replays exactly on one machine; another linear algebra library may round otherwise.

    Attributes:
        sigma: standard deviation of the first generation, as a share of each range. Default 0.25: most of it lies
            inside.
        population: points per generation, λ; `None` (default) is 4 + 3 ln(parameters), rounded down.
        growth: factor of the population with each new run. Default 2, as in Auger & Hansen, "A restart CMA evolution
            strategy with increasing population size", CEC 2005.

    Needs the package `cmaes`: `pip install "welltempered[cma]"`.

    Raises:
        InvalidInput: unless sigma is above 0 and at most 1, population at least 4, growth at least 1; when the study
            starts, if `cmaes` is not installed.
    """

    sigma: float = 0.25
    population: int | None = None
    growth: int = 2

    def __post_init__(self) -> None:
        object.__setattr__(self, "sigma", number("sigma", self.sigma, "above 0 and at most 1", 0, 1))
        if self.population is not None:
            population = whole("population", self.population, "a whole number of at least 4 or None", 4)
            object.__setattr__(self, "population", population)
        object.__setattr__(self, "growth", whole("growth", self.growth, "a whole number of at least 1", 1))

    def init(self, history: History) -> _State:
        """The first run, before its first generation."""
        return _State(self, history)

    def learn(self, state: _State, history: History, event: Event) -> None:
        """Find the point that has become a trial; tell the optimizer of a generation."""
        if state.code.empty:
            return
        if isinstance(event, Started):
            self._enter(state, history, event)
            return
        trial = settled(history, event)
        if trial is None or trial not in state.points or trial in state.done:
            return
        state.done.append(trial)
        if len(state.done) == state.population and not state.tell(history):
            state.begin(self, history)

    def suggest(self, history: History) -> Params | None:
        """A point of the distribution; a random one where that has no new one, and `None` if there is none at all."""
        state = history.fold(self)
        for _, params in state.draw(history.header.seed, len(history.trials)):
            if not history.tried(params):
                return params
        return Random().suggest(history)

    def _enter(self, state: _State, history: History, event: Started) -> None:
        used_up = True
        for point, params in state.draw(history.header.seed, event.trial):
            if params == event.params:
                state.points[event.trial] = point
                return
            used_up = used_up and history.tried(params)
        if used_up:
            state.begin(self, history)


def _optimizer(code: _Code, population: int, mean: np.ndarray, sigma: float) -> Any:
    """The package's optimizer for a space. Its own default for σ is a twelfth of the range, a narrow one."""
    try:
        from cmaes import CatCMAwM
    except ImportError:
        raise InvalidInput('CMA must have the package cmaes, got none; pip install "welltempered[cma]"') from None
    spaces: dict[str, Any] = {}
    if code.continuous:
        spaces["x_space"] = [[0.0, 1.0]] * len(code.continuous)
    if code.integer:
        spaces["z_space"] = code.values
    if code.category:
        spaces["c_space"] = [len(options) for options in code.options]
    if code.numeric:
        spaces |= {"mean": mean, "cov": np.eye(code.numeric), "sigma": sigma}
    return CatCMAwM(**spaces, population_size=population, seed=0)
