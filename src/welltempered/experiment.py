"""What a study is of: training code, space, objective, and how to search."""

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass, field
from typing import Any

from welltempered.decide import Scheduler
from welltempered.errors import InvalidInput
from welltempered.objective import Objective
from welltempered.schedule.halving import Halving
from welltempered.schedule.hyperband import Hyperband
from welltempered.search.sobol import Sobol
from welltempered.space import Space

Train = Callable[[Any], object]
"""Training code: called with a `Run`; what it returns is ignored."""


@dataclass(frozen=True)
class Experiment:
    """All that defines a study except how much to spend on it and where.

    `welltempered tune FILE:NAME` looks for one of these in a Python file.

    Attributes:
        train: training code, see `Run`.
        space: what to search.
        minimize: metric to minimize; exactly one of `minimize` and `maximize` is given.
        maximize: metric to maximize.
        epochs: epochs of a full training.
        method: scheduler with its searcher. Default: `Hyperband(Sobol())`, or `Halving(Sobol())` where trials cannot be
            resumed.
        seed: where all randomness comes from, in 0 .. 2**63 - 1. Default 0.
        resumable: whether training can go on from what `run.keep` saved. Default True.

    Raises:
        InvalidInput: if an argument breaks one of these rules.
    """

    train: Train
    space: Space
    _: KW_ONLY
    minimize: str | None = None
    maximize: str | None = None
    epochs: int
    method: Scheduler | None = None
    seed: int = 0
    resumable: bool = True
    objective: Objective = field(init=False)
    scheduler: Scheduler = field(init=False)

    def __post_init__(self) -> None:
        if not callable(self.train):
            raise InvalidInput(f"train must be a function of one argument, the run, got {self.train!r}")
        if not isinstance(self.space, Space):
            raise InvalidInput(f"space must be a Space, such as Space(lr=Float(1e-5, 1e-1)), got {self.space!r}")
        _check_int("epochs", self.epochs, least=1)
        _check_int("seed", self.seed, least=0)
        object.__setattr__(self, "objective", self._objective())
        object.__setattr__(self, "scheduler", self._scheduler())

    def _objective(self) -> Objective:
        given = [name for name in (self.minimize, self.maximize) if name is not None]
        if len(given) != 1 or not isinstance(given[0], str) or not given[0]:
            raise InvalidInput(
                "exactly one of minimize and maximize must name a metric, "
                f"got minimize={self.minimize!r}, maximize={self.maximize!r}"
            )
        return Objective(given[0], maximize=self.maximize is not None)

    def _scheduler(self) -> Scheduler:
        if self.method is None:
            return Hyperband(Sobol()) if self.resumable else Halving(Sobol())
        if not isinstance(self.method, Scheduler):
            raise InvalidInput(f"method must be a scheduler such as Hyperband(Sobol()), got {self.method!r}")
        return self.method


def _check_int(name: str, value: object, least: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value < 2**63:
        raise InvalidInput(f"{name} must be a whole number of at least {least} and below 2**63, got {name}={value!r}")
