"""What a study is of: training code, space, objective, and how to search."""

import inspect
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass, field
from typing import Any, Literal

from welltempered.auto import AUTO
from welltempered.checks import flag, shown, whole
from welltempered.decide import Scheduler, Searcher, in_short
from welltempered.errors import InvalidInput
from welltempered.objective import Objective
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
        method: scheduler with its searcher. Default "auto": chosen when the study is made, by its epochs, space and
            budget and by whether trials can be resumed; a study that is there goes on with the method it has.
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
    method: Scheduler | Literal["auto"] = AUTO
    seed: int = 0
    resumable: bool = True
    objective: Objective = field(init=False)

    def __post_init__(self) -> None:
        check_train(self.train)
        if not isinstance(self.space, Space):
            raise InvalidInput(f"space must be a Space, such as Space(lr=Float(1e-5, 1e-1)), got {shown(self.space)}")
        for name, least in (("epochs", 1), ("seed", 0)):
            rule = f"a whole number of at least {least} and below 2**63"
            object.__setattr__(self, name, whole(name, getattr(self, name), rule, least))
        flag("resumable", self.resumable)
        object.__setattr__(self, "objective", self._objective())
        self._check_method()

    def _objective(self) -> Objective:
        given = [name for name in (self.minimize, self.maximize) if name is not None]
        if len(given) != 1 or not isinstance(given[0], str) or not given[0]:
            raise InvalidInput(
                "exactly one of minimize and maximize must name a metric, "
                f"got minimize={self.minimize!r}, maximize={self.maximize!r}"
            )
        if not given[0].isprintable():
            raise InvalidInput(f"the metric must have a name that can be printed, got {given[0]!r}")
        return Objective(given[0], maximize=self.maximize is not None)

    @property
    def scheduler(self) -> Scheduler | None:
        """The method that was given; `None` if it is "auto", as then the study knows it."""
        return None if isinstance(self.method, str) else self.method

    def _check_method(self) -> None:
        method: object = self.method
        if isinstance(method, Scheduler) and not isinstance(method, type):
            return
        if isinstance(method, str) and method == AUTO:
            return
        instead = ""
        if isinstance(method, Searcher) and not isinstance(method, type):
            short = in_short(method)
            instead = f"; write Hyperband({short}), or Full({short}) to stop nobody early"
        elif isinstance(method, str):
            instead = "; a scheduler is written without quotes"
        rule = 'method must be "auto" or a scheduler such as Hyperband(Sobol())'
        raise InvalidInput(f"{rule}, got {shown(method)}{instead}")


def check_train(train: object) -> None:
    """Refuse what could not train: no function, one of other arguments, or one that would only return a promise.

    Raises:
        InvalidInput: with what it is instead.
    """
    rule = "train must be a function of one argument, the run"
    if not callable(train):
        raise InvalidInput(f"{rule}, got {shown(train)}")
    try:
        inspect.signature(train).bind(None)
    except TypeError as error:
        raise InvalidInput(f"{rule}: write def train(run), got {shown(train)}: {error}") from None
    except ValueError:
        pass  # it is written in C and does not say its arguments
    if inspect.iscoroutinefunction(train) or inspect.isgeneratorfunction(train):
        raise InvalidInput(f"{rule}, that trains when it is called: do without async and yield, got {shown(train)}")
