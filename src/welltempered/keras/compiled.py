"""Training of a Keras model by compiled epochs, on the JAX backend."""

from collections.abc import Mapping
from typing import Any

import keras

from welltempered.jax.data import fits
from welltempered.jax.programs import compiling_quickly
from welltempered.keras.compiled_epoch import Program, arrays
from welltempered.keras.data import Arrays, Data
from welltempered.keras.fit import Stepwise
from welltempered.keras.trainer import Options

__all__ = ["Compiled", "why_not"]

_HOOKS = (
    "on_batch_begin",
    "on_batch_end",
    "on_train_batch_begin",
    "on_train_batch_end",
    "on_test_begin",
    "on_test_end",
    "on_test_batch_begin",
    "on_test_batch_end",
)
_STEPS = ("fit", "train_step", "test_step", "make_train_function", "make_test_function")


def why_not(model: Any, data: Data, held: Data | None, options: Options) -> str | None:
    """Why a model cannot be trained by compiled epochs; `None` if it can."""
    if keras.backend.backend() != "jax":
        return f"the backend is {keras.backend.backend()}, and only jax compiles epochs"
    if not isinstance(data, Arrays) or not (held is None or isinstance(held, Arrays)):
        return "the data brings its own batches"
    if not fits([part.parts for part in (data, held) if part is not None]):
        return "the data would take more than half of the memory that is free"
    return _of_model(model) or _of_callbacks(options.callbacks)


def _of_model(model: Any) -> str | None:
    own = [name for name in _STEPS if getattr(type(model), name) is not getattr(keras.Model, name)]
    if own:
        return f"the model has a {own[0]} of its own"
    if model.run_eagerly or not model.jit_compile:
        return "the model was compiled with run_eagerly=True or jit_compile=False"
    if keras.distribution.distribution() is not None:
        return "the model is distributed over several devices"
    return None


def _of_callbacks(callbacks: tuple[Any, ...]) -> str | None:
    for callback in callbacks:
        if isinstance(callback, keras.callbacks.ModelCheckpoint) and callback.save_freq == "epoch":
            continue
        for name in _HOOKS:
            if getattr(type(callback), name) is not getattr(keras.callbacks.Callback, name) or name in vars(callback):
                return f"the callback {type(callback).__name__} wants to be called within an epoch ({name})"
    return None


class Compiled:
    """Trains a model by compiled epochs.

    Args:
        model: compiled by `compile`, and built.
        data: to train on.
        held: to validate on, or `None`.
        options: how.
        whole: whether an epoch is one program; `None` chooses.
    """

    def __init__(
        self, model: Any, data: Arrays, held: Arrays | None, options: Options, *, whole: bool | None = None
    ) -> None:
        self._model, self._data, self._options = model, data, options
        with compiling_quickly():  # zeros for the optimizer, of each shape
            self._fit = Stepwise(model, data, held, options)  # it knows state and callbacks
        train = arrays(data.parts, options.class_weight)
        test = None if held is None else arrays(held.parts)
        self._program = Program(model, train, test, options.batch_size, whole=whole)
        self.whole = self._program.whole

    @property
    def stopped(self) -> bool:
        """Whether a callback has asked to stop."""
        return self._fit.stopped

    def epoch(self, number: int) -> dict[str, float]:
        """Train an epoch, 1 is the first, and validate: the logs of `fit`."""
        callbacks, options = self._fit.callbacks, self._options
        self._model.stop_training = False
        callbacks.begin()
        callbacks.on_epoch_begin(number - 1)
        logs = self._program(self._data.order(options.seed, number))
        callbacks.on_epoch_end(number - 1, logs)
        return {name: float(value) for name, value in callbacks.logs.items()}

    def end(self) -> None:
        """Tell the callbacks."""
        self._fit.end()

    def state_dict(self) -> dict[str, Any]:
        """Values of the variables, and what callbacks know."""
        return self._fit.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from there."""
        self._fit.load_state_dict(state)
