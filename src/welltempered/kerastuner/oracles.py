"""The four methods of KerasTuner, as methods of ours."""

import math
from typing import Any

from welltempered.checks import whole
from welltempered.decide import Scheduler, Searcher
from welltempered.errors import InvalidInput
from welltempered.kerastuner.oracle import Oracle
from welltempered.kerastuner.parameters import SAMPLES
from welltempered.kerastuner.trial import Trial
from welltempered.schedulers.hyperband import Hyperband as HyperbandScheduler
from welltempered.searchers.first import First
from welltempered.searchers.gp import GP
from welltempered.searchers.grid import Grid
from welltempered.searchers.random import Random
from welltempered.trial import Trial as StudyTrial

__all__ = [
    "BayesianOptimization",
    "BayesianOptimizationOracle",
    "GridSearch",
    "GridSearchOracle",
    "Hyperband",
    "HyperbandOracle",
    "RandomSearch",
    "RandomSearchOracle",
]

Bracket = tuple[tuple[int, int], ...]


class RandomSearchOracle(Oracle):
    """Independent random values, `Full(Random())`; the arguments are those of `Oracle`.

    `max_trials` is 10 unless it is given.
    """

    def __init__(self, objective: Any = None, max_trials: int | None = 10, **kwargs: Any) -> None:
        super().__init__(objective, max_trials, **kwargs)

    def searcher(self) -> Searcher:
        return Random()


class GridSearchOracle(Oracle):
    """All combinations, the defaults first: `Full(First(Grid(points=10)))`. The arguments are those of `Oracle`.

    Of a range without steps there are ten values, its ends among them.
    """

    def searcher(self) -> Searcher:
        return First(Grid(points=SAMPLES, limit=10**9))


class BayesianOptimizationOracle(Oracle):
    """What promises most by a Gaussian process, `Full(GP())`.

    The arguments are those of `Oracle`, and these.

    Args:
        objective: as there.
        max_trials: as there, 10 unless it is given.
        num_initial_points: trials before the process is asked. Default: 8, and for small searches a third of them.
        alpha: ignored: the noise is estimated.
        beta: ignored: what counts is the expected improvement, which needs no balance.
        kwargs: further arguments of `Oracle`.
    """

    def __init__(
        self,
        objective: Any = None,
        max_trials: int | None = 10,
        num_initial_points: int | None = None,
        alpha: float = 1e-4,
        beta: float = 2.6,
        **kwargs: Any,
    ) -> None:
        super().__init__(objective, max_trials, **kwargs)
        self.num_initial_points = num_initial_points
        self.alpha, self.beta = alpha, beta

    def searcher(self) -> Searcher:
        few = 8 if self.max_trials is None else min(8, math.ceil(self.max_trials / 3))
        return GP(start=max(2, self.num_initial_points or few))


class HyperbandOracle(Oracle):
    """Brackets from many short to few full trainings.

    The arguments are those of `Oracle`, and these.

    Brackets, trials and epochs are those of KerasTuner. A trial that is promoted goes on where it stopped.

    Args:
        objective: as there.
        max_epochs: epochs of a full training. Default 100.
        factor: the share 1/factor of trials goes on, factor times as long. Default 3.
        hyperband_iterations: how often all brackets are gone through. Default 1.
        kwargs: further arguments of `Oracle`.

    Raises:
        InvalidInput: if factor is below 2.
    """

    resumable = True

    def __init__(
        self,
        objective: Any = None,
        max_epochs: int = 100,
        factor: int = 3,
        hyperband_iterations: int = 1,
        **kwargs: Any,
    ) -> None:
        super().__init__(objective, **kwargs)
        if factor < 2:
            raise InvalidInput(
                f"factor must be at least 2: factor needs to be a int larger than 1, got factor={factor}"
            )
        self.max_epochs = whole("max_epochs", max_epochs, "a whole number of at least 1", 1)
        self.factor = factor
        self.hyperband_iterations = hyperband_iterations

    @property
    def epochs(self) -> int:
        return self.max_epochs

    def searcher(self) -> Searcher:
        return Random()

    def scheduler(self, searcher: Searcher) -> Scheduler:
        rounds = self.hyperband_iterations or None
        return HyperbandScheduler(searcher, self.factor, rounds, brackets_of(self.max_epochs, self.factor))

    def _trial(self, granted: StudyTrial) -> Trial:
        trial = super()._trial(granted)
        trial.hyperparameters.values |= {"tuner/initial_epoch": granted.epoch, "tuner/epochs": granted.until}
        return trial

    def seen(self, trial: StudyTrial) -> Trial:
        found = super().seen(trial)
        rungs = brackets_of(self.max_epochs, self.factor)
        epochs = [until for _, until in rungs[trial.bracket % len(rungs)]]
        found.hyperparameters.values |= {
            "tuner/epochs": trial.epoch,
            "tuner/initial_epoch": 0,
            "tuner/bracket": len(rungs) - 1 - trial.bracket % len(rungs),
            "tuner/round": sum(until < trial.until for until in epochs),
        }
        return found


def brackets_of(epochs: int, factor: int) -> tuple[Bracket, ...]:
    """The brackets of KerasTuner's Hyperband, which are not the paper's: its rungs (trials, epochs), most trials first.

    >>> brackets_of(10, 3)
    (((12, 2), (4, 4), (2, 10)), ((6, 4), (2, 10)), ((4, 10),))
    >>> sum(size for bracket in brackets_of(10, 3) for size, _ in bracket)
    30
    """
    count = 1
    while epochs >= factor**count:
        count += 1
    last = math.ceil(1 + math.log(epochs, factor))
    return tuple(
        tuple(
            (
                math.ceil(last / (bracket + 1) * factor ** (bracket - rung)),
                math.ceil(epochs / factor ** (bracket - rung)),
            )
            for rung in range(bracket + 1)
        )
        for bracket in reversed(range(count))
    )


RandomSearch = RandomSearchOracle
GridSearch = GridSearchOracle
BayesianOptimization = BayesianOptimizationOracle
Hyperband = HyperbandOracle
