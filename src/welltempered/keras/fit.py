"""Training by Keras' own `fit`, an epoch at a time, as if it were one call."""

import contextlib
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import keras

from welltempered.errors import InvalidInput
from welltempered.keras.data import Arrays, Data
from welltempered.keras.seeds import seed_everything, seed_of_epoch
from welltempered.keras.state import State, of_callback, to_callback
from welltempered.keras.trainer import Options

__all__ = ["Callbacks", "Stepwise"]


class Stepwise:
    """Trains a model by `fit`.

    Args:
        model: compiled and built.
        data: to train on.
        held: to validate on, or `None`.
        options: how.
    """

    def __init__(self, model: Any, data: Data, held: Data | None, options: Options) -> None:
        self._model, self._data, self._held, self._options = model, data, held, options
        self._state = State(model)
        self.callbacks = Callbacks(options, model)

    @property
    def stopped(self) -> bool:
        """Whether a callback has asked to stop."""
        return bool(self._model.stop_training)

    def epoch(self, number: int) -> dict[str, float]:
        """Train an epoch."""
        options, data = self._options, self._data
        seed = seed_of_epoch(options.seed, number)
        seed_everything(seed)  # some data draw as soon as they are there
        if isinstance(data, Arrays):
            given = {**data.taken(data.order(options.seed, number)), "batch_size": options.batch_size}
        else:
            given = {"x": data.make(seed)}
        weights = None if options.class_weight is None else dict(options.class_weight)
        with _unfinished(self._model.optimizer), warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Your input ran out of data")  # an epoch is what a generator gives
            self._model.fit(
                **given,
                **_validation(self._held, options),
                class_weight=weights,
                shuffle=False,
                initial_epoch=number - 1,
                epochs=number,
                callbacks=self.callbacks,
                verbose=0,
            )
        return {name: float(value) for name, value in self.callbacks.logs.items()}

    def end(self) -> None:
        """Training is over, or goes on elsewhere."""
        if self.stopped or self.callbacks.trained == self._options.horizon:
            self._model.optimizer.finalize_variable_values(self._model.trainable_weights)
        self.callbacks.end()

    def state_dict(self) -> dict[str, Any]:
        """Values of the variables, what callbacks know, and whether one of them has asked to stop."""
        return {**self._state.state_dict(), "callbacks": self.callbacks.known(), "stopped": self.stopped}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from there."""
        self._state.load_state_dict(state)
        self.callbacks.tell(state["callbacks"])
        self._model.stop_training = state["stopped"]


def _validation(held: Data | None, options: Options) -> dict[str, Any]:
    """Arguments of `fit`."""
    if held is None:
        return {}
    if isinstance(held, Arrays):
        return {"validation_data": held.parts, "validation_batch_size": options.batch_size}
    return {"validation_data": held.make(seed_of_epoch(options.seed, 0))}  # the same in all epochs


class Last(keras.callbacks.Callback):  # type: ignore[misc] # Keras ships no types
    """Sees the logs of an epoch when all others have had their turn."""

    def __init__(self) -> None:
        super().__init__()
        self.logs: dict[str, Any] = {}
        self.epoch = 0

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        self.logs, self.epoch = dict(logs or {}), epoch + 1


class Callbacks(keras.callbacks.CallbackList):  # type: ignore[misc] # Keras ships no types
    """The callbacks of a trial: for them all calls of `fit` are one training."""

    def __init__(self, options: Options, model: Any) -> None:
        params = {"verbose": 0, "epochs": options.horizon, "steps": None}
        self._last = Last()
        super().__init__([*options.callbacks, self._last], add_history=True, model=model, **params)
        self._own, self._seed = options.callbacks, options.seed
        self._fresh: list[Any] = []  # what they knew when training began
        self._training = False

    @property
    def logs(self) -> Mapping[str, Any]:
        """Of the last epoch, with what callbacks have added."""
        return self._last.logs

    @property
    def trained(self) -> int:
        """Number of the last epoch that was trained here."""
        return self._last.epoch

    def begin(self) -> None:
        """Training begins, if it has not."""
        if not self._training:
            self._training = True
            super().on_train_begin()
            self._fresh = [of_callback(one) for one in self._own]

    def end(self) -> None:
        """Training is over, or goes on elsewhere."""
        if self._training:
            self._training = False
            super().on_train_end(self.logs)

    def known(self) -> list[Any]:
        """What each has come to know in training; with what they were made, they are made again."""
        self.begin()
        return [of_callback(one, fresh) for one, fresh in zip(self._own, self._fresh, strict=True)]

    def tell(self, known: Sequence[Any]) -> None:
        """Go on with what they knew.

        Raises:
            InvalidInput: if there are more or less of them.
        """
        if len(known) != len(self._own):
            raise InvalidInput(
                f"callbacks must be those with which the trial has begun, {len(known)}, got {len(self._own)}; restore "
                "them, or give another path to begin a new study"
            )
        self.begin()
        for callback, each in zip(self._own, known, strict=True):
            to_callback(callback, each)

    def on_train_begin(self, logs: Mapping[str, Any] | None = None) -> None:
        self.begin()

    def on_train_end(self, logs: Mapping[str, Any] | None = None) -> None:
        """A call of `fit` is over, and no more."""

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        # Here rather than before `fit`, whose first call draws numbers to see what the model makes of a batch.
        seed_everything(seed_of_epoch(self._seed, epoch + 1))
        super().on_epoch_begin(epoch, logs)


@contextlib.contextmanager
def _unfinished(optimizer: Any) -> Iterator[None]:
    """Let `fit` leave weights as they are, where the optimizer averages them: it would put averages in their place."""
    if not getattr(optimizer, "use_ema", False):
        yield
        return
    optimizer.finalize_variable_values = lambda _: None
    try:
        yield
    finally:
        del optimizer.finalize_variable_values
