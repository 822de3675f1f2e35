"""Callbacks of Keras that trials are trained with."""

import copy
import json
import os
from pathlib import Path
from typing import Any

import keras

from welltempered.checks import shown
from welltempered.kerastuner import weights
from welltempered.kerastuner.errors import FatalValueError
from welltempered.kerastuner.hyperparameters import HyperParameters
from welltempered.kerastuner.objectives import Objective
from welltempered.kerastuner.trial import Trial

__all__ = ["BestWeights", "Hooks", "NewEntries", "copied"]


class BestWeights(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no types
    """Writes the weights after each epoch that is the best so far; after each where nobody can tell.

    Args:
        objective: what is optimized.
        path: the file.
        best: the best so far.
    """

    def __init__(self, objective: Objective, path: Path, best: float | None = None) -> None:
        super().__init__()
        self.objective = objective
        self.path = path
        self.best = objective.worst if best is None else best

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if not self.objective.has_value(logs or {}):
            weights.save(self.path, self.model)
            return
        value = self.objective.get_value(logs or {})
        if self.objective.better_than(value, self.best):
            self.best = value
            weights.save(self.path, self.model)


class NewEntries(keras.callbacks.Callback):  # type: ignore[misc]
    """Writes down what a model has asked for that was not known when it was built.

    Args:
        hp: what the model asks.
        known: how many hyperparameters were known.
        path: the file.
    """

    def __init__(self, hp: HyperParameters, known: int, path: Path) -> None:
        super().__init__()
        self.hp, self.known, self.path = hp, known, path

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        config = self.hp.get_config()
        new = config["space"][self.known :]
        if new:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            half = self.path.with_suffix(f".{os.getpid()}")
            half.write_text(json.dumps({"space": new, "values": config["values"]}), encoding="utf-8")
            half.replace(self.path)

    def state_dict(self) -> dict[str, Any]:
        """Nothing: when the trial goes on, more may be known."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """See there."""


class Hooks(keras.callbacks.Callback):  # type: ignore[misc]
    """Calls the methods `on_epoch_begin`, `on_batch_end`, ... of a tuner.

    Args:
        tuner: the tuner.
        trial: the trial that is trained.
    """

    def __init__(self, tuner: Any, trial: Trial) -> None:
        super().__init__()
        self.tuner = tuner
        self.trial = trial

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.tuner.on_epoch_begin(self.trial, self.model, epoch, logs=logs)

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self.tuner.on_batch_begin(self.trial, self.model, batch, logs)

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self.tuner.on_batch_end(self.trial, self.model, batch, logs)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.tuner.on_epoch_end(self.trial, self.model, epoch, logs=logs)


def copied(callbacks: Any, trial_id: str, execution: int) -> list[Any]:
    """Copies of callbacks for one training; TensorBoard writes into its own folder, `<log_dir>/<trial>/execution0`.

    Raises:
        FatalValueError: if one cannot be copied.
    """
    try:
        made = copy.deepcopy(list(callbacks or ()))
    except Exception as error:
        raise FatalValueError(
            f"All callbacks used during a search should be deep-copyable (since they are reused across trials), got "
            f"{shown(callbacks)}: {error}"
        ) from error
    for callback in made:
        if type(callback).__name__ == "TensorBoard":
            callback.log_dir = os.path.join(str(callback.log_dir), trial_id, f"execution{execution}")  # noqa: PTH118
    return made
