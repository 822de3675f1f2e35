"""Tuners, one for each method."""

import inspect
from typing import Any

from welltempered.kerastuner import oracles
from welltempered.kerastuner.oracle import Oracle
from welltempered.kerastuner.tuner import Tuner

__all__ = ["BayesianOptimization", "GridSearch", "Hyperband", "RandomSearch", "Tuner"]


class _Ready(Tuner):
    """A tuner that makes its oracle of its arguments."""

    _oracle: type[Oracle]

    def __init__(self, hypermodel: Any = None, objective: Any = None, *args: Any, **kwargs: Any) -> None:
        known = {name for kind in (self._oracle, Oracle) for name in inspect.signature(kind.__init__).parameters}
        known -= {"self", "args", "kwargs", "objective"}
        own = {name: kwargs.pop(name) for name in list(kwargs) if name in known}
        super().__init__(self._oracle(objective, *args, **own), hypermodel, **kwargs)


class RandomSearch(_Ready):
    """Tries independent random values.

    Args:
        hypermodel: see `Tuner`.
        objective: see `Oracle`.
        args: further arguments of `oracles.RandomSearch`.
        kwargs: the same by name, and those of `Tuner`.
    """

    _oracle = oracles.RandomSearchOracle


class GridSearch(_Ready):
    """Tries all combinations, the defaults first; of a range without steps ten values.

    Args:
        hypermodel: see `Tuner`.
        objective: see `Oracle`.
        args: further arguments of `oracles.GridSearch`.
        kwargs: the same by name, and those of `Tuner`.
    """

    _oracle = oracles.GridSearchOracle


class BayesianOptimization(_Ready):
    """Tries what promises most by a Gaussian process over the trials so far.

    Args:
        hypermodel: see `Tuner`.
        objective: see `Oracle`.
        args: further arguments of `oracles.BayesianOptimization`.
        kwargs: the same by name, and those of `Tuner`.
    """

    _oracle = oracles.BayesianOptimizationOracle


class Hyperband(_Ready):
    """Tries many for few epochs and few for many, in the brackets of KerasTuner; whoever is promoted goes on exactly.

    Args:
        hypermodel: see `Tuner`.
        objective: see `Oracle`.
        args: further arguments of `oracles.Hyperband`.
        kwargs: the same by name, and those of `Tuner`.
    """

    _oracle = oracles.HyperbandOracle
