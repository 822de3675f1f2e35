"""The classes of Keras behind `for_keras`; imported only where Keras is in use."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import keras

from welltempered.annealing.named import Curve, from_json, to_json
from welltempered.annealing.plateau import ReduceOnPlateau, Seen
from welltempered.errors import InvalidInput
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

    Several calls of `fit` with the same callback are one training, whose epochs it counts itself: those of Keras begin
    anew with each call.

    Args:
        schedule: the value.
        learning_rate: the base rate.
        steps: optimizer steps per epoch.
        objective: which of the logs, and in which direction it improves.

    Attributes:
        seen: what the losses have shown so far.
        epochs: that were trained with it, in all calls of `fit`.
    """

    def __init__(self, schedule: ReduceOnPlateau, learning_rate: float, steps: int, objective: Objective) -> None:
        super().__init__()
        self.schedule, self.learning_rate, self.steps, self.objective = schedule, learning_rate, steps, objective
        self.seen = Seen()
        self.epochs = 0

    def state_dict(self) -> dict[str, Any]:
        """All that it knows, for `run.keep`."""
        return {"epochs": self.epochs, **dataclasses.asdict(self.seen)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where `state_dict` was taken; the next epoch takes the rate that belongs to it."""
        seen = dict(state)
        self.epochs = seen.pop("epochs")
        self.seen = Seen(**seen)

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Take the rate that belongs to the epoch."""
        self._set(self.epochs * self.steps)

    def on_train_batch_begin(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Take the rate that belongs to the batch, while warm-up lasts."""
        step = self.epochs * self.steps + min(batch, self.steps)
        if step - 1 < self.schedule.warmup * self.steps:
            self._set(step)

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Count the loss of the epoch."""
        metrics = {name: float(value) for name, value in (logs or {}).items()}
        if self.objective.metric not in metrics:
            raise InvalidInput(
                f"fit must log the objective {self.objective.metric!r}, in which the plateau is seen, "
                f"got {', '.join(map(repr, metrics)) or 'no logs'}; what begins with 'val_' needs "
                "fit(..., validation_data=...), and for_keras(..., objective='loss') does without"
            )
        self.seen = self.schedule.after(self.seen, self.objective.loss(metrics))
        self.epochs += 1
        self._set(self.epochs * self.steps)

    def _set(self, step: int) -> None:
        share = float(self.schedule.warming(step, steps=self.steps)) * self.seen.factor
        try:
            self.model.optimizer.learning_rate = self.learning_rate * share
        except TypeError:
            raise InvalidInput(
                "the optimizer must have a number as its learning rate where a callback sets it, "
                f"got a LearningRateSchedule; compile the model with the rate {self.learning_rate:g}"
            ) from None
