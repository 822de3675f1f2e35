"""Models from hypermodels: built, compiled as the tuner says, and not too large."""

import contextlib
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from welltempered.kerastuner.errors import FailedTrialError, FatalTypeError
from welltempered.kerastuner.hyperparameters import HyperParameters

__all__ = ["Building"]


@dataclass(frozen=True)
class Building:
    """How models are built.

    Attributes:
        hypermodel: builds them.
        optimizer: takes the place of theirs; so do `loss` and `metrics`.
        loss: see there.
        metrics: see there.
        max_model_size: trainable weights of a model at most.
        distribution_strategy: of TensorFlow; models are built in its scope.
    """

    hypermodel: Any
    optimizer: Any = None
    loss: Any = None
    metrics: Any = None
    max_model_size: int | None = None
    distribution_strategy: Any = None

    def __call__(self, hp: HyperParameters) -> Any:
        """A model for these values.

        Raises:
            FatalTypeError: if it is no model of Keras.
            FailedTrialError: if it is too large.
        """
        import keras

        with self.scope():
            model = self.hypermodel.build(hp)
        if not isinstance(model, keras.Model):
            raise FatalTypeError(
                "Expected the model-building function, or HyperModel.build() to return a valid Keras Model instance. "
                f"Received: {model} of type {type(model)}."
            )
        with self.scope():
            self._compile(model)
        size = sum(math.prod(weight.shape) for weight in model.trainable_weights) if model.built else 0
        if self.max_model_size and size > self.max_model_size:
            raise FailedTrialError(f"Oversized model: {size} parameters. Skip model.")
        return model

    @contextlib.contextmanager
    def scope(self) -> Iterator[None]:
        """Within it variables belong to the distribution strategy."""
        with contextlib.nullcontext() if self.distribution_strategy is None else self.distribution_strategy.scope():
            yield

    def _compile(self, model: Any) -> None:
        import keras

        given = {"optimizer": self.optimizer, "loss": self.loss, "metrics": self.metrics}
        given = {name: value for name, value in given.items() if value}
        if not given:
            return
        if isinstance(given.get("optimizer"), keras.optimizers.Optimizer):  # each model needs one of its own
            given["optimizer"] = type(self.optimizer).from_config(self.optimizer.get_config())
        before = (model.get_compile_config() if model.compiled else None) or {}
        kept = {
            name: keras.saving.deserialize_keras_object(value) for name, value in before.items() if name not in given
        }
        model.compile(**{**kept, **given})
