"""What is optimized: named metrics, their directions, and how the results of a training become metrics."""

import re
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from welltempered.checks import shown
from welltempered.errors import InvalidInput
from welltempered.kerastuner.errors import FatalTypeError, FatalValueError

__all__ = ["DefaultObjective", "MultiObjective", "Objective", "direction_of", "metrics_of", "objective_of", "step_of"]

_MORE = {
    "accuracy",
    "acc",
    "binary_accuracy",
    "categorical_accuracy",
    "sparse_categorical_accuracy",
    "top_k_categorical_accuracy",
    "sparse_top_k_categorical_accuracy",
    "true_positives",
    "true_negatives",
    "precision",
    "recall",
    "auc",
    "sensitivity_at_specificity",
    "specificity_at_sensitivity",
    "precision_at_recall",
    "recall_at_precision",
    "f1_score",
    "fbeta_score",
    "r2_score",
    "io_u",
    "mean_io_u",
    "binary_io_u",
    "one_hot_io_u",
    "one_hot_mean_io_u",
    "cosine_similarity",
}
"""Metrics of Keras of which more is better, by the names they have in logs."""
_LESS = {
    "loss",
    "crossentropy",
    "ce",
    "mse",
    "mean_squared_error",
    "mae",
    "mean_absolute_error",
    "mape",
    "mean_absolute_percentage_error",
    "msle",
    "mean_squared_logarithmic_error",
    "rmse",
    "root_mean_squared_error",
    "log_cosh",
    "logcosh",
    "huber",
    "hinge",
    "squared_hinge",
    "categorical_hinge",
    "kl_divergence",
    "kld",
    "poisson",
    "binary_crossentropy",
    "categorical_crossentropy",
    "sparse_categorical_crossentropy",
    "binary_focal_crossentropy",
    "categorical_focal_crossentropy",
    "false_positives",
    "false_negatives",
    "dice",
    "tversky",
    "ctc",
    "mean",
}
"""Those of which less is better."""


class Objective:
    """A metric and its direction.

    Args:
        name: the metric's name in the logs of `fit`, such as "val_accuracy".
        direction: "min" or "max".

    Raises:
        InvalidInput: if the direction is another one.
    """

    def __init__(self, name: str, direction: str) -> None:
        if direction not in ("min", "max"):
            raise InvalidInput(f'direction of {name!r} must be "min" or "max", got {shown(direction)}')
        self.name = name
        self.direction = direction

    def has_value(self, logs: Mapping[str, Any]) -> bool:
        """Whether the logs say its value."""
        return self.name in logs

    def get_value(self, logs: Mapping[str, Any]) -> float:
        """Its value."""
        return float(logs[self.name])

    def better_than(self, a: float, b: float) -> bool:
        """Whether one value is better than another."""
        return a > b if self.direction == "max" else a < b

    @property
    def worst(self) -> float:
        """What any value is better than."""
        return float("-inf" if self.direction == "max" else "inf")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Objective) and (other.name, other.direction) == (self.name, self.direction)

    def __hash__(self) -> int:
        return hash((self.name, self.direction))

    def __str__(self) -> str:
        return f'Objective(name="{self.name}", direction="{self.direction}")'


class DefaultObjective(Objective):
    """What a training returns, to be minimized."""

    def __init__(self) -> None:
        super().__init__("default_objective", "min")


class MultiObjective(Objective):
    """The sum of what is to be minimized, minus the sum of what is to be maximized.

    Args:
        objectives: the parts.
    """

    def __init__(self, objectives: Sequence[Objective]) -> None:
        super().__init__("multi_objective", "min")
        self.objectives = list(objectives)
        self.name_to_direction = {each.name: each.direction for each in self.objectives}

    def has_value(self, logs: Mapping[str, Any]) -> bool:
        return all(name in logs for name in self.name_to_direction)

    def get_value(self, logs: Mapping[str, Any]) -> float:
        signs = {"min": 1.0, "max": -1.0}
        return sum(signs[direction] * float(logs[name]) for name, direction in self.name_to_direction.items())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, MultiObjective) and other.name_to_direction == self.name_to_direction

    def __hash__(self) -> int:
        return hash(tuple(sorted(self.name_to_direction.items())))

    def __str__(self) -> str:
        return f"Multi{super().__str__()}: [{', '.join(map(str, self.objectives))}]"


