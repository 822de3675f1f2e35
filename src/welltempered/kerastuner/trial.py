"""A trial as scripts of KerasTuner see it."""

import random
import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from welltempered.kerastuner.hyperparameters import HyperParameters
from welltempered.kerastuner.objectives import Objective, objective_of

__all__ = ["Metrics", "Observation", "Trial", "TrialStatus"]


class TrialStatus:
    """What a trial's `status` may be."""

    RUNNING = "RUNNING"
    IDLE = "IDLE"  # there is nothing to do until another one ends
    INVALID = "INVALID"  # it has failed, and may be tried again
    STOPPED = "STOPPED"  # there is nothing left to do
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"


@dataclass(frozen=True)
class Observation:
    """A metric at a step: one value for each time that it was said."""

    value: list[float]
    step: int

    def mean(self) -> float:
        """The average."""
        return statistics.fmean(self.value)


class Metrics:
    """What a trial has reached, by metric and step."""

    def __init__(self) -> None:
        self.metrics: dict[str, dict[int, Observation]] = {}

    def update(self, name: str, value: float, step: int = 0) -> None:
        """Take a value; of several at one step the average counts."""
        steps = self.metrics.setdefault(name, {})
        steps.setdefault(step, Observation([], step)).value.append(float(value))

    def exists(self, name: str) -> bool:
        """Whether there is a value of it."""
        return name in self.metrics

    def get_history(self, name: str) -> list[Observation]:
        """All values, in order of steps."""
        return [self._known(name)[step] for step in sorted(self._known(name))]

    def get_last_value(self, name: str) -> float:
        """The value at the last step."""
        return self.get_history(name)[-1].mean()

    def get_best_value(self, name: str) -> float | None:
        """The best value of a metric of Keras; `None` if none is a number.

        Raises:
            ValueError: if there is no such metric.
            InvalidInput: if Keras has none of that name; `get_history` has all values.
        """
        self._known(name)
        best = self.best(objective_of(name))
        return None if best is None else best[0]

    def best(self, objective: Objective) -> tuple[float, int] | None:
        """The best value of an objective, and its first step; `None` if none is a number."""
        found = None
        for seen in self.get_history(objective.name) if self.exists(objective.name) else ():
            if found is None or objective.better_than(seen.mean(), found[0]):
                found = (seen.mean(), seen.step)
        return found

    def at(self, step: int) -> dict[str, float]:
        """All metrics that have a value at a step."""
        return {name: steps[step].mean() for name, steps in self.metrics.items() if step in steps}

    def _known(self, name: str) -> Mapping[int, Observation]:
        if name not in self.metrics:
            raise ValueError(f"Unknown metric: {name}")
        return self.metrics[name]


class Trial:
    """The values that a trial has, and what became of it.

    Attributes:
        trial_id: its number as text, with leading zeros; random where none is given.
        hyperparameters: its values, as builders ask for them.
        status: see `TrialStatus`.
        message: the error, if one has ended it.
        metrics: what it has reached.
        score: the objective at its best epoch; `None` before there is one.
        best_step: that epoch, from 0.
    """

    def __init__(
        self,
        hyperparameters: HyperParameters,
        trial_id: str | None = None,
        status: str = TrialStatus.RUNNING,
        message: str | None = None,
    ) -> None:
        self.trial_id = f"{random.getrandbits(64):016x}" if trial_id is None else trial_id
        self.hyperparameters = hyperparameters
        self.status = status
        self.message = message
        self.metrics = Metrics()
        self.score: float | None = None
        self.best_step = 0

    def rate(self, objective: Objective) -> None:
        """Set score and best step by the metrics."""
        best = self.metrics.best(objective)
        if best is not None:
            self.score, self.best_step = best

    def summary(self) -> None:
        """Print its values, score and error."""
        print(f"Trial {self.trial_id} summary")
        print("Hyperparameters:")
        self.display_hyperparameters()
        if self.score is not None:
            print(f"Score: {self.score}")
        if self.message is not None:
            print(self.message)

    def display_hyperparameters(self) -> None:
        """Print its values."""
        lines = [f"{name}: {value}" for name, value in self.hyperparameters.values.items()]
        print("\n".join(lines or ["default configuration"]))

    def get_state(self) -> dict[str, Any]:
        """As JSON."""
        seen = {
            name: [(each.step, each.value) for each in self.metrics.get_history(name)] for name in self.metrics.metrics
        }
        names = ("trial_id", "score", "best_step", "status", "message")
        return {name: getattr(self, name) for name in names} | {
            "hyperparameters": self.hyperparameters.get_config(),
            "metrics": seen,
        }
