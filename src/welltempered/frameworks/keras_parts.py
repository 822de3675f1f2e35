"""The classes of Keras behind `for_keras`; imported only where Keras is in use."""

from collections.abc import Mapping
from typing import Any

import keras

from welltempered.annealing.named import Curve, from_json, to_json
from welltempered.annealing.plateau import ReduceOnPlateau, Seen
from welltempered.objective import Objective

__all__ = ["Annealed", "PlateauCallback"]


@keras.saving.register_keras_serializable(package="welltempered")
class Annealed(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc] # Keras ships no types
    """The rate of each step, as a function that Keras compiles, saves and loads.

    Args:
        schedule: the value, or its JSON.
        learning_rate: the base rate.
        epochs: horizon.
        steps: optimizer steps per epoch.
    """

    def __init__(self, schedule: Curve | Mapping[str, Any], learning_rate: float, epochs: int, steps: int) -> None:
        self.schedule: Any = from_json(schedule) if isinstance(schedule, Mapping) else schedule
        self.learning_rate, self.epochs, self.steps = learning_rate, epochs, steps

    def __call__(self, step: Any) -> Any:
        """The rate of a step, counted from 0."""
        at = keras.ops.cast(step, "float32")
        return self.learning_rate * self.schedule.at(at, epochs=self.epochs, steps=self.steps, ops=keras.ops)

    def get_config(self) -> dict[str, Any]:
        """Its arguments as JSON."""
        kept = {"learning_rate": self.learning_rate, "epochs": self.epochs, "steps": self.steps}
        return {"schedule": to_json(self.schedule), **kept}


class PlateauCallback(keras.callbacks.Callback):  # type: ignore[misc] # Keras ships no types
    """`ReduceOnPlateau` for `fit`: sets the rate of each batch during warm-up, then after each epoch that lets it fall.

    Several calls of `fit` with the same callback are one training.

    Args:
        schedule: the value.
        learning_rate: the base rate.
        steps: optimizer steps per epoch.
        objective: which of the logs, and in which direction it improves.
    """

    def __init__(self, schedule: ReduceOnPlateau, learning_rate: float, steps: int, objective: Objective) -> None:
        super().__init__()
        self.schedule, self.learning_rate, self.steps, self.objective = schedule, learning_rate, steps, objective
        self.seen = Seen()
        self._before = 0  # batches of earlier epochs

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Take the rate that belongs to the epoch."""
        self._before = epoch * self.steps
        self._set(self._before)

    def on_train_batch_begin(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Take the rate that belongs to the batch, while warm-up lasts."""
        step = self._before + min(batch, self.steps)
        if step - 1 < self.schedule.warmup * self.steps:
            self._set(step)

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Count the loss of the epoch."""
        metrics = {name: float(value) for name, value in (logs or {}).items()}
        self.seen = self.schedule.after(self.seen, self.objective.loss(metrics))
        self._set((epoch + 1) * self.steps)

    def _set(self, step: int) -> None:
        share = float(self.schedule.warming(step, steps=self.steps)) * self.seen.factor
        self.model.optimizer.learning_rate = self.learning_rate * share