def direction_of(metric: Any) -> str | None:
    """The direction of a metric or loss of Keras: "min", "max", or `None` for one that is not known.

    Args:
        metric: its name in the logs, its function, or an object of its class.

    >>> direction_of("val_sparse_categorical_accuracy"), direction_of("val_loss"), direction_of("val_profit")
    ('max', 'min', None)
    """
    if not isinstance(metric, str):
        kind = metric if hasattr(metric, "__name__") else type(metric)
        if not kind.__module__.startswith("keras."):
            return None
        metric = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", kind.__name__)
    name = metric.removeprefix("val_").removeprefix("weighted_").lower()
    return "max" if name in _MORE else "min" if name in _LESS else None


def objective_of(given: Any) -> Objective:
    """The objective that a name, an `Objective`, a list of these or `None` stands for.

    Raises:
        TypeError: if it is nothing of that kind.
        InvalidInput: if it is a name that Keras has no metric of.
    """
    if given is None:
        return DefaultObjective()
    if isinstance(given, list | tuple):
        return MultiObjective([objective_of(each) for each in given])
    if isinstance(given, Objective):
        return given
    if not isinstance(given, str):
        raise TypeError(f"`objective` not understood, expected str, `Objective` or a list of these, got {shown(given)}")
    direction = direction_of(given)
    if direction is None:
        raise InvalidInput(
            f"objective must say its direction if Keras has no such metric: Could not infer optimization direction "
            f'("min" or "max") for unknown metric {given!r}; write kt.Objective({given!r}, direction="min")'
        )
    return Objective(given, direction)


def metrics_of(results: Any, objective: Objective) -> dict[str, float]:
    """What a training has returned as metrics: of a `History` those of its best epoch, of a list the averages."""
    if isinstance(results, list):
        each = [metrics_of(result, objective) for result in results]
        names = [name for name in each[0] if all(name in metrics for metrics in each)]
        return {name: statistics.fmean(metrics[name] for metrics in each) for name in names}
    if isinstance(results, Mapping):
        metrics = {name: float(value) for name, value in results.items()}
    elif hasattr(results, "history"):
        epochs = epochs_of(results.history)
        metrics = epochs[_best(epochs, objective)]
    else:
        return {objective.name: float(results)}
    return with_objective(metrics, objective)


def step_of(results: Any, objective: Objective) -> int:
    """The epoch of a `History` at which the objective was best, from 0; of a list the average."""
    if isinstance(results, list):
        return int(statistics.fmean(step_of(result, objective) for result in results))
    return _best(epochs_of(results.history), objective) if hasattr(results, "history") else 0


def epochs_of(history: Mapping[str, Sequence[float]]) -> list[dict[str, float]]:
    """The metrics of each epoch."""
    count = max(map(len, history.values()), default=0)
    return [
        {name: float(values[epoch]) for name, values in history.items() if epoch < len(values)}
        for epoch in range(count)
    ]


def with_objective(metrics: Mapping[str, float], objective: Objective) -> dict[str, float]:
    """The metrics, with that which several objectives make together."""
    if objective.name in metrics or not objective.has_value(metrics):
        return dict(metrics)
    return {**metrics, objective.name: objective.get_value(metrics)}


def check_results(results: Any, objective: Objective, source: str) -> None:
    """Refuse what says nothing of the objective.

    Raises:
        FatalTypeError: if it is nothing of which metrics could be made.
        FatalValueError: if it is a dict without the objective.
    """
    if isinstance(results, list) and results:
        for each in results:
            check_results(each, objective, source)
        return
    if results is None:
        raise FatalTypeError(f"The return value of {source} is None. Did you forget to return the metrics?")
    if not isinstance(results, str | bytes) and hasattr(results, "__float__"):
        return
    if isinstance(objective, DefaultObjective) and not (isinstance(results, Mapping) and objective.name in results):
        raise FatalTypeError(
            f"Expected the return value of {source} to be a single float when `objective` is left unspecified. "
            f"Received return value: {shown(results)} of type {type(results)}."
        )
    if isinstance(results, Mapping):
        if not objective.has_value(results) and objective.name not in results:
            raise FatalValueError(
                f"Expected the returned dictionary from {source} to have the specified objective, {objective.name}, "
                f"as one of the keys. Received: {shown(dict(results))}."
            )
    elif not hasattr(results, "history"):
        raise FatalTypeError(
            f"Expected the return value of {source} to be one of float, dict, keras.callbacks.History, or a list of "
            f"one of these types. Received return value: {shown(results)} of type {type(results)}."
        )


def _best(epochs: Sequence[Mapping[str, float]], objective: Objective) -> int:
    values = [objective.get_value(metrics) for metrics in epochs]
    best = 0
    for epoch, value in enumerate(values):
        if objective.better_than(value, values[best]):
            best = epoch
    return best
